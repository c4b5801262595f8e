// A real quota: the browser itself refuses the bytes (QuotaExceededError). The till must say that nothing is stored, keep the sale
// open, leave nothing half-written, and take the same payment once there is room.

import * as cards from "../lib/cards.mjs";
import { assert, assertEqual, check } from "../lib/run.mjs";
import { openTill, stores, storesAreEmpty } from "../lib/till.mjs";
import { goOffline, newTablet, nextMinor, oneCapture } from "../outage/steps.mjs";

/** So much more than is used: enough for the sale's number, too little for the journal, for which Chromium takes 1 MiB at a time. */
const ROOM_BYTES = 200_000;

export async function full(network, server) {
  const tablet = await newTablet(network, server, "full");
  // A quota counts for a database that is opened after it was set.
  await tablet.browser.close();
  tablet.browser = await tablet.start();
  const quota = await quotaOf(tablet.browser, server.origin);
  await quota.limit(await quota.used());
  const till = (tablet.till = await openTill(tablet.browser, server.origin));
  await till.ready();
  await goOffline(network, tablet);

  const minor = nextMinor();
  const tried = { ids: [] };
  await till.addAmount(minor);
  await check("full: with no byte left a payment is not stored, and the till says so", () => refused(till, minor, tried));
  await quota.limit((await quota.used()) + ROOM_BYTES);
  await check("full: nor with room for a little, but not for the journal", () => refused(till, minor, tried));
  await check("full: nor by another way of entry, and it keeps its id", async () => {
    await refused(till, minor, tried, "keyed");
    assert(tried.ids.length > 0, "no attempt got as far as an id");
    assertEqual(new Set(tried.ids).size, 1, "ids of the attempts");
  });
  await quota.lift();
  let id;
  await check("full: with room again the same sale is stored, under the same id", async () => {
    const { state } = await till.pay({ how: "both", pan: cards.VISA });
    assertEqual(state, "stored", "result");
    await till.newSale();
    const { outbox, journal } = await stores(till.page);
    assertEqual([outbox.length, journal.length], [1, 1], "rows and files");
    assertEqual([outbox[0].id, outbox[0].seq], [tried.ids[0], 1], "its id, and its place in the chain");
    id = outbox[0].id;
  });
  network.linkUp();
  await check("full: and is captured once", async () => {
    assertEqual(await oneCapture(server, minor), id, "the captured payment");
    await storesAreEmpty(till.page);
    assertEqual(till.problems, [], "errors of the page");
  });
  await tablet.browser.close();
}

/** One attempt that must fail: told in words, the sale still open, nothing of the payment in any store. */
async function refused(till, minor, tried, how = "both") {
  const { state, words } = await till.pay({ how, pan: cards.VISA });
  const held = await stores(till.page);
  // Back first, so that a failure here does not stand in the way of the next attempt.
  await till.page.getByRole("button", { name: "Back to the sale" }).click();
  assertEqual(state, "not-stored", "result");
  assert(/not stored/i.test(words) && /full/i.test(words), `the till says "${words.replaceAll("\n", " ")}"`);
  const { outbox, journal, cached } = held;
  const files = held.files.filter((path) => !path.includes("/head-"));
  assertEqual([outbox.length, journal.length, cached.length, files], [0, 0, 0, []], "rows, records in files and caches, files");
  const id = held.everything.map((text) => /"payment_id":"([^"]+)"/.exec(text)?.[1]).find(Boolean);
  if (id) tried.ids.push(id);
  const total = await till.page.getByRole("button", { name: /^Charge/ }).innerText();
  assert(total.includes((minor / 100).toFixed(2)), `the sale is not open any more: "${total}"`);
  return `"${words.split("\n").find((line) => /full/i.test(line))}"`;
}

/** The browser's own limit for this origin, set from outside the page. */
async function quotaOf(browser, origin) {
  const session = await browser.context.newCDPSession(browser.context.pages()[0]);
  return {
    used: async () => (await session.send("Storage.getUsageAndQuota", { origin })).usage,
    limit: (bytes) => session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: bytes }),
    lift: () => session.send("Storage.overrideQuotaForOrigin", { origin }),
  };
}
