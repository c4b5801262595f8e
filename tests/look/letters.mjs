// A receipt that a customer asks for while there is no network: it waits on the tablet, and goes up by itself with the connection.

import { CARDS, SCREENS, openTill, swipe } from './till.mjs';

/** Yields [name, page] for each step. Throws when the letter does not leave, or leaves twice. */
export async function* letters(browser, origin, run) {
  const { context, page } = await openTill(browser, origin, run);
  await SCREENS[0][1](page);
  await SCREENS[1][1](page);
  // With the till's worker in charge: the page is loaded anew without a network.
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await context.setOffline(true);
  await page.locator('.bar[data-link=offline]').waitFor({ timeout: 60_000 });
  await page.locator('.item').nth(2).click();
  await swipe(page, CARDS.approved);
  await page.locator('.result[data-state=stored]').waitFor({ timeout: 60_000 });
  await page.locator('.result-actions .button').nth(1).click();
  // An address of this run's own: other runs send letters from the same server.
  const email = `ada-${Math.random().toString(36).slice(2)}@example.org`;
  await page.locator('#receipt-email').fill(email);
  await page.locator('#receipt-email').press('Enter');
  const state = (...states) => page.locator(states.map((s) => `.receipt-page .receipt-mail-state[data-state=${s}]`).join(', '));
  await state('waiting').waitFor();
  yield ['letter-waiting', page];
  // Also after the page was closed in between.
  await page.reload();
  await page.locator('.sell .item').first().waitFor();
  await context.setOffline(false);
  await page.goto(`${page.url().split('#')[0]}#/history`);
  await page.locator('.entry').first().click();
  await page.locator('.detail .receipt-mail-state[data-state=queued], .detail .receipt-mail-state[data-state=sent]').waitFor({ timeout: 60_000 });
  const sentCount = async () => {
    const { mails } = await (await fetch(`${origin}/demo/mails`)).json();
    const texts = await Promise.all(mails.map(async ({ id }) => (await fetch(`${origin}/demo/mails/${id}`)).text()));
    return texts.filter((text) => text.includes(email)).length;
  };
  const until = Date.now() + 60_000;
  while (await sentCount() === 0) {
    if (Date.now() > until) throw new Error('the letter was never sent');
    await page.waitForTimeout(250);
  }
  await page.locator('.detail .receipt-mail-state[data-state=sent]').waitFor({ timeout: 60_000 });
  yield ['letter-sent', page];
  if (await sentCount() !== 1) throw new Error('the customer got more than one letter');
  await context.close();
}
