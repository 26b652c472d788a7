// Small clients of every way to listen, as people write them: unchanged pages from the examples, in Chromium and in an
// old browser, and a backend in Python.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { launchQtWebKit } from './qtwebkit.mjs';
import { launch, PATIENCE_MS, startArena } from './support.mjs';

/** What a browser of 2012 lacks and QtWebKit has. */
const TOO_NEW = ['WebSocket', 'EventSource', 'ReadableStream', 'Promise', 'Symbol', 'fetch', 'WebAssembly'];

/** Where screenshots go; none are taken without. */
const SCREENSHOTS = process.env.SCREENSHOTS;

describe('examples', { timeout: 300_000 }, () => {
  let server;
  let browser;
  before(async () => {
    [server, browser] = await Promise.all([startArena(), launch()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Publishes as a backend does. */
  const publish = async (cid, body) => {
    const url = new URL(`publish/?cid=${cid}`, server.internal);
    const answer = await fetch(url, { method: 'POST', body });
    assert.equal(answer.status, 200);
    return (await answer.json()).listeners;
  };

  /** Waits until somebody listens. */
  const listeners = async (cid, count) => {
    for (let until = Date.now() + PATIENCE_MS; Date.now() < until; ) {
      const answer = await fetch(new URL(`publish/?cid=${cid}`, server.internal));
      if ((await answer.json()).listeners === count) return;
      await new Promise((wake) => setTimeout(wake, 20));
    }
    throw new Error(`there are never ${count} in ${cid}`);
  };

  const visit = async (name, cid) => {
    const page = await (await browser.newContext()).newPage();
    page.on('pageerror', (error) => {
      throw error;
    });
    await page.goto(new URL(`examples/${name}.html?cid=${cid}`, server.address).href);
    return page;
  };

  /** What a page shows, oldest first. */
  const shown = async (page) => (await page.locator('#messages li').allTextContents()).reverse();

  const HOSTILE = '</script><img src=x onerror="document.title=1">\u2028\u2029 & "quotes" \\ é😀';

  for (const [name, isHeld] of [
    ['interval', false],
    ['long-poll', true],
    ['frame', true],
    ['events', true],
    ['socket', true],
  ]) {
    it(`hears everything once and as text in ${name}.html`, async () => {
      const cid = `${name}-1`;
      const page = await visit(name, cid);
      if (isHeld) await listeners(cid, 1);
      const sent = ['one', HOSTILE, 'three'];
      for (const text of sent) await publish(cid, text);
      await page.waitForFunction(() => document.querySelectorAll('#messages li').length >= 3, undefined, {
        timeout: PATIENCE_MS,
      });
      assert.deepEqual(await shown(page), sent);
      assert.notEqual(await page.title(), '1', 'nothing of it was run');
      await publish(cid, 'four');
      await page.waitForFunction(() => document.querySelectorAll('#messages li').length >= 4, undefined, {
        timeout: PATIENCE_MS,
      });
      assert.deepEqual(await shown(page), [...sent, 'four']);
      await page.context().close();
    });
  }

  it('have an icon each', async () => {
    for (const name of ['index', 'interval', 'long-poll', 'frame', 'events', 'socket', 'quotes', 'live']) {
      const address = new URL(`examples/${name}.html`, server.address);
      const [, href] = /<link rel="icon"[^>]* href="([^"]+)"/.exec(await (await fetch(address)).text()) ?? [];
      const icon = await fetch(new URL(href, address));
      assert.equal(icon.status, 200, name);
      assert.equal(icon.headers.get('content-type'), 'image/svg+xml');
    }
  });

  it('loses none of 100 messages at random moments in long-poll.html', async () => {
    const page = await visit('long-poll', 5);
    await listeners(5, 1);
    await page.evaluate(() => {
      window.heard = [];
      const before = window.show;
      window.show = (text) => {
        window.heard.push(text);
        before(text);
      };
    });
    const sent = [];
    for (let number = 0; number < 100; number += 1) {
      if (Math.random() < 0.5) await new Promise((wake) => setTimeout(wake, Math.random() * 80));
      sent.push(`message ${number}`);
      await publish(5, `message ${number}`);
    }
    await page.waitForFunction(() => window.heard.includes('message 99'), undefined, { timeout: PATIENCE_MS });
    assert.deepEqual(await page.evaluate(() => window.heard), sent);
    await page.context().close();
  });

  it('calls a global handle from a frame that was there from the beginning, and begins it anew after a megabyte', async () => {
    const page = await (await browser.newContext()).newPage();
    const html = `<!doctype html><script>var heard = []; function handle(message) { heard.push(message) }</script>
      <iframe src='/listen/?cid=123'></iframe>`;
    await page.route('**/plain.html', (route) => route.fulfill({ contentType: 'text/html', body: html }));
    // It never ends loading.
    await page.goto(new URL('plain.html', server.address).href, { waitUntil: 'commit' });
    await listeners(123, 1);
    const sent = [];
    for (let number = 0; number < 400; number += 1) {
      sent.push(`${number} ${'x'.repeat(4000)}`);
      await publish(123, sent.at(-1));
    }
    await page.waitForFunction(() => window.heard.length >= 400, undefined, { timeout: PATIENCE_MS });
    assert.deepEqual(await page.evaluate(() => window.heard), sent);
    const frame = page.frames()[1];
    assert.match(frame.url(), /since=/, 'the frame was begun anew');
    await page.context().close();
  });

  it('sends and hears what others send in socket.html', async () => {
    const [one, other] = await Promise.all([visit('socket', 'chat:sockets'), visit('socket', 'chat:sockets')]);
    await listeners('chat:sockets', 2);
    await one.fill('#text', 'hello');
    await one.click('#say button');
    await other.fill('#text', 'hello yourself');
    await other.click('#say button');
    for (const page of [one, other]) {
      await page.waitForFunction(() => document.querySelectorAll('#messages li').length === 2);
      assert.deepEqual(new Set(await shown(page)), new Set(['hello', 'hello yourself']));
      await page.context().close();
    }
  });

  it('takes what a backend in Python posts with requests', async () => {
    const page = await visit('events', 5);
    await listeners(5, 1);
    const script = `
import requests
cid, body = 5, 'from Python: é'.encode()
answer = requests.post('${server.internal}publish/', params={'cid': cid}, data=body)
assert answer.status_code == 200, answer.text
`;
    const python = spawn('/usr/bin/python3', ['-c', script], { stdio: 'inherit' });
    const [code] = await once(python, 'exit');
    assert.equal(code, 0);
    await page.waitForFunction(() => document.querySelector('#messages li')?.textContent === 'from Python: é');
    await page.context().close();
  });

  for (const name of ['interval', 'long-poll', 'frame']) {
    it(`works in a browser of 2012: ${name}.html`, async () => {
      const cid = `old-${name}`;
      const old = launchQtWebKit(TOO_NEW);
      try {
        await old.open(new URL(`examples/${name}.html?cid=${cid}`, server.address).href);
        if (name !== 'interval') await listeners(cid, 1);
        for (const text of ['one', HOSTILE]) await publish(cid, text);
        await old.waitFor("document.querySelectorAll('#messages li').length === 2", PATIENCE_MS);
        const heard = await old.evaluate(
          "[].map.call(document.querySelectorAll('#messages li'), function (line) { return line.textContent })",
        );
        assert.deepEqual(heard.reverse(), ['one', HOSTILE]);
      } finally {
        await old.stop();
      }
    });
  }

  it('shows one message heard in five ways, quotes and a live text, side by side', async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 1200 } });
    const page = await context.newPage();
    // With the hidden frame in it, it never ends loading.
    await page.goto(new URL('examples/', server.address).href, { waitUntil: 'domcontentloaded' });
    await page.waitForFunction(() => document.querySelector('#said').textContent === 'connected');
    await listeners('chat:gallery', 5);
    for (const text of ['Hello, everybody', 'Does it get through?', 'It does.']) {
      await page.fill('#text', text);
      await page.click('#say button[type=submit]');
      await new Promise((wake) => setTimeout(wake, 700));
    }
    for (const name of ['interval', 'long-poll', 'frame', 'events', 'socket']) {
      const frame = page.frames().find((one) => one.url().includes(`/${name}.html`));
      await frame.waitForFunction(() => document.querySelectorAll('#messages li').length === 3, undefined, {
        timeout: PATIENCE_MS,
      });
      const delay = await frame.locator('#delay').textContent();
      assert.match(delay, /^\d+ ms$/, `${name} says how long messages were on their way`);
    }
    const quotes = page.frames().find((one) => one.url().includes('/quotes.html'));
    await quotes.waitForFunction(() => document.querySelectorAll('#quotes tr').length === 7, undefined, {
      timeout: PATIENCE_MS,
    });
    const live = page.frames().find((one) => one.url().includes('/live.html'));
    await live.waitForFunction(() => document.querySelectorAll('#messages li').length > 1, undefined, {
      timeout: PATIENCE_MS,
    });
    // Whoever comes later, in a browser of their own, sees the same.
    const other = await browser.newContext();
    const board = await other.newPage();
    await board.goto(new URL('examples/quotes.html', server.address).href);
    await board.waitForFunction(() => document.querySelectorAll('#quotes tr').length === 7);
    const prices = (from) => from.locator('#quotes').textContent();
    const before = await prices(board);
    await board.waitForFunction((old) => document.querySelector('#quotes').textContent !== old, before);
    const feed = await other.newPage();
    await feed.goto(new URL('examples/live.html', server.address).href);
    const entries = (from) => from.locator('#messages li').allInnerTexts();
    await feed.waitForFunction(() => document.querySelectorAll('#messages li').length > 1);
    const seen = await entries(feed);
    assert.deepEqual(seen.slice(-2), (await entries(live)).slice(-2), 'both have the oldest that are kept');
    await other.close();
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/gallery.png`, fullPage: true });
    await context.close();
  });
});
