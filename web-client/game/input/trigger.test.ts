import { expect, it } from 'vitest';
import { Trigger } from './trigger.ts';

it('a tap shorter than a tick counts for that tick, and for no other', () => {
  const trigger = new Trigger();
  trigger.set(true);
  trigger.set(false);
  expect(trigger.isHeld).toBe(true);
  trigger.endTick();
  expect(trigger.isHeld).toBe(false);
  trigger.set(true);
  trigger.endTick();
  expect(trigger.isHeld, 'as long as it is down').toBe(true);
  trigger.set(false);
  expect(trigger.isHeld).toBe(false);
});
