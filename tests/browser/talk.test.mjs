// What players say and hear beside the world, in Debian's Chromium: chat both ways, announcements, words to one pilot.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launch, open, PATIENCE_MS, startArena } from './support.mjs';
import { keyFile, sign } from './tokens.mjs';

describe('talk', { timeout: 120_000 }, () => {
  let browser;
  let server;
  let ada;
  let grace;
  before(async () => {
    browser = await launch();
    server = await startArena(['--token-keys', await keyFile(), '--allow-anonymous']);
    ada = await open(browser, server.address, 'Ada');
    grace = await open(browser, server.address, 'Grace');
    for (const { page } of [ada, grace]) {
      await page.waitForFunction(() => window.arena?.ship?.motion !== undefined, undefined, { timeout: PATIENCE_MS });
    }
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  it('carries words both ways, as text and nothing else, and no key of theirs to the ship', async () => {
    const words = 'wwww <script>alert(1)</script>';
    await say(ada.page, words);
    await hears(grace.page, words);
    await say(grace.page, 'hello, Ada');
    await hears(ada.page, 'hello, Ada');
    assert.equal(await grace.page.locator('.chat script').count(), 0);
    const speed = await ada.page.evaluate(() => Math.hypot(...window.arena.ship.motion.velocity));
    assert.equal(speed, 0, 'the ship of whoever types stays where it is');
  });

  it('shows an announcement to everybody', async () => {
    await publish(server, 'announce:all', { text: 'The server restarts at noon' });
    for (const { page } of [ada, grace]) {
      await page.locator('.announcement', { hasText: 'restarts at noon' }).waitFor({ timeout: PATIENCE_MS });
    }
  });

  it('brings words for one pilot to that pilot alone', async () => {
    const client = await ada.page.evaluate(() => window.arena.clientId);
    await publish(server, `player:${client}`, { text: 'for you alone' });
    await hears(ada.page, 'for you alone');
    // What is said to all after it has come, so it would have come as well.
    await say(ada.page, 'that was for me');
    await hears(grace.page, 'that was for me');
    assert.equal(await grace.page.locator('.chat__lines', { hasText: 'for you alone' }).count(), 0);
    assert.deepEqual([...ada.errors, ...grace.errors], []);
  });

  it('lets whoever holds the right silence somebody and send them away, and nobody else', async () => {
    await say(ada.page, '/kick Grace');
    await hears(ada.page, 'you hold no right to do that');
    const token = sign({ sub: '1', moderate: ['room:*'] });
    const judge = await open(browser, `${server.address}#token=${token}`, 'Judge');
    await judge.page.waitForFunction(() => window.arena?.ship?.motion !== undefined, undefined, {
      timeout: PATIENCE_MS,
    });
    await say(judge.page, '/mute Grace');
    await refused(grace.page);
    await say(judge.page, '/unmute Grace');
    await say(judge.page, '/kick Ada');
    await ada.page.locator('text=A moderator has removed you').waitFor({ timeout: PATIENCE_MS });
    await say(judge.page, 'order');
    await hears(grace.page, 'order');
    await say(grace.page, 'heard again');
    await hears(judge.page, 'heard again');
    assert.deepEqual([...grace.errors, ...judge.errors], []);
  });
});

async function say(page, words) {
  await page.keyboard.press('Enter');
  await page.keyboard.type(words);
  await page.keyboard.press('Enter');
}

async function hears(page, words) {
  await page.locator('.chat__lines li', { hasText: words }).first().waitFor({ timeout: PATIENCE_MS });
}

/** Says something until that is refused: the moderator's word is on its way. */
async function refused(page) {
  const note = page.locator('.chat__lines li', { hasText: 'you are muted for another' });
  for (let until = Date.now() + PATIENCE_MS; (await note.count()) === 0 && Date.now() < until; ) {
    await say(page, 'can you hear me?');
    await page.waitForTimeout(500);
  }
  assert.notEqual(await note.count(), 0, 'whoever is silenced is told so');
}

async function publish(server, channel, data) {
  const answer = await fetch(new URL('/api/publish', server.internal), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ channel, data }),
  });
  assert.equal(answer.status, 200, await answer.text());
}
