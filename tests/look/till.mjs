// A real server and a real browser, and the way to every screen of the till.
//
// HOLDFAST_SERVER_BIN  the server's binary
// HOLDFAST_DIST        the built app
// HOLDFAST_ROOT_DIR    the directory with the root keys that the app was built with

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { typeStripe } from '../e2e/lib/keyboard.mjs';

const BROWSER_ARGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--hide-scrollbars',
];

// Public test numbers only.
export const CARDS = {
  approved: '4242424242424242',
  noFunds: '4000000000009995',
};

const needed = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}`);
  return value;
};

const freePort = () => new Promise((resolve, reject) => {
  const probe = createServer();
  probe.on('error', reject);
  probe.listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});

export async function startServer() {
  const [bin, app, roots] = [needed('HOLDFAST_SERVER_BIN'), needed('HOLDFAST_DIST'), needed('HOLDFAST_ROOT_DIR')];
  const data = await mkdtemp(join(tmpdir(), 'holdfast-look-'));
  const port = await freePort();
  const args = ['serve', '--demo', '--data', data, '--port', String(port), '--app', app, '--root-keys', roots, '--retry-declined'];
  const child = spawn(bin, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => { log = (log + chunk).slice(-4000); });
  const origin = `http://127.0.0.1:${port}`;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    }
    await rm(data, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 1200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`the server ended at once:\n${log}`);
    const up = await fetch(`${origin}/api/v1/keyset`).then((r) => r.ok, () => false);
    if (up) return { origin, stop };
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  await stop();
  throw new Error(`the server did not come up:\n${log}`);
}

export const startBrowser = () => chromium.launch({ executablePath: '/usr/bin/chromium', args: BROWSER_ARGS });

/** What a magnetic stripe reader types: tracks 1 and 2, then Enter. */
export const swipe = (page, pan) =>
  typeStripe(page, `%B${pan}^LOVELACE/ADA^30121011000000000000?;${pan}=30121011000012345678?`);

/** A till in a fresh profile. Every problem that the page reports ends up in `problems`. */
export async function openTill(browser, origin, { size, scheme = 'light', lang = 'en' }, prepare = async () => {}) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: scheme,
    reducedMotion: 'reduce',
    locale: { en: 'en-GB', de: 'de-DE', ar: 'ar' }[lang],
    timezoneId: 'Europe/Berlin',
  });
  // A slow machine is no fault of the till's.
  context.setDefaultTimeout(120_000);
  await prepare(context);
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    const text = message.text();
    // A network that is down on purpose is no problem of the page.
    if (message.type() === 'error' && !/net::ERR_|Failed to load resource/.test(text)) problems.push(text);
  });
  await page.goto(`${origin}/?lang=${lang}`);
  await page.locator('[data-state="enrol"], .sell').first().waitFor();
  return { context, page, problems };
}

/** Every screen in order: a name, and what leads to it from the one before. */
export const SCREENS = [
  ['enrol', async (page) => { await page.locator('.enrol-form button[type=button]').waitFor(); }],
  ['sell-empty', async (page) => {
    await page.locator('.enrol-form button[type=button]').click();
    await page.locator('.sell .item').first().waitFor();
    await page.locator('.lamp[data-state=online]').first().waitFor();
  }],
  ['sell', async (page) => {
    for (const n of [0, 0, 3, 5]) await page.locator('.item').nth(n).click();
    await page.locator('.tab').nth(1).click();
    await page.locator('.item').nth(1).click();
  }],
  ['sell-line', async (page) => {
    if (await page.locator('.cart-toggle').isVisible()) await page.locator('.cart-toggle').click();
    await page.locator('.line-main').first().click();
  }],
  ['keypad', async (page) => {
    if (await page.locator('.cart-veil').count()) await page.keyboard.press('Escape');
    await page.locator('.tab.plain').click();
    await page.keyboard.type('1250');
  }],
  ['search', async (page) => { await page.locator('#search').fill('a'); }],
  ['search-none', async (page) => { await page.locator('#search').fill('zebra'); }],
  ['menu', async (page) => {
    await page.locator('#search').fill('');
    await page.locator('.tab').first().click();
    await page.locator('.bar .button').first().click();
    await page.locator('.drawer').waitFor();
  }],
  ['tender', async (page) => {
    await page.keyboard.press('Escape');
    await page.locator('.charge').click();
    await page.locator('.tender[data-step=swipe]').waitFor();
  }],
  ['keyed', async (page) => {
    await page.locator('.tender-actions .button').click();
    await page.keyboard.type(`${CARDS.approved}123`);
  }],
  ['keyed-wrong', async (page) => {
    for (let i = 0; i < 6; i += 1) await page.keyboard.press('Backspace');
    await page.keyboard.type('11');
    await page.locator('.keyed > .button').click();
  }],
  ['approved', async (page) => {
    await page.keyboard.press('Escape');
    await swipe(page, CARDS.approved);
    await page.locator('.result[data-state=approved]').waitFor();
  }],
  ['receipt', async (page) => {
    await page.locator('.result-actions .button').nth(1).click();
    await page.locator('.slip').waitFor();
  }],
  ['declined', async (page) => {
    await page.locator('.receipt-actions .primary').click();
    await page.locator('.item').nth(2).click();
    await swipe(page, CARDS.noFunds);
    await page.locator('.result[data-state=declined]').waitFor();
  }],
  ['offline', async (page) => {
    await page.locator('.result-actions .button').nth(1).click();
    await page.context().setOffline(true);
    await page.locator('.bar[data-link=offline]').waitFor({ timeout: 120_000 });
  }],
  ['tender-offline', async (page) => {
    await page.locator('.charge').click();
    await page.locator('.tender-note').waitFor();
  }],
  ['stored', async (page) => {
    await swipe(page, CARDS.approved);
    await page.locator('.result[data-state=stored]').waitFor();
  }],
  ['receipt-stored', async (page) => {
    await page.locator('.result-actions .button').nth(1).click();
    await page.locator('.slip-stamp[data-state=stored]').waitFor();
  }],
  ['sell-stored', async (page) => {
    await page.locator('.receipt-actions .primary').click();
    await page.locator('.item').nth(1).click();
    await swipe(page, CARDS.approved);
    await page.locator('.result[data-state=stored]').waitFor();
    await page.locator('.result-actions .primary').click();
    await page.locator('.strip').waitFor();
    for (const n of [0, 4]) await page.locator('.item').nth(n).click();
  }],
  ['history', async (page) => {
    await page.goto(`${page.url().split('#')[0]}#/history`);
    await page.locator('.entry').nth(2).waitFor();
  }],
  ['payment-stored', async (page) => {
    await page.locator('.entry').first().click();
    await page.locator('.detail [data-state=stored]').waitFor();
  }],
  ['payment-declined', async (page) => {
    await page.keyboard.press('Escape');
    await page.locator('.entry[data-state=declined]').first().click();
    await page.locator('.detail [data-state=declined]').waitFor();
  }],
  ['settings', async (page) => {
    await page.goto(`${page.url().split('#')[0]}#/settings`);
    await page.locator('.facts .fact').nth(6).waitFor();
  }],
];
