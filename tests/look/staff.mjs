// The lock, a manager's word, and tips: every step of them, and that a swipe is heard while a tip is chosen.

import { CARDS, SCREENS, openTill, swipe } from './till.mjs';

async function pin(page, name, digits) {
  const choice = page.locator('.lock-name', { hasText: name });
  await choice.click();
  await page.keyboard.type(digits);
  await page.keyboard.press('Enter');
}

/** Yields [name, page] for each step. Throws when something is not as it should be. */
export async function* staff(browser, origin, run) {
  const { context, page, problems } = await openTill(browser, origin, run);
  await SCREENS[0][1](page);
  await SCREENS[1][1](page);
  const people = await (await fetch(`${origin}/demo/staff`)).json();
  const [manager, cashier] = ['manager', 'cashier'].map((role) => people.find((one) => one.role === role));
  await page.locator('[data-testid=seller]').click();
  await page.locator('.lock[data-step=lock-pick]').waitFor();
  yield ['lock-names', page];
  await pin(page, cashier.name, '0000');
  await page.locator('.lock-problem .icon').waitFor();
  await page.keyboard.type('12');
  yield ['lock-pin', page];
  for (let n = 0; n < 2; n += 1) {
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Backspace');
    await page.keyboard.type('0000');
    await page.keyboard.press('Enter');
    await page.locator('.lock-dots[data-busy=false]').waitFor();
    await page.locator('.lock-problem .icon').waitFor();
  }
  if (await page.locator('.lock-pin > .button').isEnabled()) throw new Error('a fourth PIN can be tried at once');
  await page.keyboard.type('0000');
  yield ['lock-wait', page];
  // Over a new start too; and a manager lets everybody try again.
  await page.locator('.lock-bar .button').last().click();
  await pin(page, manager.name, manager.pin);
  await page.locator('.lock').waitFor({ state: 'detached' });
  await page.locator('[data-testid=seller]').click();
  yield ['lock-switch', page];
  await page.locator('.lock-bar .button').last().click();
  await page.locator('.lock[data-purpose=unlock]').waitFor();
  await page.keyboard.press('Escape');
  await page.reload();
  await page.locator('.lock[data-purpose=unlock]').waitFor();
  await pin(page, cashier.name, cashier.pin);
  await page.locator('.lock').waitFor({ state: 'detached' });
  yield ['sell-signed-in', page];

  await page.locator('.item').nth(2).click();
  await page.locator('.charge').click();
  await page.locator('.tips .tip').nth(2).click();
  await page.locator('.tip-line').waitFor();
  yield ['tender-tip', page];
  await page.locator('.tips .tip').last().click();
  await page.keyboard.type('150');
  yield ['tender-own-tip', page];
  await swipe(page, CARDS.approved);
  await page.locator('.result[data-state=approved]').waitFor({ timeout: 60_000 });
  await page.locator('.result-actions .button').nth(1).click();
  await page.locator('.slip').waitFor();
  const slip = await page.locator('.slip').innerText();
  if (!slip.includes(cashier.name.split(' ')[0])) throw new Error(`the receipt does not say who served: ${slip}`);
  yield ['receipt-tip', page];
  const ledger = await (await fetch(`${origin}/demo/acquirer/ledger`)).json();
  const last = ledger.entries.filter((entry) => entry.kind === 'capture').at(-1);
  await page.locator('.receipt-actions .primary').click();
  await page.goto(`${page.url().split('#')[0]}#/history`);
  await page.locator('.entry[data-state=captured]').first().click();
  await page.locator('.detail [data-payment]').waitFor();
  if (last.amount_minor % 10 !== 0 || last.amount_minor < 150) throw new Error(`charged without the tip: ${last.amount_minor}`);
  yield ['payment-tip', page];
  await page.locator('[data-testid=refund]').click();
  await page.locator('.refund button[type=submit]').click();
  await page.locator('[data-testid=refund-yes]').click();
  await page.locator('.lock[data-purpose=approve]').waitFor();
  yield ['approve', page];
  await page.keyboard.type(manager.pin);
  await page.keyboard.press('Enter');
  await page.locator('.detail [data-state=refunded]').waitFor({ timeout: 60_000 });
  if (problems.length) throw new Error(problems.join('; '));
  await context.close();
}
