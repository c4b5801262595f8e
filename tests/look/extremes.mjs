// States that a demo shop does not show by itself: a shop with long names and a long sale, and a tablet whose storage is full.

import { CARDS, SCREENS, openTill, swipe } from './till.mjs';

const LONG = [
  'Bio-Vollkornsauerteigbrot mit Sonnenblumenkernen, geschnitten',
  'Donaudampfschifffahrtsgesellschaftskapitänsmützenständer',
  'Tee', 'Cortado', 'Grande crème fouettée à la vanille de Madagascar',
];

/** A shop that is signed cannot be forged on its way; a test may change what the till has kept of it. */
function overfull(shop) {
  const items = Array.from({ length: 60 }, (_, n) => ({
    ...shop.items[0], id: `long-${n}`, name: LONG[n % LONG.length], price_minor: n % 7 === 0 ? 12345678 : 390,
  }));
  const more = LONG.map((name, n) => ({ ...shop.categories[0], id: `c-${n}`, name: name.slice(0, 24) }));
  return { ...shop, categories: [...shop.categories, ...more], items: [...items, ...shop.items.slice(1)] };
}

const kept = (page, shop) => page.evaluate((put) => new Promise((resolve, reject) => {
  const open = indexedDB.open('holdfast');
  open.onerror = () => reject(open.error);
  open.onsuccess = () => {
    const transaction = open.result.transaction('shop', 'readwrite');
    const store = transaction.objectStore('shop');
    const asked = put ? store.put(put, 'current') : store.get('current');
    transaction.oncomplete = () => { open.result.close(); resolve(asked.result); };
    transaction.onerror = () => reject(transaction.error);
  };
}), shop);

/** Yields [name, page] for each state. */
export async function* extremes(browser, origin, run) {
  const full = await openTill(browser, origin, run);
  await SCREENS[0][1](full.page);
  await SCREENS[1][1](full.page);
  await full.context.route('**/api/v1/shop/signed', (route) => route.fulfill({ status: 304 }));
  await kept(full.page, JSON.stringify(overfull(JSON.parse(await kept(full.page)))));
  await full.page.reload();
  await full.page.locator('.item').nth(40).waitFor();
  for (let n = 0; n < 18; n += 1) await full.page.locator('.item').nth(n).click();
  yield ['overfull', full.page];
  if (await full.page.locator('.cart-toggle').isVisible()) await full.page.locator('.cart-toggle').click();
  await full.page.locator('.line-main').nth(1).click();
  yield ['overfull-sale', full.page];
  await full.page.locator('.charge').click();
  yield ['overfull-tender', full.page];
  await full.page.locator('.tender-actions .button').click();
  await full.page.keyboard.type(`${CARDS.approved}1230`);
  yield ['overfull-keyed', full.page];
  await swipe(full.page, CARDS.approved);
  await full.page.locator('.result').waitFor();
  yield ['overfull-result', full.page];
  await full.context.close();

  const tight = await openTill(browser, origin, run);
  await SCREENS[0][1](tight.page);
  await SCREENS[1][1](tight.page);
  await tight.page.locator('.item').first().click();
  const debug = await tight.context.newCDPSession(tight.page);
  await debug.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
  await tight.page.reload();
  await tight.page.locator('.item').first().waitFor();
  if (await tight.page.locator('.line').count() === 0) await tight.page.locator('.item').first().click();
  await swipe(tight.page, CARDS.approved);
  await tight.page.locator('.result').waitFor();
  yield ['storage-full', tight.page];
  await tight.context.close();
}
