// Takes the README's pictures of the net graph: a good network and a bad one, one after the other.
//
//   cargo build --bin arena, then, after `npm ci` in tests/browser,
//   node tests/browser/net-graph-pictures.mjs [folder]

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, startArena, visit } from './support.mjs';

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL('../../assets/screenshots', import.meta.url)));
const NETWORKS = [
  ['net-graph-good', 'off'],
  ['net-graph-bad', '150,jitter:60,stall:2/250,burst:1/30/150'],
];
const ROUNDS = 10;

const browser = await launch();
const server = await startArena(['--pilots', '10', '--asteroids', '120']);
try {
  for (const [name, lag] of NETWORKS) {
    const { page, close } = await visit(browser, `${server.address}/?lag=${lag}`, 'Ada');
    await page.keyboard.press('F3');
    for (let round = 0; round < ROUNDS; round += 1) {
      const key = round % 2 === 0 ? 'KeyA' : 'KeyD';
      for (const held of [key, 'KeyW', 'Space']) await page.keyboard.down(held);
      await page.waitForTimeout(700);
      await page.keyboard.up(key);
      await page.waitForTimeout(900);
      await page.keyboard.up('Space');
    }
    await page.locator('.net-graph').screenshot({ path: `${folder}/${name}.png` });
    await close();
  }
} finally {
  await browser.close();
  await server.stop();
}
