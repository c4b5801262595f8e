// What a seller can do about a payment that is not charged yet, or was declined: void it, try it again. In words on the till, and true in the
// acquirer's own ledger.

import { CARDS, SCREENS, openTill, swipe } from './till.mjs';

const DECLINED = '4000000000000002';

const script = (origin, body) => fetch(`${origin}/demo/acquirer/script`, {
  method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
});

const toHistory = async (page) => {
  await page.goto(`${page.url().split('#')[0]}#/history`);
  await page.locator('.history-list').waitFor();
};

const stored = async (page) => {
  await page.locator('.result[data-state=stored]').waitFor({ timeout: 60_000 });
  await page.locator('.result-actions .primary').click();
  await page.locator('.strip').waitFor();
};

const sell = (page) => page.locator('.item').nth(2).click();

/** A keyed card: its data may be kept for another try. */
const key = async (page, pan) => {
  await sell(page);
  if (await page.locator('.cart-toggle').isVisible()) await page.locator('.cart-toggle').click();
  await page.locator('.charge').click();
  await page.locator('.tender-actions .button').click();
  await page.keyboard.type(`${pan}1230`);
  await page.keyboard.press('Enter');
  await stored(page);
};

const open = async (page, id) => {
  await toHistory(page);
  await page.locator(`.entry[data-payment="${id}"]`).click();
  await page.locator(`.detail [data-payment="${id}"]`).waitFor();
};

const is = (page, id, state) =>
  page.locator(`.detail [data-payment="${id}"][data-state=${state}]`).waitFor({ timeout: 60_000 });

const none = async (page, selector, said) => {
  if (await page.locator(selector).count()) throw new Error(said);
};

/** Ids of payments whose record in the database still holds an envelope. */
const SEALED = async () => {
  const all = (store) => new Promise((resolve, reject) => {
    const opening = indexedDB.open('holdfast-money');
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const reading = opening.result.transaction([store]).objectStore(store).getAll();
      reading.onsuccess = () => { opening.result.close(); resolve(reading.result); };
      reading.onerror = () => reject(reading.error);
    };
  });
  const payload = (record) => JSON.parse(atob(record.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
  const rows = (await all('outbox')).map((text) => payload(JSON.parse(text).record));
  return rows.filter((row) => row.jwe !== '').map((row) => row.id);
};

/** Yields [name, page] for each step. Throws when a payment is not where it should be. */
export async function* voids(browser, origin, run) {
  const { context, page } = await openTill(browser, origin, run);
  await SCREENS[0][1](page);
  await SCREENS[1][1](page);
  await context.setOffline(true);
  await page.locator('.bar[data-link=offline]').waitFor({ timeout: 60_000 });
  await key(page, DECLINED);
  await sell(page);
  await swipe(page, CARDS.approved);
  await stored(page);
  await sell(page);
  await swipe(page, CARDS.approved);
  await stored(page);
  await toHistory(page);
  const [mistaken, taken, declined] = await page.locator('.entry[data-state=stored]')
    .evaluateAll((entries) => entries.map((entry) => entry.dataset.payment));

  // Without a network: it is destroyed here, and waits only to be told.
  await open(page, mistaken);
  await page.locator('[data-testid=void]').click();
  yield ['void-stored-sure', page];
  await page.locator('[data-testid=void-yes]').click();
  await is(page, mistaken, 'voided');
  await none(page, '.ways button', 'what is voided can be asked for something');
  if (await page.locator('.timeline li[data-done=true]').count() !== 2) throw new Error('the void is not told in its place');
  yield ['payment-voided-here', page];
  const sealed = await page.evaluate(SEALED);
  if (sealed.length !== 2 || sealed.includes(mistaken)) throw new Error(`sealed on the tablet: ${sealed}`);

  // The bank is away, so nothing is charged; the void waits with the server, and the till says so, also after it was loaded anew.
  await script(origin, { next: [], always: { kind: 'unreachable' } });
  await context.setOffline(false);
  await page.locator(`.entry[data-payment="${taken}"]:not([data-state=stored])`).waitFor({ state: 'attached', timeout: 60_000 });
  await open(page, taken);
  await page.locator('[data-testid=void]').click();
  yield ['void-sure', page];
  const asked = page.waitForRequest((request) => request.url().endsWith('/void'));
  await page.locator('[data-testid=void-yes]').click();
  await asked;
  await page.waitForTimeout(500);
  await page.reload();
  await page.locator('[data-testid=under-way][data-kind=void]').waitFor({ timeout: 60_000 });
  await none(page, '[data-testid=void]', 'what is being voided can be voided again');
  if (await page.locator('.timeline li').count() !== 3) throw new Error('a void that is under way is promised a charge');
  yield ['void-under-way', page];
  await script(origin, { next: [], always: null });
  await is(page, taken, 'voided');
  await page.locator('.detail .state-mark[data-tone=void]').waitFor();
  await none(page, '.ways button', 'what is voided can be asked for something');
  yield ['payment-voided', page];

  // Declined after the fact, and keyed: after a word with the customer the same card is tried again.
  await open(page, declined);
  await is(page, declined, 'declined');
  await page.locator('[data-testid=recourse]').waitFor();
  yield ['payment-recourse', page];
  await page.locator('[data-testid=show-customer]').click();
  await page.locator('.slip-live .qr').waitFor({ timeout: 60_000 });
  await page.keyboard.press('Escape');
  await page.locator('[data-testid=retry]').click();
  yield ['retry-sure', page];
  await script(origin, { next: [{ kind: 'approve' }], always: null });
  await page.locator('[data-testid=retry-yes]').click();
  await is(page, declined, 'captured');
  await none(page, '[data-testid=recourse]', 'a payment that is paid is said to need something');

  // What was voided here is with the server, in the history, and nobody was asked about it.
  await page.reload();
  await open(page, mistaken);
  await is(page, mistaken, 'voided');
  await page.locator('.timeline li[data-done=true]').nth(2).waitFor({ timeout: 60_000 });

  const ledger = await (await fetch(`${origin}/demo/acquirer/ledger`)).json();
  const captures = (id) => ledger.captures_per_reference[id] ?? 0;
  if (captures(taken) !== 0) throw new Error('a voided payment was captured');
  if (ledger.entries.some((entry) => entry.reference === mistaken)) throw new Error('the acquirer heard of a payment that was voided here');
  if (captures(declined) !== 1) throw new Error('a payment that was tried again was not captured once');
  await context.close();
}
