import { describe, expect, it } from 'vitest';
import { serverAddress } from './server-address.ts';

const page = (search: string): { search: string; origin: string } => ({ search, origin: 'https://page.example' });

describe('server address', () => {
  it('is where the page came from by default', () => {
    expect(serverAddress(page(''), '')).toBe('https://page.example');
    expect(serverAddress(page(''), undefined)).toBe('https://page.example');
  });

  it('is what the page is set to', () => {
    expect(serverAddress(page(''), 'https://play.example/')).toBe('https://play.example');
  });

  it('is what the query asks for before all else', () => {
    expect(serverAddress(page('?server=http://127.0.0.1:8080'), 'https://play.example')).toBe('http://127.0.0.1:8080');
    expect(serverAddress(page('?server=play.example:8443'), '')).toBe('https://play.example:8443');
  });

  it('passes over what is no address', () => {
    expect(serverAddress(page('?server=javascript:alert(1)'), '')).toBe('https://page.example');
    expect(serverAddress(page('?server=ftp://files.example'), 'https://play.example')).toBe('https://play.example');
    expect(serverAddress(page('?server=%20'), '')).toBe('https://page.example');
  });
});
