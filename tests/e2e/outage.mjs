// The proof of the whole: payments taken in a real outage are in the history after it, each captured exactly once. Chromium
// sits in a network namespace; the link to the server is really taken down and up.

import * as cards from "./lib/cards.mjs";
import { startBrowser } from "./lib/browser.mjs";
import { makeNetwork } from "./lib/netns.mjs";
import { assert, assertEqual, check, figure, main, seconds, sleep, until, workPath } from "./lib/run.mjs";
import { captures, startServer } from "./lib/server.mjs";
import { openTill, pieceOf, stores, storesAreEmpty } from "./lib/till.mjs";

const OFFLINE_SALES = 20;
const BOUND_MS = 60_000;
const PANS = [cards.VISA, cards.MASTERCARD, cards.AMEX];
/** Alternately swiped, in every way that a stripe arrives, and keyed. */
const WAYS = ["both", "keyed", "second", "keyed", "noisy", "keyed", "badFirst", "keyed"];
let nextMinor = 1000;

main("outage", async () => {
  const network = makeNetwork();
  const server = await startServer({ host: network.hostIp, name: "outage-server" });
  await onlineFirst(network, server);
  await pageOpen(network, server);
  await pageClosed(network, server);
  await inTheMoment(network, server);
  await killed(network, server);
  await answersLost(network, server);
  await serverGone(network, server);
  await check("over the whole run no payment was captured twice", async () => {
    const { counts } = await captures(server);
    const twice = [...counts].filter(([, count]) => count !== 1);
    assertEqual(twice, [], "captured more than once");
    return `${counts.size} payments`;
  });
});

/** A tablet of its own: fresh profile, enrolled, ready for an outage. */
async function newTablet(network, server, name) {
  const start = () => startBrowser({ network, origin: server.origin, profile: workPath(name, "profile"), name });
  const tablet = { name, start, browser: await start() };
  tablet.till = await openTill(tablet.browser, server.origin);
  await tablet.till.enrol();
  await tablet.till.readyForOutage();
  await tablet.till.lampSays("online");
  return tablet;
}

async function goOffline(network, tablet) {
  await check(`${tablet.name}: the lamp says offline soon after the link went down`, async () => {
    network.linkDown();
    const took = await tablet.till.lampSays("offline");
    assert(took < 5_000, `it took ${seconds(took)}`);
    return `${seconds(took)}, "${await tablet.till.lampWords()}"`;
  });
}

