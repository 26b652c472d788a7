import { describe, expect, it } from 'vitest';
import { InputSchedule } from './inputs.ts';

describe('input schedule', () => {
  it('has one input for each tick, without gaps or doubles, though timers are late', () => {
    const schedule = new InputSchedule();
    let [server, expected] = [100, 0];
    for (let round = 0; round < 200; round += 1) {
      const { first, count } = schedule.due(server, 1);
      if (round > 0) expect(first).toBe(expected);
      expected = first + count;
      expect(count).toBeLessThan(3);
      server += schedule.ticksUntilDue(server, 1) + (round % 7) * 0.1;
    }
  });

  it('aims early enough that an input is there before its tick', () => {
    const schedule = new InputSchedule();
    const wayTicks = 3;
    const { first } = schedule.due(100, wayTicks);
    expect(first).toBeGreaterThan(100 + wayTicks);
    expect(first).toBeLessThan(100 + wayTicks + 2);
  });

  it('sends earlier while inputs come late, and slowly later again', () => {
    const schedule = new InputSchedule();
    const { first } = schedule.due(100, 0);
    const atFirst = schedule.leadTicks;
    schedule.handleApplied(first, first - 1);
    const afterwards = schedule.leadTicks;
    expect(afterwards).toBeGreaterThan(atFirst);
    schedule.handleApplied(first, first);
    expect(schedule.leadTicks).toBeLessThan(afterwards);
    for (let round = 0; round < 10_000; round += 1) schedule.handleApplied(first, undefined);
    expect(schedule.leadTicks, 'a server that held none had none in time').toBeGreaterThan(5);
    expect(schedule.leadTicks, 'within bounds').toBeLessThan(10);
  });

  it('does not count ticks that no input was sent for as late', () => {
    const schedule = new InputSchedule();
    const { first } = schedule.due(100, 0);
    const before = schedule.leadTicks;
    schedule.handleApplied(first - 1, undefined);
    schedule.handleApplied(first + 1, first);
    expect(schedule.leadTicks).toBe(before);
  });

  it('leaves out what is long past instead of sending it all', () => {
    const schedule = new InputSchedule();
    schedule.due(100, 0);
    const { first, count } = schedule.due(200, 0);
    expect(first).toBeGreaterThan(200);
    expect(count).toBe(1);
  });

  it('begins anew where the server turns out to be far behind', () => {
    const schedule = new InputSchedule();
    schedule.due(1000, 0);
    expect(schedule.due(100, 0).first).toBeLessThan(103);
    expect(schedule.ticksUntilDue(100, 0)).toBeLessThan(2);
  });
});
