// What every outage does: a fresh tablet, going offline, selling, and looking for each payment afterwards.

import { startBrowser } from "../lib/browser.mjs";
import * as cards from "../lib/cards.mjs";
import { assert, assertEqual, check, seconds, until, workPath } from "../lib/run.mjs";
import { captures } from "../lib/server.mjs";
import { openTill, pieceOf, stores, storesAreEmpty } from "../lib/till.mjs";

const OFFLINE_SALES = 20;
const PANS = [cards.VISA, cards.MASTERCARD, cards.AMEX];
/** Alternately swiped, in every way that a stripe arrives, and keyed. */
const WAYS = ["both", "keyed", "second", "keyed", "noisy", "keyed", "badFirst", "keyed"];

let lastMinor = 999;
/** Every sale has an amount of its own, so that it is known again in the ledger. */
export const nextMinor = () => (lastMinor += 1);

/** A tablet of its own: fresh profile, enrolled, ready for an outage. */
export async function newTablet(network, server, name) {
  const start = () => startBrowser({ network, origin: server.origin, profile: workPath(name, "profile"), name });
  const tablet = { name, start, browser: await start() };
  tablet.till = await openTill(tablet.browser, server.origin);
  await tablet.till.enrol();
  await tablet.till.readyForOutage();
  await tablet.till.lampSays("online");
  return tablet;
}

export async function goOffline(network, tablet) {
  await check(`${tablet.name}: the lamp says offline after the link went down`, async () => {
    network.linkDown();
    const took = await tablet.till.lampSays("offline");
    return `${seconds(took)}, "${await tablet.till.lampWords()}"`;
  });
}

/** Takes `count` payments offline. Gives them as `{id, minor}`, the ids read from the device's own store. */
export async function sellOffline(tablet, count = OFFLINE_SALES) {
  const { till } = tablet;
  const sold = [];
  await check(`${tablet.name}: ${count} payments are stored offline, swiped and keyed`, async () => {
    for (let n = 0; n < count; n += 1) {
      const minor = nextMinor();
      const how = WAYS[n % WAYS.length];
      const { state, words } = await till.pay({ minor, how, pan: PANS[n % PANS.length] });
      assertEqual(state, "stored", `payment ${n + 1} (${how}): "${words.replaceAll("\n", " ")}"`);
      sold.push({ minor });
      if (n > 0) await till.newSale();
      else {
        const receipt = await till.receiptAndNewSale();
        assert(/payment stored/i.test(receipt) && /not charged yet/i.test(receipt), `the receipt reads "${receipt}"`);
      }
    }
    return till.swipedAgain ? `${till.swipedAgain} swiped again` : undefined;
  });
  await check(`${tablet.name}: each is on the device twice, and no card number is in the page`, async () => {
    const { outbox, journal } = await stores(till.page);
    const rows = outbox.sort((a, b) => a.seq - b.seq);
    assertEqual([rows.length, journal.length], [sold.length, sold.length], "rows in the database, files in the journal");
    rows.forEach((row, n) => Object.assign(sold[n], { id: row.id, piece: pieceOf(row.record) }));
    assertEqual(await till.waitingCount(), sold.length, "the strip");
    const dom = await till.dom();
    assert(!cards.ALL_PANS.some((pan) => dom.replace(/[\s-]/g, "").includes(pan)), "a card number is in the DOM");
  });
  return sold;
}

/** All captured exactly once and with their amounts; prints the time from link-up to the last arrival. */
export async function captured(name, server, sold, up_ms, how) {
  await check(`${name}: every payment is captured exactly once, ${how}`, async () => {
    assert(sold.length > 0 && sold.every((p) => p.id), "what was sold is not known: see above");
    await until("all are captured", async () => {
      const { counts } = await captures(server);
      const missing = sold.filter((p) => !counts.get(p.id)).length;
      if (missing > 0) throw new Error(`${missing} of ${sold.length} are not captured yet`);
      return true;
    }, { every_ms: 200 });
    const took = Date.now() - up_ms;
    const { counts, amounts } = await captures(server);
    for (const { id, minor } of sold) {
      assertEqual([counts.get(id), amounts.get(id)], [1, [minor]], `captures of ${id}`);
    }
    return `${sold.length} within ${seconds(took)} of the link's return`;
  });
}

/** Nothing of them is left on the device, and the history has them all as charged. */
export async function settled(tablet, sold) {
  const { till, name } = tablet;
  await check(`${name}: the device holds no ciphertext any more`, async () => {
    await storesAreEmpty(till.page, { pieces: sold.map((p) => p.piece).filter(Boolean) });
    const { tombstones } = await stores(till.page);
    const missing = sold.filter((p) => !tombstones.some((t) => t.id === p.id));
    assertEqual(missing, [], "payments without a tombstone");
  });
  await check(`${name}: the history shows every one as charged, and nothing waits`, async () => {
    await till.goTo("History");
    await until("all are charged", async () => {
      const rows = await till.historyRows();
      const missing = sold.filter((p) => rows.find((row) => row.id === p.id)?.state !== "captured");
      if (missing.length > 0) throw new Error(`${missing.length} are not, e.g. ${JSON.stringify(rows.find((r) => r.id === missing[0].id))}`);
      return true;
    }, { every_ms: 300 });
    const rows = await till.historyRows();
    for (const { id, minor } of sold) {
      const { words } = rows.find((row) => row.id === id);
      assert(words.includes((minor / 100).toFixed(2)), `${minor} is not in "${words}"`);
    }
    await till.sell();
    assertEqual(await till.waitingCount(), 0, "the strip");
  });
  await check(`${name}: the lamp says online again`, async () => seconds(await till.lampSays("online")));
  await check(`${name}: the page threw no error`, () => assertEqual(till.problems, [], "errors"));
}

/** Finds the one payment of this amount among the server's captures; more than one is a double charge. */
export async function oneCapture(server, minor) {
  return until(`one capture of ${minor}`, async () => {
    const { amounts } = await captures(server);
    const found = [...amounts].filter(([, list]) => list.includes(minor));
    assert(found.length <= 1, `${found.length} payments of this amount were captured`);
    return found[0]?.[0];
  }, { every_ms: 200 });
}
