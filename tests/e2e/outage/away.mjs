// The browser is not there when the link returns, or its sync event is over: two outages that the browser's own background work has
// to survive.

import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as cards from "../lib/cards.mjs";
import { assert, assertEqual, check, figure, need, seconds, until, workPath } from "../lib/run.mjs";
import { captures, startServer } from "../lib/server.mjs";
import { openTill, stores } from "../lib/till.mjs";
import { captured, goOffline, newTablet, nextMinor, sellOffline, settled } from "./steps.mjs";

const SALES = 4;
/** How long the started browser is left alone before the till is opened. What it does in this time is a figure, no claim. */
const ALONE_MS = 15_000;

/** The browser is ended in an orderly way with payments waiting, and started again when the link is back. */
export async function browserClosed(network, server) {
  const tablet = await newTablet(network, server, "browser-closed");
  await goOffline(network, tablet);
  const sold = await sellOffline(tablet, SALES);
  await tablet.browser.close();
  network.linkUp();
  tablet.browser = await tablet.start();
  const started_ms = Date.now();
  let counts = new Map();
  const wentUp = async () => {
    ({ counts } = await captures(server));
    return sold.every(({ id }) => counts.get(id));
  };
  const alone = await until("they go up by themselves", wentUp, { timeout_ms: ALONE_MS }).then(
    () => `all were captured within ${seconds(Date.now() - started_ms)} of the browser's start`,
    () => `${sold.filter(({ id }) => counts.get(id)).length} of ${sold.length} were captured in ${seconds(ALONE_MS)}`,
  );
  figure("the browser started, the till not opened", alone);
  tablet.till = await openTill(tablet.browser, server.origin);
  await tablet.till.ready();
  await captured(tablet.name, server, sold, started_ms, "when the till is opened at the latest");
  await settled(tablet, sold);
  await tablet.browser.close();
}

/**
 * An outage that begins with a sale, the page closed at once, and that outlasts the sync event which the sale ordered. The event's
 * 150 seconds are cut to a few in a copy of the till, so that nobody waits that long.
 */
export async function outlasted(network) {
  const server = await startServer({ host: network.hostIp, name: "outlasted-server", dist: withShortEvents() });
  const tablet = await newTablet(network, server, "outlasted");
  const seen = await watchSync(tablet.browser);
  let sold = [];
  await check("outlasted: a sale just as the link goes down is stored, and the page closed", async () => {
    const minor = nextMinor();
    await tablet.till.addAmount(minor);
    await tablet.till.charge();
    network.linkDown();
    await tablet.till.swipeRead(cards.stripes.second(cards.VISA));
    assertEqual((await tablet.till.result()).state, "stored", "result");
    sold = (await stores(tablet.till.page)).outbox.map(({ id }) => ({ id, minor }));
    await until("a sync is ordered", () => seen.some((name) => name.startsWith("Registered")));
    await tablet.till.page.close();
  });
  await check("outlasted: its sync event ends in vain", async () => {
    const closed_ms = Date.now();
    // A browser that knew of the outage in time has fired none: it does so when the link is back.
    const knew = () => Date.now() - closed_ms > 30_000 && !seen.some((name) => name.startsWith("Dispatched"));
    const isOver = (name) => !name.startsWith("Registered") && !name.startsWith("Dispatched");
    await until("it is over", () => seen.some(isOver) || knew(), { timeout_ms: 180_000 });
    return seen.join(", ");
  });
  const up_ms = Date.now();
  network.linkUp();
  await captured(tablet.name, server, sold, up_ms, "without the back-off of a failed event");
  await tablet.browser.close();
  await server.kill();
}

/** A copy of the built till whose sync event gives up after 4 seconds instead of 150. */
function withShortEvents() {
  const dist = join(workPath("outlasted"), "dist");
  rmSync(dist, { recursive: true, force: true });
  cpSync(need("HOLDFAST_DIST", "the built till"), dist, { recursive: true });
  const worker = join(dist, "sw.js");
  const text = readFileSync(worker, "utf8");
  const short = text.replace("EVENT_MS = 150_000", "EVENT_MS = 4_000");
  assert(short !== text, "sw.js names its limit otherwise");
  writeFileSync(worker, short);
  return dist;
}

/** What the browser says of background sync: a growing list of names of events. */
async function watchSync(browser) {
  const seen = [];
  const session = await browser.context.newCDPSession(browser.context.pages()[0]);
  session.on("BackgroundService.backgroundServiceEventReceived", ({ backgroundServiceEvent }) => seen.push(backgroundServiceEvent.eventName));
  await session.send("BackgroundService.startObserving", { service: "backgroundSync" });
  await session.send("BackgroundService.setRecording", { service: "backgroundSync", shouldRecord: true });
  return seen;
}
