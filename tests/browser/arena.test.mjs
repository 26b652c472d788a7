// Plays the real thing: the arena's binary, and two pages in Debian's Chromium.
//
//   npm ci && ARENA=../../target/debug/arena node --test
//
// Both servers take free ports, so nothing else has to be stopped.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { client, launch, open as openPage, PATIENCE_MS, serveFolder, startArena, visit as visitPage } from './support.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser?.close();
});

const open = (address, name) => openPage(browser, address, name);
const visit = (address, name) => visitPage(browser, address, name);

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
