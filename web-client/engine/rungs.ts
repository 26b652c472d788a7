/** The rungs of the ladder as this browser has them. */

import { type LessonStore, rungsOf } from './ladder.ts';
import { PollTransport } from './poll-transport.ts';
import { StreamTransport } from './stream-transport.ts';
import type { OpenTransport, Rung } from './transport.ts';
import { WebSocketTransport } from './websocket-transport.ts';

/** Opens a transport of this rung. */
export const openTransport: OpenTransport = (url, rung) => {
  switch (rung) {
    case 'websocket':
      return new WebSocketTransport(url);
    case 'stream':
      return new StreamTransport(url);
    case 'long-poll':
    case 'poll':
      return new PollTransport(url, rung);
    default:
      return rung satisfies never;
  }
};

/** All rungs that this browser can try, best first; or the one that is asked for. */
export function rungsOfPage(asked: string | undefined): readonly Rung[] {
  const rungs = rungsOf(asked, (rung) => {
    if (rung === 'websocket') return WebSocketTransport.isThere;
    return rung === 'stream' ? StreamTransport.isThere : PollTransport.isThere;
  });
  // Outside of browsers whoever tests brings transports of its own.
  return rungs.length > 0 ? rungs : rungsOf(asked, () => true);
}

/** Where the page remembers what its network allows; undefined where it may not. */
export function lessonStore(): LessonStore | undefined {
  try {
    if (typeof window === 'undefined') return undefined;
    const { localStorage } = window;
    const key = `tickwire rung ${networkKind()}`;
    return { load: () => localStorage.getItem(key), save: (text) => localStorage.setItem(key, text) };
  } catch {
    return undefined;
  }
}

/** Mobile data and the wireless network at home are not the same; few browsers tell them apart. */
function networkKind(): string {
  const { connection } = navigator as { readonly connection?: { readonly type?: string } };
  return connection?.type ?? '';
}
