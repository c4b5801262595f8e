// The live receipt as the customer's browser shows it, reached as a customer reaches it: by the link on the till's receipt.

import { CARDS, SCREENS, openTill, swipe } from './till.mjs';

/** Sells with a card and gives the address on the receipt. */
async function addressAfter(page, card, state) {
  await page.locator('.item').nth(2).click();
  await swipe(page, card);
  await page.locator(`.result[data-state=${state}]`).waitFor({ timeout: 60_000 });
  if (state === 'approved') {
    await page.locator('.result-actions .button').nth(1).click();
  } else {
    await page.goto(`${page.url().split('#')[0]}#/history`);
    await page.keyboard.press('Escape');
    await page.locator(`.entry[data-state=${state}]`).first().click();
    await page.locator('.detail-top button').click();
  }
  await page.locator('.slip-live .qr').waitFor({ timeout: 60_000 });
  return page.locator('.slip-live-link').getAttribute('href');
}

/** Yields [name, page] for each state. */
export async function* receipts(browser, origin, run) {
  const { context, page } = await openTill(browser, origin, run);
  await SCREENS[0][1](page);
  await SCREENS[1][1](page);
  // With the till's worker in charge of the origin: the receipt must be the server's page all the same.
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  const paid = await addressAfter(page, CARDS.approved, 'approved');
  yield ['receipt-live', page];
  await page.locator('.receipt-actions .primary').click();
  const declined = await addressAfter(page, CARDS.noFunds, 'declined');
  for (const [state, address] of [['paid', paid], ['declined', declined]]) {
    const receipt = await context.newPage();
    await receipt.goto(address);
    await receipt.locator(`[data-testid=live-receipt][data-state=${state}]`).waitFor({ timeout: 60_000 });
    yield [`live-receipt-${state}`, receipt];
    await receipt.close();
  }
  const nothing = await context.newPage();
  await nothing.goto(`${origin}/r/AAAAAAAAAAAAAAAAAAAAAA`);
  await nothing.locator('.unknown h1').waitFor({ timeout: 60_000 });
  yield ['live-receipt-unknown', nothing];
  await context.close();
}
