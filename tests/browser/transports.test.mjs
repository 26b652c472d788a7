// The arena on each rung of the ladder, over reloads and in duplicated tabs, in Debian's Chromium.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launch, PATIENCE_MS, startArena, visit } from './support.mjs';

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await startArena();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const WORDS = { websocket: 'WebSocket', stream: 'stream', 'long-poll': 'long poll', poll: 'poll' };

const shipOf = (page) => page.evaluate(() => window.arena?.ship?.netId ?? window.arena?.ship?.ship?.name);
const clientOf = (page) => page.evaluate(() => window.arena?.clientId);
const hasShip = (page) =>
  page.waitForFunction(() => window.arena?.ship?.motion !== undefined, undefined, { timeout: PATIENCE_MS });

describe('transports', { timeout: 240_000 }, () => {
  for (const [rung, words] of Object.entries(WORDS)) {
    it(`plays on ${rung} where that is asked for, and says so`, async () => {
      const ada = await visit(browser, `${server.address}?transport=${rung}`, 'Ada');
      try {
        assert.deepEqual(await server.sessions(), { [rung]: 1 });
        await ada.page.locator('.link__text', { hasText: words }).waitFor({ timeout: PATIENCE_MS });
        const from = await ada.page.evaluate(() => [...window.arena.ship.motion.position]);
        await ada.page.keyboard.down('KeyW');
        await ada.page.waitForFunction(
          ([x, y]) => {
            const [nowX, nowY] = window.arena?.ship?.motion?.position ?? [x, y];
            return Math.hypot(nowX - x, nowY - y) > 16 * 20;
          },
          from,
          { timeout: PATIENCE_MS },
        );
        assert.deepEqual(ada.errors, []);
      } finally {
        await ada.page.evaluate(() => window.arena.leave());
        await ada.close();
      }
    });
  }

  for (const rung of ['websocket', 'long-poll']) {
    it(`comes back into its ship when the page is reloaded on ${rung}`, async () => {
      const ada = await visit(browser, `${server.address}?transport=${rung}`, 'Ada');
      try {
        const before = await clientOf(ada.page);
        const ship = await shipOf(ada.page);
        assert.ok(before > 0);
        await ada.page.reload();
        await hasShip(ada.page);
        assert.equal(await clientOf(ada.page), before, 'the same player');
        assert.equal(await shipOf(ada.page), ship, 'in the same ship');
        assert.deepEqual(await server.sessions(), { [rung]: 1 });
      } finally {
        await ada.page.evaluate(() => window.arena.leave());
        await ada.close();
      }
    });
  }

  it('makes a duplicated tab a second player', async () => {
    const ada = await visit(browser, server.address, 'Ada');
    try {
      // Duplicating a tab opens its address with a copy of its storage.
      const storage = await ada.page.evaluate(() => ({ ...sessionStorage }));
      const copy = await ada.page.context().newPage();
      await copy.addInitScript((items) => {
        for (const [key, value] of Object.entries(items)) sessionStorage.setItem(key, value);
      }, storage);
      await copy.goto(server.address);
      await copy.fill('.join__name', 'Ada too');
      await copy.click('.join .primary');
      await hasShip(copy);
      assert.notEqual(await clientOf(copy), await clientOf(ada.page));
      assert.deepEqual(await server.sessions(), { websocket: 2 });
      assert.ok(await ada.page.evaluate(() => window.arena.ship !== undefined), 'the first one plays on');
    } finally {
      await ada.close();
    }
  });
});
