// The arena in browsers other than Chromium: one that is too old for nearly everything, and Firefox.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import puppeteer from 'puppeteer-core';
import * as middlemen from './middlemen.mjs';
import { launchQtWebKit } from './qtwebkit.mjs';
import { PATIENCE_MS, startArena } from './support.mjs';

/** What a browser of 2012 lacks and QtWebKit has. Modules and WebAssembly it has not. */
const TOO_NEW = ['WebSocket', 'EventSource', 'ReadableStream', 'Promise', 'Symbol', 'fetch', 'WebAssembly'];

/** Where screenshots go; none are taken without. */
const SCREENSHOTS = process.env.SCREENSHOTS;

const SHIP = 'window.arena && window.arena.ship && window.arena.ship.motion';

describe('browsers', { timeout: 300_000 }, () => {
  let server;
  before(async () => {
    server = await startArena();
  });
  after(() => server?.stop());

  it('plays on long poll in an old browser behind an nginx that knows no upgrades', async () => {
    const middleman = await middlemen.plain(new URL(server.address).host, false);
    const browser = launchQtWebKit(TOO_NEW);
    try {
      await browser.open(middleman.address);
      await browser.waitFor('window.tickwireStarted', PATIENCE_MS);
      assert.deepEqual(
        await browser.evaluate("[typeof WebSocket, typeof fetch, typeof ReadableStream, 'noModule' in document.createElement('script')]"),
        ['undefined', 'undefined', 'undefined', false],
      );
      assert.equal(await browser.evaluate("getComputedStyle(document.querySelector('.touch')).display"), 'none');
      if (SCREENSHOTS) await browser.screenshot(`${SCREENSHOTS}/qtwebkit-lobby.png`);
      await browser.evaluate("(document.querySelector('.join__name').value = 'Ada', document.querySelector('.join .primary').click(), 1)");
      await browser.waitFor(SHIP, 5_000);
      assert.deepEqual(await server.sessions(), { 'long-poll': 1 });
      await browser.waitFor("/long poll/.test(document.querySelector('.link__text').textContent)", PATIENCE_MS);
      const [x, y] = await browser.evaluate('[window.arena.ship.motion.position[0], window.arena.ship.motion.position[1]]');
      await browser.press('KeyW');
      const far = `Math.abs(window.arena.ship.motion.position[0] - ${x}) + Math.abs(window.arena.ship.motion.position[1] - ${y}) > 16 * 20`;
      await browser.waitFor(`${SHIP} && ${far}`, PATIENCE_MS);
      await browser.release('KeyW');
      // A hand moves a mouse more than once.
      const until = Date.now() + PATIENCE_MS;
      for (let x = 470; !(await browser.evaluate(`${SHIP} && Math.sin(window.arena.ship.heading.angle) < -0.9`)); x += 1) {
        assert.ok(Date.now() < until, 'the ship turns to where the mouse is');
        await browser.aim(470 + (x % 20), 20);
        await new Promise((wake) => setTimeout(wake, 200));
      }
      if (SCREENSHOTS) await browser.screenshot(`${SCREENSHOTS}/qtwebkit.png`);
      // What such a browser does not know it says, and leaves out.
      const unknown = /Viewport argument|wasm-unsafe-eval/;
      const mistakes = (await browser.messages()).filter((message) => !unknown.test(message));
      assert.deepEqual(mistakes, []);
      await browser.evaluate('(window.arena.leave(), 1)');
      await left(server);
    } finally {
      await browser.stop();
      await middleman.stop();
    }
  });

  it('says so in a browser that is too old for it', async () => {
    const browser = launchQtWebKit([...TOO_NEW, 'Uint8Array', 'WeakMap']);
    try {
      await browser.open(server.address);
      await browser.waitFor("/too old for the arena/.test(document.body.innerText)", PATIENCE_MS);
      assert.equal(await browser.evaluate("document.querySelectorAll('dialog, main, button').length"), 0);
    } finally {
      await browser.stop();
    }
  });

  it('plays on WebSocket in Firefox', async () => {
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
      headless: true,
    });
    try {
      const page = await browser.newPage();
      await page.setViewport({ width: 960, height: 600 });
      const errors = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      await page.goto(server.address);
      await page.type('.join__name', 'Ada');
      await page.click('.join .primary');
      await page.waitForFunction(SHIP, { timeout: PATIENCE_MS });
      assert.deepEqual(await server.sessions(), { websocket: 1 });
      // Who has left in another browser is gone from the board, which comes a moment after the ship.
      const lines = "[...document.querySelectorAll('.scoreboard__line')]";
      await page.waitForFunction(`${lines}.filter((line) => !line.hidden).length === 1`, { timeout: PATIENCE_MS });
      const [x, y] = await page.evaluate(() => [...window.arena.ship.motion.position]);
      await page.keyboard.down('KeyW');
      const far = `Math.hypot(window.arena.ship.motion.position[0] - ${x}, window.arena.ship.motion.position[1] - ${y}) > 16 * 20`;
      await page.waitForFunction(`${SHIP} && ${far}`, { timeout: PATIENCE_MS });
      await page.keyboard.up('KeyW');
      if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/firefox.png` });
      assert.deepEqual(errors, []);
      await page.evaluate(() => window.arena.leave());
      await left(server);
    } finally {
      await browser.close();
    }
  });
});

/** Waits until nobody is left on the server. */
async function left(server) {
  const until = Date.now() + PATIENCE_MS;
  while (Object.keys(await server.sessions()).length > 0) {
    assert.ok(Date.now() < until, 'nobody is left');
    await new Promise((wake) => setTimeout(wake, 20));
  }
}
