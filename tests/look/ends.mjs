// Ends that a demo shop does not come to by itself: a payment that the server had too late, or keeps for the owner; a tablet that cannot
// say whether it stored; and one that the owner has signed off.

import { CARDS, SCREENS, openTill, swipe } from './till.mjs';

const begin = async (page) => {
  await SCREENS[0][1](page);
  await SCREENS[1][1](page);
  await page.locator('.item').nth(2).click();
};

const ended = (page, state) => page.locator(`.result[data-state=${state}]`).waitFor({ timeout: 60_000 });

/** The history is not signed, so a test may put words into the server's mouth. */
async function endAs(context, state, reason) {
  const other = (view) => ({ ...view, state, reason, approval_code: null });
  await context.route('**/api/v1/payments**', async (route) => {
    const answer = await route.fetch();
    if (!answer.ok()) return route.fulfill({ response: answer });
    const body = await answer.json();
    const json = Array.isArray(body.payments) ? { ...body, payments: body.payments.map(other) } : other(body);
    return route.fulfill({ response: answer, json });
  });
}

/** A database that takes nothing more, and a journal that cannot be taken back. */
const BREAK = () => {
  const broken = () => { throw new DOMException('broken on purpose', 'UnknownError'); };
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (...row) {
    return this.name === 'outbox' ? broken() : put.apply(this, row);
  };
  FileSystemDirectoryHandle.prototype.removeEntry = async () => broken();
};

async function revoke(context) {
  const problem = {
    type: '/problems/device-revoked', title: 'This device was revoked', status: 403, detail: 'Ask the owner.',
  };
  await context.route(/\/api\/v1\/(heartbeat|payments|shop|batches)/, (route) => route.fulfill({
    status: 403, contentType: 'application/problem+json', body: JSON.stringify(problem),
  }));
}

/** Yields [name, page] for each state. */
export async function* ends(browser, origin, run) {
  for (const [state, reason] of [['expired', null], ['quarantined', { code: 'unreadable', text: 'its envelope cannot be opened' }]]) {
    const late = await openTill(browser, origin, run, (context) => endAs(context, state, reason));
    await begin(late.page);
    await swipe(late.page, CARDS.approved);
    await ended(late.page, state);
    yield [state, late.page];
    await late.page.goto(`${late.page.url().split('#')[0]}#/history`);
    await late.page.locator('.result-actions .button').nth(1).click();
    await late.page.locator(`.entry[data-state=${state}]`).first().click();
    await late.page.locator(`.detail [data-state=${state}]`).waitFor();
    yield [`payment-${state}`, late.page];
    await late.page.locator('.detail-top button').click();
    await late.page.locator('.slip-stamp[data-state=not-charged]').waitFor();
    yield [`receipt-${state}`, late.page];
    await late.context.close();
  }

  const doubtful = await openTill(browser, origin, run);
  await begin(doubtful.page);
  await doubtful.page.evaluate(BREAK);
  await swipe(doubtful.page, CARDS.approved);
  await ended(doubtful.page, 'unsure');
  yield ['unsure', doubtful.page];
  await doubtful.context.close();

  const off = await openTill(browser, origin, run);
  await begin(off.page);
  await off.context.setOffline(true);
  await off.page.locator('.bar[data-link=offline]').waitFor({ timeout: 60_000 });
  await swipe(off.page, CARDS.approved);
  await ended(off.page, 'stored');
  await off.page.locator('.result-actions .primary').click();
  await revoke(off.context);
  await off.context.setOffline(false);
  await off.page.locator('.sell .signed-off').waitFor({ timeout: 60_000 });
  await off.page.locator('.lamp[data-state=online]').waitFor({ timeout: 60_000 });
  await off.page.locator('.item').nth(1).click();
  yield ['signed-off', off.page];
  await swipe(off.page, CARDS.approved);
  await off.page.locator('.tender .bad').waitFor();
  yield ['signed-off-tender', off.page];
  await off.page.keyboard.press('Escape');
  await off.page.goto(`${off.page.url().split('#')[0]}#/settings`);
  await off.page.locator('.settings .signed-off').waitFor();
  yield ['signed-off-settings', off.page];
  await off.context.close();
}
