import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Connector } from './connector.ts';
import { close, echo } from './fake-server.ts';
import { MemoryTransport } from './memory-transport.ts';
import { RUNGS, type Rung, type Transport } from './transport.ts';

let tried: MemoryTransport[];
let ready: Transport[];
let failed: number;
let closed: string[];

function search(rungs: readonly Rung[] = RUNGS): Connector {
  const open = (_: string, rung: Rung): MemoryTransport => {
    const transport = new MemoryTransport(rung);
    tried.push(transport);
    return transport;
  };
  return new Connector('https://play.example', open, rungs, undefined, {
    onReady: (transport) => ready.push(transport),
    onClosed: ({ reason }) => closed.push(reason.name),
    onFailed: () => {
      failed += 1;
    },
  });
}

function answer(transport: MemoryTransport): void {
  transport.deliver(echo(transport.sent.at(-1)!));
}

beforeEach(() => {
  vi.useFakeTimers();
  tried = [];
  ready = [];
  closed = [];
  failed = 0;
});

afterEach(() => vi.useRealTimers());

describe('connector', () => {
  it('takes the best rung where it answers, and tries no other', () => {
    search();
    tried[0]!.open();
    answer(tried[0]!);
    vi.advanceTimersByTime(20_000);
    expect(ready.map(({ rung }) => rung)).toEqual(['websocket']);
    expect(tried).toHaveLength(1);
  });

  it('is on the long poll within 3 s where sockets are swallowed and streams held back', () => {
    search();
    tried[0]!.open();
    vi.advanceTimersByTime(1000);
    tried[1]!.open();
    vi.advanceTimersByTime(1000);
    tried[2]!.open();
    answer(tried[2]!);
    expect(ready.map(({ rung }) => rung)).toEqual(['long-poll']);
    expect(tried.slice(0, 2).every((transport) => transport.isClosed)).toBe(true);
    vi.advanceTimersByTime(20_000);
    expect([ready.length, failed]).toEqual([1, 0]);
  });

  it('does not wait for what has broken', () => {
    search();
    tried[0]!.end();
    expect(tried.map(({ rung }) => rung)).toEqual(['websocket', 'stream']);
    tried[1]!.deliver(Uint8Array.from([60, 104, 116, 109, 108, 62]));
    expect(
      tried.map(({ rung }) => rung),
      'nor for what talks nonsense',
    ).toEqual(['websocket', 'stream', 'long-poll']);
  });

  it('does not trust a stream that passes the padding on and holds the next small frame back', () => {
    search(['stream', 'long-poll']);
    tried[0]!.open();
    answer(tried[0]!);
    expect(ready).toHaveLength(0);
    vi.advanceTimersByTime(1000);
    tried[1]!.open();
    answer(tried[1]!);
    expect(ready.map(({ rung }) => rung)).toEqual(['long-poll']);
    search(['stream']);
    tried[2]!.open();
    answer(tried[2]!);
    answer(tried[2]!);
    expect(ready.map(({ rung }) => rung)).toEqual(['long-poll', 'stream']);
  });

  it('says once that there is no way', () => {
    search();
    for (let at = 0; at < RUNGS.length; at += 1) tried[at]!.end();
    vi.advanceTimersByTime(20_000);
    expect(failed).toBe(1);
    search(['websocket']);
    vi.advanceTimersByTime(5_000);
    expect(failed, 'silence is no way either').toBe(2);
  });

  it('passes on what the server itself says', () => {
    search();
    tried[0]!.open();
    tried[0]!.deliver(close('OriginRefused'));
    expect(closed).toEqual(['OriginRefused']);
    expect(tried).toHaveLength(1);
  });

  it('is silent once it is stopped', () => {
    const connector = search();
    tried[0]!.open();
    connector.stop();
    answer(tried[0]!);
    vi.advanceTimersByTime(20_000);
    expect([ready.length, failed, tried.length]).toEqual([0, 0, 1]);
  });
});
