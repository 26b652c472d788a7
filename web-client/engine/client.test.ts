import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Client, connect } from './client.ts';
import { CLOSE_REASONS } from './close-reason.ts';
import type { ConnectionState } from './connect-options.ts';
import type { TokenSource } from './connection-token.ts';
import { close, echo, protocol, SESSION_TOKEN, stampOf, states, update, welcome } from './fake-server.ts';
import { MemoryTransport } from './memory-transport.ts';
import { seeded } from './seeded.ts';
import type { EntityBase } from './world.ts';

const TICK_MS = 50;

let transports: MemoryTransport[];
let heard: ConnectionState[];
let client: Client;
let wake: () => void;
let inputs: number;

/** The newest connection. */
function line(): MemoryTransport {
  return transports.at(-1)!;
}

/** A server that makes 20 ticks a second from the golden first tick on, and answers at once. */
function serve(ms: number): void {
  for (let passed = 0; passed < ms; passed += TICK_MS) {
    vi.advanceTimersByTime(TICK_MS);
    answer();
  }
}

function answer(): void {
  const stamps = line()
    .sent.splice(0)
    .flatMap((frame) => (frame[0] === 1 ? (stampOf(frame) ?? []) : []));
  const ticks = performance.now() / TICK_MS;
  const tick = states[0]!.tick + Math.floor(ticks);
  const clock = { stampMs: stamps.at(-1) ?? 0, heldMs: 0, tick, tickFraction: Math.floor((ticks % 1) * 65536) };
  line().deliver(update(stamps.length > 0 ? { clock } : {}));
}

/** Answers the client's probe, so that it says hello. */
function prove(): void {
  line().open();
  line().deliver(echo(line().sent.pop()!));
}

/** Lets the client in, with a first state. */
function admit(): void {
  prove();
  line().deliver(welcome());
  line().deliver(update({ state: states[0]!.bytes }));
}

beforeEach(() => {
  vi.useFakeTimers();
  transports = [];
  heard = [];
  inputs = 0;
  client = open();
  client.on('state', (state) => heard.push(state));
});

afterEach(() => {
  client.leave();
  vi.useRealTimers();
});