/** Takes `count` payments offline. Gives them as `{id, minor}`, the ids read from the device's own store. */
async function sellOffline(tablet, count = OFFLINE_SALES) {
  const { till } = tablet;
  const sold = [];
  await check(`${tablet.name}: ${count} payments are stored offline, swiped and keyed`, async () => {
    for (let n = 0; n < count; n += 1) {
      const minor = nextMinor++;
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
async function captured(name, server, sold, up_ms, how) {
  await check(`${name}: every payment is captured exactly once, ${how}`, async () => {
    assert(sold.length > 0 && sold.every((p) => p.id), "what was sold is not known: see above");
    await until("all are captured", async () => {
      const { counts } = await captures(server);
      const missing = sold.filter((p) => !counts.get(p.id)).length;
      if (missing > 0) throw new Error(`${missing} of ${sold.length} are not captured yet`);
      return true;
    }, { timeout_ms: BOUND_MS, every_ms: 200 });
    const took = Date.now() - up_ms;
    const { counts, amounts } = await captures(server);
    for (const { id, minor } of sold) {
      assertEqual([counts.get(id), amounts.get(id)], [1, [minor]], `captures of ${id}`);
    }
    return `${sold.length} within ${seconds(took)} of the link's return`;
  });
}

/** Nothing of them is left on the device, and the history has them all as charged. */
async function settled(tablet, sold) {
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
    }, { timeout_ms: 30_000, every_ms: 300 });
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
async function oneCapture(server, minor, timeout_ms = BOUND_MS) {
  return until(`one capture of ${minor}`, async () => {
    const { amounts } = await captures(server);
    const found = [...amounts].filter(([, list]) => list.includes(minor));
    assert(found.length <= 1, `${found.length} payments of this amount were captured`);
    return found[0]?.[0];
  }, { timeout_ms, every_ms: 200 });
}

async function onlineFirst(network, server) {
  const tablet = await newTablet(network, server, "online");
  const { till } = tablet;
  await check("online: a good card is approved within seconds", async () => {
    const started = Date.now();
    const { state, at_ms } = await till.pay({ minor: 1111, how: "both", pan: cards.VISA });
    assertEqual(state, "approved", "result");
    await till.newSale();
    await oneCapture(server, 1111);
    return seconds(at_ms - started);
  });
  await check("online: a swipe with the total on the screen needs no Charge, nor a Shift key", async () => {
    await till.addAmount(1112);
    // As a browser driver types: translated characters, one after the other, with no Shift.
    await till.page.keyboard.type(cards.stripes.both(cards.MASTERCARD));
    await till.page.keyboard.press("Enter");
    assertEqual((await till.result()).state, "approved", "result");
    await till.newSale();
    await oneCapture(server, 1112);
  });
  await check("online: a bad card is declined in words, and nothing is captured", async () => {
    const { state, words } = await till.pay({ minor: 1113, how: "keyed", pan: cards.DECLINED_05 });
    assertEqual(state, "declined", "result");
    assert(/declined/i.test(words) && words.includes("11.13"), `"${words}"`);
    const { amounts } = await captures(server);
    assert(![...amounts.values()].flat().includes(1113), "it was captured");
    await till.page.getByRole("button", { name: "Back to the sale" }).click();
    await till.page.getByRole("button", { name: "Clear" }).click();
  });
  await timeouts(network, server, till);
  await scriptedDecline(network, server, tablet);
  await check("online: the device holds no ciphertext", () => storesAreEmpty(till.page));
  await tablet.browser.close();
}

/** No answer in time makes a stored payment under the same id, and one charge. */
async function timeouts(network, server, till) {
  await check("a time-out while online becomes a stored payment and is captured once", async () => {
    await server.script([{ kind: "delay", ms: 14_000 }]);
    const { state } = await till.pay({ minor: 1121, how: "second", pan: cards.VISA });
    assertEqual(state, "stored", "result");
    await till.newSale();
    const id = await oneCapture(server, 1121);
    await until("it is charged in the history", async () => {
      const rows = (await till.history()).filter((row) => row.words.includes("11.21"));
      await till.sell();
      assertEqual(rows.map((r) => r.id), [id], "rows of this amount");
      return rows[0].state === "captured";
    });
  });
  await check("a link that is pulled in the middle of a sale makes a stored payment, captured once", async () => {
    await server.script([{ kind: "delay", ms: 3_000 }]);
    await till.addAmount(1122);
    await till.charge();
    await till.swipe(cards.stripes.both(cards.VISA));
    await till.page.getByText("One moment").waitFor();
    await sleep(300);
    network.linkDown();
    const { state } = await till.result();
    assertEqual(state, "stored", "result");
    await till.newSale();
    const waiting = (await stores(till.page)).outbox.map((row) => row.id);
    network.linkUp();
    const id = await oneCapture(server, 1122);
    if (waiting.length > 0) assertEqual(waiting, [id], "the id under which it waited");
    await storesAreEmpty(till.page);
    return waiting.length > 0 ? "its answer was lost, it waited under its id" : "the server had it already";
  });
  await till.lampSays("online");
}

async function scriptedDecline(network, server, tablet) {
  const { till } = tablet;
  await check("an offline payment that the acquirer declines shows as declined, in words, with its amount", async () => {
    network.linkDown();
    await till.lampSays("offline");
    const { state } = await till.pay({ minor: 1131, how: "both", pan: cards.VISA });
    assertEqual(state, "stored", "result");
    await till.newSale();
    await server.script([{ kind: "decline", code: "51" }]);
    network.linkUp();
    await till.goTo("History");
    const row = await until("it is declined", async () => {
      const rows = (await till.historyRows()).filter((r) => r.words.includes("11.31"));
      return rows.find((r) => r.state === "declined");
    }, { timeout_ms: BOUND_MS });
    await till.sell();
    assert(/declined/i.test(row.words) && /not enough funds/i.test(row.words), `"${row.words}"`);
    const { amounts } = await captures(server);
    assert(![...amounts.values()].flat().includes(1131), "it was captured");
    return `"${row.words.replaceAll("\n", " ")}"`;
  });
  await server.script();
  await till.lampSays("online");
}

async function pageOpen(network, server) {
  const tablet = await newTablet(network, server, "page-open");
  await goOffline(network, tablet);
  const sold = await sellOffline(tablet);
  const up_ms = Date.now();
  network.linkUp();
  await captured(tablet.name, server, sold, up_ms, "the page open");
  await settled(tablet, sold);
  await tablet.browser.close();
}

async function pageClosed(network, server) {
  const tablet = await newTablet(network, server, "page-closed");
  await goOffline(network, tablet);
  const sold = await sellOffline(tablet);
  await tablet.browser.closePages();
  await tablet.browser.stopWorkers();
  const up_ms = Date.now();
  network.linkUp();
  await captured(tablet.name, server, sold, up_ms, "by Background Sync, with no page open");
  tablet.till = await openTill(tablet.browser, server.origin);
  await tablet.till.ready();
  await settled(tablet, sold);
  await tablet.browser.close();
}

/**
 * Chromium learns up to two seconds late that a link is gone, and fires a sync that is registered in that time at once, in
 * vain. A sale in that moment must go up all the same when the link returns, also with the page closed at once.
 */
async function inTheMoment(network, server) {
  const tablet = await newTablet(network, server, "in-the-moment");
  let sold;
  await check("in-the-moment: a sale just as the link goes down is stored", async () => {
    const minor = nextMinor++;
    await tablet.till.addAmount(minor);
    await tablet.till.charge();
    network.linkDown();
    await tablet.till.swipe(cards.stripes.second(cards.VISA));
    assertEqual((await tablet.till.result()).state, "stored", "result");
    const { outbox } = await stores(tablet.till.page);
    sold = outbox.map(({ id }) => ({ id, minor }));
  });
  await tablet.browser.closePages();
  await sleep(3_000);
  const up_ms = Date.now();
  network.linkUp();
  await captured(tablet.name, server, sold ?? [], up_ms, "with the page closed at once");
  await tablet.browser.close();
}

async function killed(network, server) {
  const tablet = await newTablet(network, server, "killed");
  await goOffline(network, tablet);
  const sold = await sellOffline(tablet);
  await tablet.browser.kill();
  await check("killed: after SIGKILL the till starts cold and offline, from its own cache", async () => {
    tablet.browser = await tablet.start();
    const started = Date.now();
    tablet.till = await openTill(tablet.browser, server.origin);
    await tablet.till.ready();
    const took = Date.now() - started;
    await tablet.till.lampSays("offline");
    return seconds(took);
  });
  await check("killed: every stored payment is still there, and on the screen", async () => {
    const { outbox, journal } = await stores(tablet.till.page);
    assertEqual([outbox.length, journal.length], [sold.length, sold.length], "rows in the database, files in the journal");
    await until("the strip counts them", async () => (await tablet.till.waitingCount()) === sold.length);
    const rows = await tablet.till.history();
    const stored = rows.filter((row) => row.state === "stored").map((row) => row.id).sort();
    assertEqual(stored, sold.map((p) => p.id).sort(), "stored payments in the history");
    await tablet.till.sell();
  });
  const more = await check("killed: and it goes on selling", async () => {
    const minor = nextMinor++;
    const { state } = await tablet.till.pay({ minor, how: "both", pan: cards.VISA });
    assertEqual(state, "stored", "result");
    await tablet.till.newSale();
    const { outbox } = await stores(tablet.till.page);
    sold.push({ minor, id: outbox.map((row) => row.id).find((id) => !sold.some((p) => p.id === id)) });
  });
  if (!more) figure("killed", "going on without the sale after the restart");
  const up_ms = Date.now();
  network.linkUp();
  await captured(tablet.name, server, sold, up_ms, "after the restart");
  await settled(tablet, sold);
  await tablet.browser.close();
}

/** The browser says that it is online, and every answer is lost: only a probe can tell. */
async function answersLost(network, server) {
  const tablet = await newTablet(network, server, "answers-lost");
  const { till } = tablet;
  await check("answers-lost: a sale whose answer is lost becomes a stored payment", async () => {
    network.loseAnswers();
    const started = Date.now();
    const { state } = await till.pay({ minor: 1151, how: "both", pan: cards.VISA });
    assertEqual(state, "stored", "result");
    await till.newSale();
    return `after ${seconds(Date.now() - started)}`;
  });
  await check("answers-lost: the lamp does not believe the browser, which says that it is online", async () => {
    await until("the lamp turns", async () => (await till.lamp()) !== "online", { timeout_ms: 60_000 });
    assertEqual(await till.page.evaluate(() => navigator.onLine), true, "navigator.onLine");
    return till.lamp();
  });
  await check("answers-lost: further sales are stored without waiting", async () => {
    const { state } = await till.pay({ minor: 1152, how: "keyed", pan: cards.MASTERCARD });
    assertEqual(state, "stored", "result");
    await till.newSale();
    const { outbox, journal } = await stores(till.page);
    assertEqual([outbox.length, journal.length], [2, 2], "rows and files: nothing was deleted without an answer");
  });
  network.answer();
  await check("answers-lost: when answers come again, each is captured once and the device lets go", async () => {
    await oneCapture(server, 1151, 2 * BOUND_MS);
    await oneCapture(server, 1152, 2 * BOUND_MS);
    await storesAreEmpty(till.page, { timeout_ms: BOUND_MS });
    return `the lamp says online after ${seconds(await till.lampSays("online", BOUND_MS))} more`;
  });
  await tablet.browser.close();
}

/** The network is fine and the server is not: the same promise. */
async function serverGone(network, server) {
  const tablet = await newTablet(network, server, "server-gone");
  await server.kill();
  const sold = await check("server-gone: a sale during a server's death is stored", async () => {
    const { state } = await tablet.till.pay({ minor: 1141, how: "both", pan: cards.VISA });
    assertEqual(state, "stored", "result");
    await tablet.till.newSale();
  });
  await check("server-gone: the lamp does not say online", async () => {
    await until("the lamp turns", async () => (await tablet.till.lamp()) !== "online", { timeout_ms: 40_000 });
    return tablet.till.lamp();
  });
  await server.start();
  if (!sold) return;
  await check("server-gone: it is captured once after the server's return", async () => {
    await oneCapture(server, 1141, 2 * BOUND_MS);
    await storesAreEmpty(tablet.till.page);
  });
  await tablet.browser.close();
}
