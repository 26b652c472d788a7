// What browser tests share: the arena's binary, a static server, and pages of Debian's Chromium.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = fileURLToPath(new URL('.', import.meta.url));
/** The binary, beside which the tools are. */
export const arena = resolve(process.env.ARENA ?? resolve(here, '../../target/debug/arena'));

/** The built client. */
export const client = resolve(here, '../../web-client/dist');

/** Chromium draws on two slow processors here: what a person gets at once may take a while. */
export const PATIENCE_MS = 30_000;

/** Starts Chromium. */
export function launch(args = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', ...args],
  });
}

/** Starts the binary, unless told otherwise without rocks and pilots that would wreck the test's ships. */
export async function startArena(flags = [], port = '0') {
  const inside = await freePort();
  const doors = ['--listen', `127.0.0.1:${port}`, '--internal', `127.0.0.1:${inside}`];
  const calm = ['--pilots', '--asteroids'].flatMap((name) => (flags.includes(name) ? [] : [name, '0']));
  const child = spawn(arena, [...doors, ...calm, '--seed', '1', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (data) => {
    log += data;
  });
  const address = await new Promise((found, failed) => {
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
      const match = /https?:\/\/\S+/.exec(text);
      if (match) found(match[0]);
    });
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`the arena ended with ${code}:\n${log}`)));
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    const [code] = await exit;
    assert.equal(code, 0, `the arena stops in order:\n${log}`);
  };
  /** How many sessions the server has on each rung: `{ websocket: 1 }`, say. */
  const sessions = async () => {
    const page = await (await fetch(`http://127.0.0.1:${inside}/metrics`)).text();
    const found = page.matchAll(/^tickwire_sessions\{transport="([^"]+)"\} (\d+)/gm);
    return Object.fromEntries([...found].map(([, rung, count]) => [rung, Number(count)]).filter(([, count]) => count > 0));
  };
  return { address, internal: `http://127.0.0.1:${inside}/`, stop, sessions };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Any static server will do for the client. */
export async function serveFolder(folder) {
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://site').pathname;
    const file = join(folder, normalize(path === '/' ? '/index.html' : path));
    try {
      const content = await readFile(file);
      response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(content);
    } catch {
      response.writeHead(404).end('There is nothing here.');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { address: `http://127.0.0.1:${server.address().port}/`, stop };
}

/** Opens a page of its own and asks to join. */
export async function open(browser, address, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 960, height: 600 }, ...options });
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(address);
  await page.fill('.join__name', name);
  await page.click('.join .primary');
  return { name, page, errors, close: () => context.close() };
}

/** Opens a page and waits for its ship. */
export async function visit(browser, address, name, options = {}) {
  const visitor = await open(browser, address, name, options);
  try {
    await visitor.page.waitForFunction(() => window.arena?.ship?.motion !== undefined, undefined, {
      timeout: PATIENCE_MS,
    });
  } catch (error) {
    const said = await visitor.page.evaluate(() => document.body.innerText);
    throw new Error(`${name} has no ship; ${visitor.errors.join('; ')}; the page says:\n${said}`, { cause: error });
  }
  return visitor;
}
