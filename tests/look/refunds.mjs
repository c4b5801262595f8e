// Paying back on the till: an amount, a question, and a payment that stands as paid back, in words and in the server's own books.

import { CARDS, SCREENS, openTill, swipe } from './till.mjs';

/** Yields [name, page] for each step. Throws when the money is not where it should be. */
export async function* refunds(browser, origin, run) {
  const { context, page } = await openTill(browser, origin, run);
  await SCREENS[0][1](page);
  await SCREENS[1][1](page);
  await page.locator('.item').nth(2).click();
  await swipe(page, CARDS.approved);
  await page.locator('.result[data-state=approved]').waitFor({ timeout: 60_000 });
  await page.goto(`${page.url().split('#')[0]}#/history`);
  await page.keyboard.press('Escape');
  await page.locator('.entry[data-state=captured]').first().click();
  const id = await page.locator('.detail [data-payment]').getAttribute('data-payment');
  await page.locator('[data-testid=refund]').click();
  await page.locator('#refund-amount').fill('99999');
  if (await page.locator('.refund button[type=submit]').isEnabled()) throw new Error('more than was paid can be typed');
  await page.locator('#refund-amount').fill('1.00');
  yield ['refund-amount', page];
  await page.locator('.refund button[type=submit]').click();
  await page.locator('[data-testid=refund-yes]').waitFor();
  yield ['refund-sure', page];
  await page.locator('[data-testid=refund-yes]').click();
  await page.locator(`.detail [data-payment="${id}"][data-state=partly-refunded]`).waitFor({ timeout: 60_000 });
  yield ['refund-part', page];
  // The rest, which the field holds by itself.
  await page.locator('[data-testid=refund]').click();
  await page.locator('.refund button[type=submit]').click();
  await page.locator('[data-testid=refund-yes]').click();
  await page.locator(`.detail [data-payment="${id}"][data-state=refunded]`).waitFor({ timeout: 60_000 });
  if (await page.locator('[data-testid=refund]').count()) throw new Error('what is paid back can be paid back again');
  yield ['refund-whole', page];
  const ledger = await (await fetch(`${origin}/demo/acquirer/ledger`)).json();
  const of = (kind) => ledger.entries.filter((e) => e.reference === id && e.kind === kind && e.result === 'approved');
  const sum = (kind) => of(kind).reduce((all, e) => all + e.amount_minor, 0);
  if (of('refund').length !== 2 || sum('refund') !== sum('capture')) throw new Error('the acquirer paid back something else');
  await context.close();
}
