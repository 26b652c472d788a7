// Takes the picture for the README: two people in two pages meet in the arena and fight.
//
//   cargo run --release            in one terminal, then, after `npm ci` in tests/browser,
//   node tests/browser/screenshot.mjs [address] [file]
//
// The pages find each other by looking at where the other one's ship is, which players cannot do.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));

const address = process.argv[2] ?? 'http://127.0.0.1:8080';
const file = resolve(process.argv[3] ?? resolve(here, '../../assets/screenshots/arena.jpg'));
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

const SIZE = { width: 1280, height: 800 };
const STEPS_PER_UNIT = 16;
const MEET_UNITS = 270;
const GIVE_UP_MS = 100_000;
/** Pictures are taken while both shoot, above all just after a ship broke; the liveliest one is kept. */
const PICTURES = 24;
const PICTURE_EVERY_MS = 2_500;

const browser = await chromium.launch({
  executablePath,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic'],
});
try {
  const ada = await pilot('Ada', 0);
  const kepler = await pilot('Kepler', 9);
  const startedAt = Date.now();
  let best = { score: -1, picture: undefined };
  let taken = 0;
  let takenAt = 0;
  while (taken < PICTURES && Date.now() - startedAt < GIVE_UP_MS) {
    const [a, b] = [await look(ada), await look(kepler)];
    const distance = a && b ? Math.hypot(a.x - b.x, a.y - b.y) : Number.POSITIVE_INFINITY;
    await Promise.all([fly(ada, a, b, distance), fly(kepler, b, a, distance)]);
    const shipBroke = await ada.evaluate(() => {
      const newest = document.querySelector('.kill-feed li');
      const isNew = newest !== null && newest !== window.lastKill;
      window.lastKill = newest;
      return isNew;
    });
    if (distance < MEET_UNITS * 1.5 && (shipBroke || Date.now() - takenAt > PICTURE_EVERY_MS)) {
      takenAt = Date.now();
      const things = await ada.evaluate(countThings);
      const picture = await ada.screenshot({ type: 'jpeg', quality: 88 });
      // Light and debris make a picture harder to compress, which says more than a count of entities.
      const score = things < 0 ? -1 : things + (picture.length / 1024) * 0.5;
      if (score > best.score) best = { score, picture };
      taken += 1;
    }
    await ada.waitForTimeout(120);
  }
  if (best.picture === undefined) throw new Error('the two never met');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, best.picture);
  console.log(`wrote ${file} (${Math.round(best.picture.length / 1024)} KiB)`);
} finally {
  await browser.close();
}

/** Opens a page and joins. */
async function pilot(name, colour) {
  const context = await browser.newContext({ viewport: SIZE });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`${name}: ${error.message}`));
  await page.goto(address);
  await page.fill('.join__name', name);
  await page.check(`.join__swatch input[value="${colour}"]`, { force: true });
  await page.click('.join .primary');
  await page.waitForFunction(() => window.arena?.ship !== undefined, undefined, { timeout: 20_000 });
  return page;
}

/** Where a page's own ship is, in units, and where on the screen; null while it is wrecked. */
async function look(page) {
  return page.evaluate((stepsPerUnit) => {
    const ship = window.arena?.ship;
    if (ship?.motion === undefined) return null;
    const [x, y] = ship.motion.position;
    const [velocityX, velocityY] = ship.motion.velocity;
    return { x: x / stepsPerUnit, y: y / stepsPerUnit, velocityX, velocityY };
  }, STEPS_PER_UNIT);
}

/** Points the mouse at the other ship; thrusts while it is far, and fires when it is near. */
async function fly(page, own, other, distance) {
  if (own === null || other === null) return;
  const angle = Math.atan2(other.y - own.y, other.x - own.x);
  // The ship is near the middle of the screen, and a point far out makes the difference small.
  await page.mouse.move(SIZE.width / 2 + Math.cos(angle) * 380, SIZE.height / 2 + Math.sin(angle) * 380);
  await page.keyboard[distance > MEET_UNITS ? 'down' : 'up']('KeyW');
  await page.keyboard[distance < MEET_UNITS * 1.6 ? 'down' : 'up']('Space');
}

/** How much there is to see in a page: ships count most, then bullets and stones. */
function countThings() {
  const own = window.arena?.ship;
  if (own?.motion === undefined) return -1;
  let score = 0;
  for (const entity of window.arena.world.entities) {
    if (entity.motion === undefined) continue;
    const right = Math.abs(entity.motion.position[0] - own.motion.position[0]) / 16;
    const below = Math.abs(entity.motion.position[1] - own.motion.position[1]) / 16;
    if (right > 520 || below > 270) continue;
    score += entity.ship ? 4 : entity.bullet ? 2 : 1;
    if (entity.ship && !entity.ship.isAi) score += 12;
  }
  return score;
}
