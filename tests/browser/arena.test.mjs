// Plays the real thing: the arena's binary, and two pages in Debian's Chromium.
//
//   npm ci && ARENA=../../target/debug/arena node --test
//
// Both servers take free ports, so nothing else has to be stopped.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = fileURLToPath(new URL('.', import.meta.url));
const arena = resolve(process.env.ARENA ?? resolve(here, '../../target/debug/arena'));
const client = resolve(here, '../../web-client/dist');

/** Chromium draws on two slow processors here: what a person gets at once may take a while. */
const PATIENCE_MS = 30_000;

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic'],
  });
});
after(async () => {
  await browser?.close();
});

describe('the arena in a browser', { timeout: 240_000 }, () => {
  it('lets two pages see each other move', async () => {
    const server = await startArena();
    const ada = await visit(server.address, 'Ada');
    const grace = await visit(server.address, 'Grace');
    try {
      await ada.page.locator('.scoreboard__lines', { hasText: 'Grace' }).waitFor({ timeout: PATIENCE_MS });
      await meet(ada.page, grace.page);

      await grace.page.keyboard.up('KeyW');
      await grace.page.waitForTimeout(500);
      const from = await placeOf(ada.page, 'Grace');
      assert.ok(from, 'Ada sees Grace');
      await grace.page.keyboard.down('KeyW');
      await ada.page.waitForFunction(
        ([name, [x, y]]) => {
          for (const { ship, motion } of window.arena?.world.entities ?? []) {
            if (ship?.name !== name || motion === undefined) continue;
            return Math.hypot(motion.position[0] - x, motion.position[1] - y) > 16 * 40;
          }
          return false;
        },
        ['Grace', from],
        { timeout: PATIENCE_MS },
      );
      await grace.page.keyboard.up('KeyW');
      for (const { name, errors } of [ada, grace]) assert.deepEqual(errors, [], `${name}'s console`);
    } finally {
      await ada.close();
      await grace.close();
      await server.stop();
    }
  });

  it('plays on a server of another origin', async () => {
    const server = await startArena();
    const site = await serveFolder(client);
    const ada = await visit(`${site.address}?server=${encodeURIComponent(server.address)}`, 'Ada');
    try {
      assert.deepEqual(ada.errors, []);
    } finally {
      await ada.close();
      await site.stop();
      await server.stop();
    }
  });

  it('tells a page from a foreign origin that it may not play', async () => {
    const server = await startArena(['--allow-origin', 'https://play.example']);
    const site = await serveFolder(client);
    const ada = await open(`${site.address}?server=${encodeURIComponent(server.address)}`, 'Ada');
    try {
      const sentence = ada.page.locator('.ended__sentence', { hasText: 'may not play on that server' });
      await sentence.waitFor({ timeout: PATIENCE_MS });
    } finally {
      await ada.close();
      await site.stop();
      await server.stop();
    }
  });

  it('says in words that the server went away', async () => {
    const server = await startArena();
    const ada = await visit(server.address, 'Ada');
    try {
      await server.stop();
      await ada.page.locator('.banner', { hasText: /restarts|[Rr]econnecting|again/ }).waitFor({ timeout: PATIENCE_MS });
    } finally {
      await ada.close();
    }
  });

  it('comes back when the server does', async () => {
    const server = await startArena();
    const ada = await visit(server.address, 'Ada');
    const port = new URL(server.address).port;
    await server.stop();
    const again = await startArena([], port);
    try {
      await ada.page.waitForFunction(() => document.querySelector('.banner')?.hidden === true, undefined, {
        timeout: PATIENCE_MS,
      });
      await ada.page.waitForFunction(() => window.arena?.ship !== undefined, undefined, { timeout: PATIENCE_MS });
    } finally {
      await ada.close();
      await again.stop();
    }
  });
});

/** Starts the binary without rocks and pilots that would wreck the test's ships. */
async function startArena(flags = [], port = '0') {
  const doors = ['--listen', `127.0.0.1:${port}`, '--internal', '127.0.0.1:0', '--pilots', '0', '--asteroids', '0'];
  const child = spawn(arena, [...doors, '--seed', '1', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (data) => {
    log += data;
  });
  const address = await new Promise((found, failed) => {
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
      const match = /http:\/\/\S+/.exec(text);
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
  return { address, stop };
}

/** Any static server will do for the client. */
async function serveFolder(folder) {
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
async function open(address, name) {
  const context = await browser.newContext({ viewport: { width: 960, height: 600 } });
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
async function visit(address, name) {
  const visitor = await open(address, name);
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

/** Flies both ships to the middle of the world until the first page sees the second one's. */
async function meet(first, second) {
  const deadline = Date.now() + 90_000;
  while ((await placeOf(first, 'Grace')) === undefined) {
    assert.ok(Date.now() < deadline, 'the two meet in the middle');
    await Promise.all([first, second].map(flyToTheMiddle));
    await first.waitForTimeout(100);
  }
  for (const page of [first, second]) await page.keyboard.up('KeyW');
}

/** Points the mouse at the middle of the world, a little ahead of the present course, and thrusts. */
async function flyToTheMiddle(page) {
  const course = await page.evaluate(() => {
    const motion = window.arena?.ship?.motion;
    if (motion === undefined) return undefined;
    const middle = 2048 * 16;
    const [x, y] = [0, 1].map((axis) => middle - motion.position[axis] - motion.velocity[axis] * 40);
    return { angle: Math.atan2(y, x), distance: Math.hypot(x, y) };
  });
  if (course === undefined) return;
  await page.mouse.move(480 + Math.cos(course.angle) * 280, 300 + Math.sin(course.angle) * 280);
  await page.keyboard[course.distance > 16 * 150 ? 'down' : 'up']('KeyW');
}

/** Where a page sees somebody's ship, in steps. */
async function placeOf(page, name) {
  return page.evaluate((wanted) => {
    for (const { ship, motion } of window.arena?.world.entities ?? []) {
      if (ship?.name === wanted && motion !== undefined) return [motion.position[0], motion.position[1]];
    }
    return undefined;
  }, name);
}