describe('client', () => {
  it('says hello first, and plays once it is welcome', () => {
    expect(client.state.kind).toBe('connecting');
    line().open();
    expect(line().sent.map((frame) => frame[0])).toEqual([3]);
    line().deliver(echo(line().sent.pop()!));
    expect(line().sent.map((frame) => frame[0])).toEqual([0]);
    line().deliver(welcome());
    expect(heard).toEqual([{ kind: 'playing' }]);
    expect(client.clientId).toBe(7);
  });

  it('asks for one input per tick', () => {
    admit();
    serve(1000);
    inputs = 0;
    serve(10_000);
    expect(inputs).toBeGreaterThan(198);
    expect(inputs).toBeLessThan(202);
    expect(client.pingMs).toBeLessThan(2 * TICK_MS);
  });

  it('draws what came', () => {
    admit();
    serve(1000);
    client.world.advance(performance.now());
    expect(client.world.entities.length).toBeGreaterThan(5);
  });

  it('goes on answering in the background, where timers are slow', () => {
    admit();
    serve(1000);
    vi.spyOn(globalThis, 'setTimeout').mockReturnValue(0 as unknown as ReturnType<typeof setTimeout>);
    vi.advanceTimersByTime(TICK_MS * 3);
    line().sent.length = 0;
    for (const { bytes } of states.slice(1, 13)) {
      line().deliver(update({ state: bytes }));
      vi.advanceTimersByTime(TICK_MS);
    }
    expect(line().sent.length).toBeGreaterThan(3);
    vi.restoreAllMocks();
  });

  it('comes back by itself when the connection breaks, waiting longer each time', () => {
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      line().end();
      const state = client.state;
      if (state.kind !== 'reconnecting') throw new Error(`it is ${state.kind}`);
      expect(state.attempt).toBe(attempt);
      const waitMs = state.retryAtMs - performance.now();
      expect(waitMs).toBeGreaterThan(124 * 2 ** attempt);
      expect(waitMs).toBeLessThan(251 * 2 ** attempt);
      vi.advanceTimersByTime(waitMs - 2);
      expect(transports).toHaveLength(attempt);
      vi.advanceTimersByTime(3);
      expect(transports).toHaveLength(attempt + 1);
    }
    admit();
    expect(client.state.kind).toBe('playing');
  });

  it('hurries as long as its place is kept, and no longer', () => {
    admit();
    line().end();
    const tried = (ms: number): number => {
      const before = transports.length;
      for (let passed = 0; passed < ms; passed += TICK_MS) {
        vi.advanceTimersByTime(TICK_MS);
        line().end();
      }
      return transports.length - before;
    };
    expect(tried(60_000)).toBeGreaterThan(40);
    expect(tried(60_000)).toBeLessThan(15);
  });

  it('goes on with its session, and says so', () => {
    admit();
    line().end();
    vi.advanceTimersByTime(2000);
    prove();
    const hello = line().sent.at(-1)!;
    expect([...hello.subarray(-3)]).toEqual([1, SESSION_TOKEN, 0]);
    line().deliver(welcome(20, 0, { acknowledged: 0 }));
    expect(client.state.kind).toBe('playing');
    expect(client.clientId).toBe(7);
  });

  it('joins anew where the server does not know its session any more', () => {
    admit();
    line().end();
    vi.advanceTimersByTime(2000);
    prove();
    line().deliver(close('SessionRefused'));
    vi.advanceTimersByTime(2000);
    prove();
    expect([...line().sent.at(-1)!.subarray(-2)], 'no token').toEqual([0, 0]);
  });

  it('fetches a connection token, another before it runs out, and one more where that was too late', async () => {
    let fetched = 0;
    client.leave();
    client = open(() => {
      fetched += 1;
      return fetched === 1 ? Promise.resolve('token-1') : `token-${fetched}`;
    });
    await vi.advanceTimersByTimeAsync(0);
    prove();
    expect(contains(line().sent.at(-1)!, textBytes('token-1'))).toBe(true);
    line().deliver(welcome());
    line().deliver(update({ state: states[0]!.bytes, messages: [[1, 10]] }));
    serve(7_000);
    expect(fetched).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(fetched).toBe(2);
    expect(line().sent.some((frame) => contains(frame, textBytes('token-2')))).toBe(true);
    line().deliver(close('TokenExpired'));
    await vi.advanceTimersByTimeAsync(5_000);
    prove();
    expect(contains(line().sent.at(-1)!, textBytes('token-3'))).toBe(true);
  });

  it('stops where its one connection token has run out', () => {
    client.leave();
    client = open('token');
    prove();
    line().deliver(close('TokenExpired'));
    expect(client.state).toMatchObject({ kind: 'closed', reason: 'TokenExpired' });
  });

  it('sends again what did not arrive, and hears what was sent meanwhile, once', () => {
    const messages: number[][] = [];
    client.on('message', (message) => messages.push([...message]));
    admit();
    client.send(Uint8Array.from([5]));
    vi.advanceTimersByTime(TICK_MS * 2);
    expect(line().sent.some((frame) => contains(frame, [1, 1, 3, 0, 1, 5]))).toBe(true);
    line().deliver(update({ first: 1, messages: [[0, 0, 1, 41]] }));
    line().end();
    vi.advanceTimersByTime(2000);
    prove();
    line().deliver(welcome(20, 0, { acknowledged: 0 }));
    vi.advanceTimersByTime(TICK_MS * 2);
    expect(
      line().sent.some((frame) => contains(frame, [1, 1, 3, 0, 1, 5])),
      'again',
    ).toBe(true);
    line().deliver(
      update({
        first: 1,
        messages: [
          [0, 0, 1, 41],
          [0, 0, 1, 42],
        ],
        acknowledged: 1,
      }),
    );
    line().deliver(update({ state: states[0]!.bytes }));
    expect(messages).toEqual([[41], [42]]);
    line().sent.length = 0;
    vi.advanceTimersByTime(TICK_MS * 2);
    expect(
      line().sent.some((frame) => contains(frame, [1, 1, 3, 0, 1, 5])),
      'acknowledged',
    ).toBe(false);
  });

  it('begins with short waits again after it played for a while, and only then', () => {
    for (let round = 0; round < 4; round += 1) {
      admit();
      line().end();
      vi.advanceTimersByTime(1600);
    }
    expect(client.state).toMatchObject({ attempt: 4 });
    admit();
    serve(11_000);
    line().end();
    expect(client.state).toMatchObject({ attempt: 1 });
  });

  it('tries at once when the network is back, and only where it waits', () => {
    wake();
    expect(transports).toHaveLength(1);
    admit();
    wake();
    expect(transports).toHaveLength(1);
    line().end();
    wake();
    expect(transports).toHaveLength(2);
    wake();
    expect(transports, 'one attempt at a time').toHaveLength(2);
  });

  it('gives up on a server that answers nothing', () => {
    line().open();
    vi.advanceTimersByTime(10_001);
    expect(client.state.kind).toBe('reconnecting');
    expect(transports[0]!.isClosed).toBe(true);
  });

  it('leaves a connection that went silent', () => {
    admit();
    serve(3000);
    vi.advanceTimersByTime(5900);
    expect(client.state.kind).toBe('playing');
    vi.advanceTimersByTime(300);
    expect(client.state.kind).toBe('reconnecting');
  });

  it('hears what came while the machine slept before it calls a connection dead', () => {
    admit();
    serve(3000);
    // Time passes without timers, as on a machine that sleeps.
    const asleep = performance.now() + 60_000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => asleep);
    vi.advanceTimersByTime(TICK_MS * 2);
    expect(client.state.kind).toBe('playing');
    clock.mockRestore();
  });

  it('says every reason to stop as a sentence, and stops', () => {
    client.leave();
    for (const reason of CLOSE_REASONS.filter(({ code }) => code < 4100)) {
      const stopped = open();
      line().open();
      line().deliver(close(reason.name));
      expect(stopped.state).toEqual({ kind: 'closed', sentence: reason.sentence, reason: reason.name });
      const tried = transports.length;
      vi.advanceTimersByTime(60_000);
      expect(transports).toHaveLength(tried);
    }
  });

  it('says every other reason as a sentence, and tries again', () => {
    client.leave();
    for (const reason of CLOSE_REASONS.filter(({ code }) => code >= 4100)) {
      const again = open(() => 'token');
      line().open();
      line().deliver(close(reason.name, '', 3000));
      expect(again.state).toMatchObject({ kind: 'reconnecting', sentence: reason.sentence });
      const tried = transports.length;
      vi.advanceTimersByTime(2999);
      expect(transports, 'not before the server said').toHaveLength(tried);
      vi.advanceTimersByTime(1500);
      expect(transports).toHaveLength(tried + 1);
      again.leave();
    }
  });

  it('does not hurry back before the moment that the server named', () => {
    admit();
    line().deliver(close('ServerStopping', '', 5000));
    wake();
    expect(transports).toHaveLength(1);
    vi.advanceTimersByTime(6000);
    expect(transports).toHaveLength(2);
  });

  it("prefers the server's own sentence", () => {
    line().open();
    line().deliver(close('JoinRefused', 'Names have letters.'));
    expect(client.state).toMatchObject({ kind: 'closed', sentence: 'Names have letters.' });
  });

  it('understands a reason that only the close code tells', () => {
    line().open();
    line().end(4003);
    expect(client.state).toMatchObject({ kind: 'closed', reason: 'ProtocolMismatch' });
  });

  it('begins again where a server sends nonsense', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    admit();
    line().deliver(Uint8Array.of(9, 9, 9));
    expect(client.state.kind).toBe('reconnecting');
    vi.restoreAllMocks();
  });

  it('tells the server once of a state that it cannot read, and takes the fresh one', () => {
    admit();
    serve(500);
    line().sent.length = 0;
    line().deliver(update({ state: Uint8Array.of(255, 1, 2, 3) }));
    expect(client.stats.desyncs).toBe(1);
    vi.advanceTimersByTime(TICK_MS * 4);
    const reports = line().sent.filter((frame) => frame.at(-1) !== 0);
    expect(reports).toHaveLength(1);
    line().deliver(update({ state: states[0]!.bytes }));
    client.world.advance(performance.now());
    expect(client.world.entities.length).toBeGreaterThan(5);
  });

  it('says good-bye, and is silent from then on', () => {
    admit();
    client.leave();
    expect(line().sent.at(-1)).toEqual(Uint8Array.of(2));
    expect(heard.at(-1)).toMatchObject({ kind: 'closed', reason: 'Left' });
    const said = line().sent.length;
    vi.advanceTimersByTime(60_000);
    expect(line().sent).toHaveLength(said);
    expect(transports).toHaveLength(1);
  });

  it('says which address it cannot use', () => {
    const lost = connect({ url: 'no address', protocol, join: {}, input: () => ({}) });
    vi.advanceTimersByTime(1);
    expect(lost.state).toMatchObject({ kind: 'closed', reason: 'BadAddress' });
  });
});

function textBytes(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

function contains(frame: Uint8Array, part: readonly number[]): boolean {
  return frame.some((_, at) => part.every((byte, offset) => frame[at + offset] === byte));
}

/** A client that connects over the next line. */
function open(token?: TokenSource): Client {
  const opened = connect<EntityBase, Record<string, unknown>, unknown, unknown>({
    url: 'https://play.example',
    protocol,
    join: {},
    ...(token === undefined ? {} : { token }),
    input: () => {
      inputs += 1;
      return {};
    },
    rungs: ['websocket'],
    open: (url, rung) => {
      if (!url.startsWith('https://')) throw new Error('no address');
      const transport = new MemoryTransport(rung);
      transports.push(transport);
      return transport;
    },
    random: seeded(4),
    onWake: (handler) => {
      wake = handler;
      return () => {};
    },
  });
  vi.advanceTimersByTime(0);
  return opened;
}
