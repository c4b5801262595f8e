// A till in a fresh profile that is enrolled and worked by its keys and buttons.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openTill, swipe } from '../look/till.mjs';

const SIZE = { width: 1180, height: 820 };
const LIMIT_MS = 120_000;

export const VISA = '4242424242424242';
export const MASTERCARD = '5555555555554444';
export const AMEX = '378282246310005';

/** `kept`: the browser promises to keep what is stored, as it does to an installed app. */
export async function shop(browser, origin, { kept = true, prepare } = {}) {
  const till = await openTill(browser, origin, { size: SIZE }, prepare);
  const { page, context } = till;
  if (kept) {
    const session = await browser.newBrowserCDPSession();
    // The permission is the context's: found by its page's target.
    const own = await context.newCDPSession(page);
    const { targetInfo } = await own.send('Target.getTargetInfo');
    await session.send('Browser.grantPermissions', {
      permissions: ['durableStorage'], origin, browserContextId: targetInfo.browserContextId,
    });
    await page.evaluate(() => navigator.storage.persist());
    await page.reload();
    await page.locator('[data-state="enrol"]').first().waitFor();
  }
  await page.locator('.enrol-form button[type=button]').click();
  await page.locator('.lamp[data-state=online]').first().waitFor();
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);

  const shown = { till, page, context };
  shown.offline = async () => {
    await context.setOffline(true);
    await page.locator('.bar[data-link=offline]').waitFor({ timeout: LIMIT_MS });
  };
  shown.online = async () => {
    await context.setOffline(false);
    await page.locator('.bar[data-link=online]').waitFor({ timeout: LIMIT_MS });
  };
  /** Rings up an amount in minor units. */
  shown.ring = async (minor) => {
    await page.locator('.tab.plain').click();
    await page.keyboard.type(String(minor));
    await page.getByRole('button', { name: /^Add/ }).click();
    await page.locator('.line').first().waitFor();
  };
  /** What became of a card: the result's state, or `refused`, with its words. */
  shown.outcome = async () => {
    const result = page.locator('.result');
    const refused = page.locator('.tender-note.bad, .keyed-problem:not(:empty)');
    await result.or(refused).first().waitFor({ timeout: LIMIT_MS });
    if (await result.count()) return { state: await result.getAttribute('data-state'), words: await result.innerText() };
    return { state: 'refused', words: await refused.first().innerText() };
  };
  shown.swipe = async (pan, minor) => {
    if (minor) await shown.ring(minor);
    await swipe(page, pan);
    return shown.outcome();
  };
  shown.keyIn = async (pan, minor) => {
    if (minor) await shown.ring(minor);
    await page.locator('.charge').click();
    await page.locator('.tender-actions .button').click();
    await page.keyboard.type(`${pan}1230`);
    await page.keyboard.press('Enter');
    return shown.outcome();
  };
  /** From a result to the next customer; a refused sale is cleared. */
  shown.next = async () => {
    const primary = page.locator('.result-actions .primary');
    if (await primary.count()) {
      await primary.click();
    } else {
      while (await page.locator('.tender').count()) await page.keyboard.press('Escape');
      await page.locator('.cart-head .button').first().click();
    }
    await page.locator('.tab.plain').waitFor();
  };
  shown.go = async (place) => {
    await page.goto(`${page.url().split('#')[0]}#/${place}`);
  };
  shown.shot = async (name) => {
    const folder = process.env.HOLDFAST_SHOTS;
    if (!folder) return;
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  };
  return shown;
}

/** Nothing, where it holds; else what is wrong. */
export const must = (holds, words) => (holds ? [] : [words]);
export const is = (found, state, ...words) => [
  ...must(found.state === state, `it is ${found.state}, not ${state}: ${found.words}`),
  ...words.filter((word) => !found.words.includes(word)).map((word) => `"${word}" is not said: ${found.words}`),
];
