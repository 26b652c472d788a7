// The arena in Debian's Chromium through each kind of network: in the world within seconds, on the best rung that this
// network lets through.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as middlemen from './middlemen.mjs';
import { client, launch, open, PATIENCE_MS, serveFolder, startArena } from './support.mjs';

const WORDS = { websocket: 'WebSocket', stream: 'stream', 'long-poll': 'long poll', poll: 'poll' };

/** From the click on 'join' to the own ship. */
const JOIN_MS = 5_000;

const folder = mkdtempSync(join(tmpdir(), 'tickwire-networks-'));
let browser;
let server;
let secure;
before(async () => {
  browser = await launch(['--ignore-certificate-errors']);
  const { certificate, key } = middlemen.makeCertificate(folder);
  server = await startArena();
  secure = await startArena(['--tls-certificate', certificate, '--tls-key', key]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await secure?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const hostOf = ({ address }) => new URL(address).host;

const networks = [
  ['nothing in between', () => server, () => ({ address: server.address }), 'websocket'],
  ['nothing in between, over TLS', () => secure, () => ({ address: secure.address }), 'websocket'],
  ['nginx that forwards upgrades', () => server, () => middlemen.forwarding(hostOf(server), false), 'websocket'],
  ['nginx that forwards upgrades, over TLS', () => server, () => middlemen.forwarding(hostOf(server), true), 'websocket'],
  ['nginx that knows no upgrades', () => server, () => middlemen.plain(hostOf(server), false), 'stream'],
  ['nginx that knows no upgrades, over TLS', () => server, () => middlemen.plain(hostOf(server), true), 'stream'],
  ['nginx that holds answers back', () => server, () => middlemen.buffering(hostOf(server), false), 'long-poll'],
  ['nginx that holds answers back, over TLS', () => server, () => middlemen.buffering(hostOf(server), true), 'long-poll'],
  ['HAProxy with a short patience', () => server, () => middlemen.haproxy(hostOf(server), false), 'websocket'],
  ['HAProxy with a short patience, over TLS', () => server, () => middlemen.haproxy(hostOf(server), true), 'websocket'],
  ['a proxy that reads TLS along', () => secure, () => middlemen.inspecting(hostOf(secure)), 'stream'],
  ['a proxy that swallows WebSockets', () => server, () => middlemen.swallowing(hostOf(server)), 'stream'],
];

describe('networks', { timeout: 600_000 }, () => {
  for (const [name, upstream, start, rung] of networks) {
    it(`plays on ${rung} through ${name}`, async () => {
      const middleman = await start();
      const ada = await open(browser, middleman.address, 'Ada');
      try {
        await hasShip(ada.page, JOIN_MS);
        assert.deepEqual(await upstream().sessions(), { [rung]: 1 });
        await ada.page.locator('.link__text', { hasText: WORDS[rung] }).waitFor({ timeout: PATIENCE_MS });
        await fly(ada.page);
        assert.deepEqual(ada.errors.filter(isOurs), []);
        await ada.page.evaluate(() => window.arena.leave());
        await ada.page.waitForTimeout(100);
      } finally {
        await ada.close();
        await middleman.stop?.();
      }
    });
  }

  it('plays in a frame of a page from elsewhere, on a server that is elsewhere still', async () => {
    const site = await serveFolder(client);
    const around = await serveFolder(client);
    const context = await browser.newContext();
    const page = await context.newPage();
    try {
      await page.goto(around.address);
      const address = `${site.address}?server=${encodeURIComponent(server.address)}`;
      await page.setContent(`<iframe src="${address}" width="900" height="500"></iframe>`);
      const frame = page.frameLocator('iframe');
      await frame.locator('.join__name').fill('Ada');
      await frame.locator('.join .primary').click();
      const inner = page.frames().find((one) => one.url().startsWith(site.address));
      await inner.waitForFunction(() => window.arena?.ship?.motion !== undefined, undefined, { timeout: JOIN_MS });
      assert.deepEqual(await server.sessions(), { websocket: 1 });
      await inner.evaluate(() => window.arena.leave());
    } finally {
      await context.close();
      await site.stop();
      await around.stop();
    }
  });

  it('climbs to WebSocket while it plays on a lower rung, without leaving its ship', async () => {
    // What an earlier visit has learnt from a network that is no more.
    const context = { storageState: { cookies: [], origins: [lesson(server.address, 'long-poll')] } };
    const ada = await open(browser, server.address, 'Ada', context);
    try {
      await hasShip(ada.page, JOIN_MS);
      assert.deepEqual(await server.sessions(), { 'long-poll': 1 });
      const own = await ada.page.evaluate(() => window.arena.clientId);
      await ada.page.evaluate(watchForGaps);
      await ada.page.locator('.link__text', { hasText: 'WebSocket' }).waitFor({ timeout: PATIENCE_MS });
      await ada.page.waitForTimeout(1000);
      assert.deepEqual(await server.sessions(), { websocket: 1 });
      assert.equal(await ada.page.evaluate(() => window.arena.clientId), own);
      assert.equal(await ada.page.evaluate(() => window.picturesWithoutShip), 0, 'the ship is in every picture');
      await ada.page.evaluate(() => window.arena.leave());
    } finally {
      await ada.close();
    }
  });

  it('is back in its ship within 2 s after the network was away for 30 s', async () => {
    const cable = await middlemen.wire(hostOf(server));
    const ada = await open(browser, cable.address, 'Ada');
    try {
      await hasShip(ada.page, JOIN_MS);
      const own = await ada.page.evaluate(() => window.arena.clientId);
      cable.cut();
      await ada.page.locator('.banner', { hasText: /[Rr]econnecting|again/ }).waitFor({ timeout: PATIENCE_MS });
      await ada.page.waitForTimeout(30_000);
      cable.mend();
      const began = Date.now();
      await ada.page.waitForFunction(() => document.querySelector('.banner')?.hidden === true, undefined, {
        timeout: PATIENCE_MS,
        polling: 20,
      });
      const tookMs = Date.now() - began;
      assert.equal(await ada.page.evaluate(() => window.arena.clientId), own, 'the same player');
      assert.ok(await ada.page.evaluate(() => window.arena.ship !== undefined), 'in its ship');
      console.log(`back after ${tookMs} ms`);
      assert.ok(tookMs < 2_000, `it took ${tookMs} ms`);
      await ada.page.evaluate(() => window.arena.leave());
    } finally {
      await ada.close();
      await cable.stop();
    }
  });
});

async function hasShip(page, timeout) {
  await page.waitForFunction(() => window.arena?.ship?.motion !== undefined, undefined, { timeout });
}

/** Thrusts until the ship has moved. */
async function fly(page) {
  const from = await page.evaluate(() => [...window.arena.ship.motion.position]);
  await page.keyboard.down('KeyW');
  await page.waitForFunction(
    ([x, y]) => {
      const [nowX, nowY] = window.arena?.ship?.motion?.position ?? [x, y];
      return Math.hypot(nowX - x, nowY - y) > 16 * 20;
    },
    from,
    { timeout: PATIENCE_MS },
  );
  await page.keyboard.up('KeyW');
}

/** Counts pictures from which the own ship is missing. Runs in the page. */
function watchForGaps() {
  window.picturesWithoutShip = 0;
  requestAnimationFrame(function look() {
    if (window.arena?.ship?.motion === undefined) window.picturesWithoutShip += 1;
    requestAnimationFrame(look);
  });
}

function lesson(address, rung) {
  const value = JSON.stringify({ rung, untilMs: Date.now() + 300_000 });
  return { origin: new URL(address).origin, localStorage: [{ name: 'tickwire rung ', value }] };
}

/** What the browser itself notes of a rung that did not come about is no mistake of the page's. */
function isOurs(error) {
  return !/WebSocket connection|Failed to load resource|ERR_/.test(error);
}
