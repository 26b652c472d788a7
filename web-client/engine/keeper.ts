/**
 * Keeps a session over a reload of the page. It lies in the tab's storage only while no page is there to use it: a
 * page takes it out as it starts and puts it back as it goes. A tab that is duplicated copies its storage, and with it
 * no session: it becomes a second player.
 */

import type { GameRecord } from './records.ts';
import type { KeptSession } from './session.ts';

/** A session, and how its player had asked to be let in. */
export interface Kept extends KeptSession {
  readonly join: GameRecord;
}

/** What of the page's surroundings a keeper needs. */
export interface KeeperPage {
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  addEventListener(name: 'pagehide' | 'pageshow', handler: () => void): void;
  removeEventListener(name: 'pagehide' | 'pageshow', handler: () => void): void;
}

/** Keeps one session of one server and room. */
export class Keeper {
  readonly #page: KeeperPage | undefined;
  readonly #key: string;

  /** Without a page, or in one without storage, nothing is kept. */
  constructor(key: string, page: KeeperPage | undefined = pageWithStorage()) {
    this.#key = `tickwire ${key}`;
    this.#page = page;
  }

  /** What a page before this one has left here, once. */
  take(): Kept | undefined {
    try {
      const text = this.#page?.storage.getItem(this.#key);
      this.#page?.storage.removeItem(this.#key);
      if (text === null || text === undefined) return undefined;
      const { token, acknowledged, join } = JSON.parse(text);
      return { token: Uint8Array.from(token as number[]), acknowledged: Number(acknowledged), join };
    } catch {
      // Not ours.
      return undefined;
    }
  }

  /** From now on leaves behind what `current` says as the page goes. Returns how to stop. */
  watch(current: () => Kept | undefined): () => void {
    const page = this.#page;
    if (page === undefined) return () => {};
    const leave = (): void => {
      const kept = current();
      if (kept === undefined) return;
      const text = JSON.stringify({ ...kept, token: Array.from(kept.token) });
      try {
        page.storage.setItem(this.#key, text);
      } catch {
        // A full store costs the player its place, not the page.
      }
    };
    // Shown again, as it was: it has its session still.
    const comeBack = (): void => page.storage.removeItem(this.#key);
    page.addEventListener('pagehide', leave);
    page.addEventListener('pageshow', comeBack);
    return () => {
      page.removeEventListener('pagehide', leave);
      page.removeEventListener('pageshow', comeBack);
    };
  }
}

function pageWithStorage(): KeeperPage | undefined {
  if (typeof window === 'undefined') return undefined;
  try {
    // Some pages may not even look at it.
    const storage = window.sessionStorage;
    return {
      storage,
      addEventListener: (name, handler) => window.addEventListener(name, handler),
      removeEventListener: (name, handler) => window.removeEventListener(name, handler),
    };
  } catch {
    return undefined;
  }
}
