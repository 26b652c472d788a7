import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadRules, WasmRules } from './rules.ts';

/** Any game's will do. */
const module = readFileSync(new URL('../game/rules.wasm', import.meta.url));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('rules in a module', () => {
  it('step words in place, the same in the same out', async () => {
    const rules = await WasmRules.compile(module);
    expect(rules.stateWords).toBeGreaterThan(0);
    const input = new Float64Array(rules.inputWords);
    input[0] = 1;
    const [one, other] = [0, 1].map(() => new Float64Array(rules.stateWords).fill(3)) as [Float64Array, Float64Array];
    for (let step = 0; step < 20; step += 1) rules.step(one, input);
    for (let step = 0; step < 20; step += 1) rules.step(other, input);
    expect([...one]).toEqual([...other]);
    expect([...one]).not.toEqual(new Array(rules.stateWords).fill(3));
  });

  it('are no rules where they are not there, or broken, or the browser runs none', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    vi.stubGlobal('fetch', async () => new Response('', { status: 404 }));
    expect(await loadRules('rules.wasm')).toBeUndefined();
    vi.stubGlobal('fetch', async () => new Response('no module'));
    expect(await loadRules('rules.wasm')).toBeUndefined();
    expect(warn).toHaveBeenCalledTimes(2);
    vi.stubGlobal('fetch', async () => new Response(module));
    expect(await loadRules('rules.wasm')).toBeDefined();
    vi.stubGlobal('WebAssembly', undefined);
    expect(await loadRules('rules.wasm')).toBeUndefined();
  });
});
