import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Lag, LaggingLine, lagging, NO_LAG, parseLag, readTrace } from './lag.ts';
import { MemoryTransport } from './memory-transport.ts';

/** When frames come out that go in at an even pace. */
function arrivals(lag: Lag, count: number, everyMs = 50, bytes = 100, trace: readonly number[] = []): number[] {
  const line = new LaggingLine(() => lag, 5);
  return Array.from({ length: count }, (_, at) => line.arrivalMs(at * everyMs, bytes, trace));
}

function delays(lag: Lag, count = 2000): number[] {
  return arrivals(lag, count).map((atMs, at) => atMs - at * 50);
}

describe('a lag', () => {
  it('is read from words', () => {
    expect(parseLag('')).toEqual(NO_LAG);
    expect(parseLag('off')).toEqual(NO_LAG);
    expect(parseLag('250')).toEqual({ ...NO_LAG, latencyMs: 250 });
    expect(parseLag('latency:100, jitter:40,stall:1/200,rate:32,burst:2/25/200,trace:lte.txt,seed:7')).toEqual({
      latencyMs: 100,
      jitterMs: 40,
      stallShare: 0.01,
      stallMs: 200,
      rateKiB: 32,
      burst: { badShare: 0.02, goodShare: 0.25, lostMs: 200 },
      trace: 'lte.txt',
      seed: 7,
    });
  });

  it('is refused where it is none', () => {
    for (const words of ['fast', 'jitter', 'jitter:', 'jitter:x', 'stall:1', 'latency:-5', 'burst:1/2', 'rate:1/2']) {
      expect(parseLag(words), words).toBeUndefined();
    }
  });

  it('adds half of the round trip each way, and jitter on either side of it', () => {
    const seen = delays(parseLag('200,jitter:40')!);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(80);
    expect(Math.max(...seen)).toBeLessThanOrEqual(120);
    expect(seen.reduce((sum, delay) => sum + delay, 0) / seen.length).toBeCloseTo(100, -1);
  });

  it('lets nothing overtake anything', () => {
    const seen = arrivals(parseLag('200,jitter:190,stall:5/400,burst:2/25/200')!, 2000, 10);
    for (let at = 1; at < seen.length; at += 1) expect(seen[at]).toBeGreaterThanOrEqual(seen[at - 1]!);
  });

  it('holds up what is behind a stuck frame', () => {
    const seen = delays(parseLag('stall:1/200')!, 20_000);
    const stuck = seen.filter((delay) => delay > 0).length;
    // Each one stuck for 200 ms delays three behind it.
    expect(stuck / seen.length).toBeGreaterThan(0.03);
    expect(stuck / seen.length).toBeLessThan(0.05);
    expect(Math.max(...seen)).toBe(200);
  });

  it('lets no more pass than there is room for', () => {
    const seen = arrivals(parseLag('rate:1')!, 10, 0, 512);
    expect(seen).toEqual([500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000]);
  });

  it('loses in bursts', () => {
    const seen = delays(parseLag('burst:1/20/300')!, 50_000).map((delay) => delay >= 299);
    const bad = seen.filter(Boolean).length;
    const bursts = seen.filter((is, at) => is && !seen[at - 1]).length;
    expect(bad / bursts, 'several in a row').toBeGreaterThan(3);
    expect(bad / seen.length).toBeLessThan(0.12);
  });

  it('follows a trace, again and again', () => {
    const trace = readTrace('10\n20\n100\n');
    expect(arrivals(NO_LAG, 5, 0, 1500, trace)).toEqual([10, 20, 100, 110, 120]);
    expect(arrivals(NO_LAG, 2, 0, 3000, trace)).toEqual([20, 110]);
    expect(readTrace('nonsense')).toEqual([]);
    expect(readTrace('20\n10\n')).toEqual([]);
  });
});

describe('a transport that lags', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('passes everything on in order, later, and can be changed while it is used', () => {
    const inner = new MemoryTransport();
    let lag = parseLag('100')!;
    const transport = lagging(
      () => inner,
      () => lag,
      () => performance.now(),
    )('', 'websocket');
    const heard: number[] = [];
    transport.onFrame = (bytes) => heard.push(bytes[0]!);
    transport.send(Uint8Array.of(1));
    inner.deliver(Uint8Array.of(2));
    vi.advanceTimersByTime(49);
    expect([inner.sent.length, heard.length]).toEqual([0, 0]);
    vi.advanceTimersByTime(2);
    expect([inner.sent.length, heard.length]).toEqual([1, 1]);
    inner.deliver(Uint8Array.of(3));
    lag = NO_LAG;
    inner.deliver(Uint8Array.of(4));
    vi.advanceTimersByTime(60);
    inner.deliver(Uint8Array.of(5));
    expect(heard).toEqual([2, 3, 4, 5]);
    transport.close();
    expect(inner.isClosed).toBe(true);
  });

  it('says nothing more once it is closed', () => {
    const inner = new MemoryTransport();
    const transport = lagging(
      () => inner,
      () => parseLag('100')!,
      () => performance.now(),
    )('', 'websocket');
    transport.onFrame = () => expect.fail('it is closed');
    inner.deliver(Uint8Array.of(1));
    transport.close();
    vi.advanceTimersByTime(1000);
  });
});
