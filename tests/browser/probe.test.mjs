// The probe of how the game feels can still count. What it says of the game is for its own, longer run.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { arena } from './support.mjs';

it('the probe sees own motion at once, shots that hit over a delay, and others never step back', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(resolve(dirname(arena), 'probe'), ['--brief']);
  const { hits, own, smoothness } = JSON.parse(stdout);
  assert.ok(own.ownMotionFrames <= 1, `a key is answered ${own.ownMotionFrames} pictures later`);
  assert.ok(own.inputs > 60, `${own.inputs} inputs`);
  assert.equal(hits.shots, 2);
  assert.ok(hits.pingMs > 95, `shots are over ${hits.pingMs} ms`);
  assert.ok(hits.hits > 0, `none of the shots hit: ${JSON.stringify(hits)}`);
  assert.ok(smoothness.pictures > 200, `the other ship is in ${smoothness.pictures} pictures`);
  assert.ok(smoothness.stoodShare < 0.5, `it stands still in ${smoothness.stoodShare} of them`);
  assert.equal(smoothness.backwardSteps, 0, 'steps back');
});
