import { describe, expect, it } from 'vitest';
import { COLUMN_MS, COLUMNS, History, type Watched } from './history.ts';
import { scaleFor } from './painter.ts';

/** A client whose numbers the test sets. */
function client() {
  const stats = { framesIn: 0, bytesIn: 0, checksums: 0, desyncs: 0, pictures: 0, heldPictures: 0, workMs: 0 };
  const network = { roundTripMs: 40, renderDelayMs: 90, inputsLate: 0, corrections: { sum: 0 } };
  return { stats, network, watched: { stats, network } as unknown as Watched };
}

describe('history', () => {
  it('has a column for each twentieth of a second, whatever the frame rate', () => {
    const { watched } = client();
    const history = new History();
    for (let nowMs = 0; nowMs < 1000; nowMs += 7) history.note(watched, nowMs);
    expect(history.count).toBe(20);
    history.note(watched, 1200);
    expect(history.count).toBe(25);
  });

  it('counts what came in each column', () => {
    const { watched, stats, network } = client();
    stats.bytesIn = 9000;
    const history = new History();
    for (let nowMs = 0; nowMs < 3000; nowMs += COLUMN_MS) {
      history.note(watched, nowMs);
      stats.framesIn += 1;
      stats.bytesIn += 80;
      network.corrections.sum += nowMs === 2900 ? 12 : 0;
    }
    expect(history.perSecond('frames')).toBe(20);
    expect(history.perSecond('bytes')).toBe(1600);
    expect(history.at('error', 0)).toBe(12);
    expect(history.at('error', 1)).toBe(0);
    expect(history.most('bytes'), 'what was before is no news').toBe(80);
  });

  it('remembers so many columns, and begins again for another client', () => {
    const { watched } = client();
    const history = new History();
    for (let nowMs = 0; nowMs < 60_000; nowMs += COLUMN_MS) history.note(watched, nowMs);
    expect(history.count).toBe(COLUMNS);
    history.note(watched, 10_000_000);
    expect(history.count).toBe(COLUMNS);
    history.clear();
    expect(history.count).toBe(0);
  });
});

it('scales double until all fits', () => {
  expect(scaleFor(0, 100)).toBe(100);
  expect(scaleFor(100, 100)).toBe(100);
  expect(scaleFor(101, 100)).toBe(200);
  expect(scaleFor(Number.POSITIVE_INFINITY, 100)).toBeGreaterThan(1e9);
});
