// Walks through every page of the back office as its owner does, in a real browser and every size and theme: judged as the till's screens are,
// and nothing reported by the browser (Content-Security-Policy and Trusted Types among it). Pictures stay in the work directory.
//
//   node office.mjs [landscape|portrait|phone …] [light|dark …] [page …]
//
// HOLDFAST_SERVER_BIN  the server's binary
// HOLDFAST_API_PYTHON  a Python with what tests/api/requirements.txt names

import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { habits } from './office/habits.mjs';
import { menu, ofCashier, outside, pages } from './office/pages.mjs';
import { startShop, totp } from './office/shop.mjs';
import { judge, sideways, smallTargets, violations } from './judge.mjs';
import { startBrowser } from './till.mjs';

const SIZES = {
  landscape: { width: 1180, height: 820 },
  portrait: { width: 820, height: 1180 },
  phone: { width: 390, height: 844 },
};

const words = process.argv.slice(2);
const chosen = (all) => {
  const some = all.filter((name) => words.includes(name));
  return some.length ? some : all;
};
const named = words.filter((word) => !(word in SIZES) && !['light', 'dark'].includes(word));

const work = process.env.HOLDFAST_WORK ?? await mkdtemp(join(tmpdir(), 'holdfast-office-'));
const pictures = join(work, 'pictures');
const { check, end } = judge();
const started = Date.now();
const shop = await startShop(join(work, 'shop'));
const browser = await startBrowser();
await mkdir(pictures, { recursive: true });
console.log(`      the shop is filled after ${Math.round((Date.now() - started) / 1000)} s; pictures go to ${pictures}`);

async function open(size, scheme, storageState) {
  const context = await browser.newContext({
    viewport: SIZES[size], colorScheme: scheme, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'America/New_York', storageState,
  });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    // What is asked for and is not there is judged by its page.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) problems.push(`${page.url()}: ${message.text()}`);
  });
  return { context, page, problems };
}

async function look(page, name) {
  check(name, [...await violations(page), ...await smallTargets(page), ...await sideways(page)]);
  await page.screenshot({ path: join(pictures, `${name.replaceAll(' ', '-')}.png`), fullPage: true });
}

/** Password, set-up of the second factor, code. Returns what the browser then keeps. */
async function signIn(email) {
  const { context, page } = await open('landscape', 'light');
  await page.goto(`${shop.origin}/office`);
  await page.locator('#email').fill(email);
  await page.locator('#password').fill(shop.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  if (email === shop.email) await look(page, 'landscape light second-step');
  const secret = await page.locator('.office-secret').innerText();
  for (let tries = 0; tries < 3 && !page.url().endsWith('/office'); tries += 1) {
    await page.locator('#code').fill(totp(secret));
    await Promise.all([page.waitForLoadState('load'), page.getByRole('button', { name: 'Finish' }).click()]);
  }
  check(`${email} comes in with password and code`, page.url().endsWith('/office') ? [] : [`is at ${page.url()}`]);
  const state = await context.storageState();
  await context.close();
  return state;
}

async function walk(size, scheme, steps, state) {
  const { context, page, problems } = await open(size, scheme, state);
  for (const [name, go] of steps) {
    if (named.length && !named.some((word) => name.startsWith(word))) continue;
    try {
      await go(page, shop);
      await look(page, `${size} ${scheme} ${name}`);
    } catch (error) {
      check(`${size} ${scheme} ${name}`, [`not reached: ${error.message.split('\n')[0]}`]);
    }
  }
  check(`${size} ${scheme}: the browser reports nothing`, [...new Set(problems)]);
  await context.close();
}

try {
  const state = await signIn(shop.email);
  // Two browsers' worth of work at once: the machine has a core for each.
  for (const scheme of chosen(['light', 'dark'])) {
    await Promise.all(chosen(Object.keys(SIZES)).map(async (size) => {
      await walk(size, scheme, outside(shop));
      await walk(size, scheme, [...(size === 'landscape' ? [] : [['menu', menu]]), ...pages(shop)], state);
    }));
  }
  await walk('portrait', 'light', ofCashier(shop).map(([name, go]) => [`cashier-${name}`, go]), await signIn(shop.cashier));
  if (!named.length) await habits(shop, state, open, check);
} finally {
  await browser.close();
  await shop.stop();
}
console.log(`      ${Math.round((Date.now() - started) / 1000)} s`);
end();
