import { describe, expect, it } from 'vitest';
import { Keeper } from './keeper.ts';

/** A tab: its storage outlives its pages, and is copied where it is duplicated. */
class Tab {
  readonly items: Map<string, string>;
  readonly handlers = new Map<string, Set<() => void>>();
  readonly storage = {
    getItem: (key: string) => this.items.get(key) ?? null,
    setItem: (key: string, value: string) => void this.items.set(key, value),
    removeItem: (key: string) => void this.items.delete(key),
  };

  constructor(items: ReadonlyMap<string, string> = new Map()) {
    this.items = new Map(items);
  }

  addEventListener(name: string, handler: () => void): void {
    this.handlers.set(name, (this.handlers.get(name) ?? new Set()).add(handler));
  }

  removeEventListener(name: string, handler: () => void): void {
    this.handlers.get(name)?.delete(handler);
  }

  fire(name: string): void {
    for (const handler of this.handlers.get(name) ?? []) handler();
  }
}

const kept = { token: Uint8Array.from([1, 2, 255]), acknowledged: 7, join: { name: 'Zoë', colour: 3 } };

describe('keeper', () => {
  it('hands a session to the next page in the tab, once', () => {
    const tab = new Tab();
    expect(new Keeper('key', tab).take()).toBeUndefined();
    new Keeper('key', tab).watch(() => kept);
    tab.fire('pagehide');
    expect(new Keeper('other', tab).take(), 'of another server').toBeUndefined();
    expect(new Keeper('key', tab).take()).toEqual(kept);
    expect(new Keeper('key', tab).take()).toBeUndefined();
  });

  it('leaves nothing that a duplicated tab could copy while the page is there', () => {
    const tab = new Tab();
    new Keeper('key', tab).watch(() => kept);
    tab.fire('pagehide');
    const next = new Keeper('key', tab);
    next.take();
    next.watch(() => kept);
    expect(new Keeper('key', new Tab(tab.items)).take()).toBeUndefined();
    tab.fire('pagehide');
    tab.fire('pageshow');
    expect(new Keeper('key', new Tab(tab.items)).take(), 'shown again as it was').toBeUndefined();
  });

  it('keeps nothing after it was stopped, and takes nonsense for nothing', () => {
    const tab = new Tab();
    const stop = new Keeper('key', tab).watch(() => kept);
    stop();
    tab.fire('pagehide');
    expect(new Keeper('key', tab).take()).toBeUndefined();
    tab.items.set('tickwire key', '{"token":');
    expect(new Keeper('key', tab).take()).toBeUndefined();
  });
});
