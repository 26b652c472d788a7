import { describe, expect, it } from 'vitest';
import { parsePilot, tidyName } from './join-dialog.ts';

describe('names', () => {
  it('lose control characters, line breaks and needless space', () => {
    expect(tidyName('  Ada \n\t Lovelace ')).toBe('Ada Lovelace');
    expect(tidyName('a\u0000b\u202Ec')).toBe('a b c');
    expect(tidyName(' \u0007 ')).toBe('');
  });

  it('fit into sixteen bytes without a broken character', () => {
    expect(tidyName('abcdefghijklmnopqrstuvwxyz')).toBe('abcdefghijklmnop');
    expect(tidyName('ééééééééé')).toBe('éééééééé');
    const rockets = tidyName('🚀🚀🚀🚀🚀');
    expect(rockets).toBe('🚀🚀🚀🚀');
    expect(new TextEncoder().encode(rockets)).toHaveLength(16);
  });
});

describe('remembered pilot', () => {
  it('comes back as it was', () => {
    expect(parsePilot('{"name":"Ada","colour":3}')).toEqual({ name: 'Ada', colour: 3 });
  });

  it('is passed over when it makes no sense', () => {
    for (const text of [
      null,
      '',
      'nonsense',
      'null',
      '[]',
      '{"name":1,"colour":2}',
      '{"name":"a","colour":12}',
      '{"name":"a","colour":1.5}',
    ]) {
      expect(parsePilot(text), String(text)).toBeUndefined();
    }
  });
});
