// The proof of the whole: payments taken in a real outage are in the history after it, each captured exactly once. Chromium
// sits in a network namespace; the link to the server is really taken down and up.

import * as cards from "./lib/cards.mjs";
import { makeNetwork } from "./lib/netns.mjs";
import { assertEqual, check, figure, main, seconds, sleep, until } from "./lib/run.mjs";
import { captures, startServer } from "./lib/server.mjs";
import { openTill, stores, storesAreEmpty } from "./lib/till.mjs";
import { browserClosed, outlasted } from "./outage/away.mjs";
import { signedOut } from "./outage/lock.mjs";
import { onlineFirst } from "./outage/online.mjs";
import { captured, goOffline, newTablet, nextMinor, oneCapture, sellOffline, settled } from "./outage/steps.mjs";

main("outage", async () => {
  const network = makeNetwork();
  const server = await startServer({ host: network.hostIp, name: "outage-server" });
  await onlineFirst(network, server);
  await pageOpen(network, server);
  await pageClosed(network, server);
  await inTheMoment(network, server);
  await outlasted(network);
  await killed(network, server);
  await signedOut(network, server);
  await browserClosed(network, server);
  await answersLost(network, server);
  await serverGone(network, server);
  await check("over the whole run no payment was captured twice", async () => {
    const { counts } = await captures(server);
    const twice = [...counts].filter(([, count]) => count !== 1);
    assertEqual(twice, [], "captured more than once");
    return `${counts.size} payments`;
  });
});

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
    const minor = nextMinor();
    await tablet.till.addAmount(minor);
    await tablet.till.charge();
    network.linkDown();
    await tablet.till.swipeRead(cards.stripes.second(cards.VISA));
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
    const minor = nextMinor();
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
    await until("the lamp turns", async () => (await till.lamp()) !== "online");
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
    await oneCapture(server, 1151);
    await oneCapture(server, 1152);
    await storesAreEmpty(till.page);
    return `the lamp says online after ${seconds(await till.lampSays("online"))} more`;
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
    await until("the lamp turns", async () => (await tablet.till.lamp()) !== "online");
    return tablet.till.lamp();
  });
  await server.start();
  if (!sold) return;
  await check("server-gone: it is captured once after the server's return", async () => {
    await oneCapture(server, 1141);
    await storesAreEmpty(tablet.till.page);
  });
  await tablet.browser.close();
}
