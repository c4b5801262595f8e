// Complaints that sellers of other tills have: "sign-out, mode or location switch destroys money", and "offline mode missing in the real
// outage: signed out means no sales". Here the queue belongs to the device, and the lock opens without a network.

import * as cards from "../lib/cards.mjs";
import { assert, assertEqual, check, seconds, until } from "../lib/run.mjs";
import { openTill, stores } from "../lib/till.mjs";
import { captured, goOffline, newTablet, nextMinor, sellOffline, settled } from "./steps.mjs";

const SALES = 3;

export async function signedOut(network, server) {
  const tablet = await newTablet(network, server, "signed-out");
  const staff = await (await fetch(`${server.origin}/demo/staff`)).json();
  const [manager, cashier] = ["manager", "cashier"].map((role) => staff.find((one) => one.role === role));
  await check("signed-out: a name and a PIN, and the bar says who sells", async () => {
    await button(tablet, "Sign in").click();
    await signIn(tablet, cashier);
    assertEqual(await seller(tablet).innerText(), first(cashier), "the bar");
  });
  await goOffline(network, tablet);
  const sold = await sellOffline(tablet, SALES);
  const before = await sealed(tablet);
  await check("signed-out: neither changing over nor locking touches what is stored", async () => {
    await seller(tablet).click();
    await signIn(tablet, manager);
    assertEqual(await seller(tablet).innerText(), first(manager), "the bar");
    await button(tablet, "Menu").click();
    await button(tablet, "Lock the till").click();
    await lock(tablet).waitFor();
    assertEqual(await sealed(tablet), before, "rows and files");
    assertEqual(await lock(tablet).getByText(/stored/).getAttribute("data-count"), String(sold.length), "the lock counts them");
  });
  await check("signed-out: a wrong PIN opens nothing, and a swipe sells nothing", async () => {
    await lock(tablet).getByRole("button", { name: cashier.name }).click();
    await tablet.till.page.keyboard.type("0000");
    await lock(tablet).getByRole("button", { name: "Enter" }).click();
    await lock(tablet).getByText("That is not the PIN").waitFor();
    await tablet.till.swipe(cards.stripes.both(cards.VISA));
    assertEqual(await sealed(tablet), before, "rows and files");
  });
  await tablet.browser.kill();
  await check("signed-out: after SIGKILL, in the outage, the till starts cold at its lock and opens with a PIN", async () => {
    tablet.browser = await tablet.start();
    const started = Date.now();
    tablet.till = await openTill(tablet.browser, server.origin);
    await lock(tablet).waitFor();
    assertEqual(await sealed(tablet), before, "rows and files");
    await signIn(tablet, cashier);
    await tablet.till.ready();
    return `in ${seconds(Date.now() - started)}, the PIN typed`;
  });
  await check("signed-out: and it goes on selling", async () => {
    const minor = nextMinor();
    const { state } = await tablet.till.pay({ minor, how: "both", pan: cards.VISA });
    assertEqual(state, "stored", "result");
    await tablet.till.newSale();
    const { outbox } = await stores(tablet.till.page);
    sold.push({ minor, id: outbox.map((row) => row.id).find((id) => !sold.some((p) => p.id === id)) });
  });
  await button(tablet, "Menu").click();
  await button(tablet, "Lock the till").click();
  await lock(tablet).waitFor();
  const up_ms = Date.now();
  network.linkUp();
  await captured(tablet.name, server, sold, up_ms, "while the till is locked");
  await check("signed-out: the books name who sold each", async () => {
    await until("the report has them", async () => {
      const range = "from=2026-01-01&to=2035-12-31";
      const { rows } = await (await fetch(`${server.origin}/api/v1/reports/staff?${range}`)).json();
      return rows.find((row) => row.label === cashier.name)?.count === sold.length;
    });
  });
  await signIn(tablet, manager);
  await settled(tablet, sold);
  await tablet.browser.close();
}

const button = (tablet, name) => tablet.till.page.getByRole("button", { name });
const lock = (tablet) => tablet.till.page.getByTestId("lock");
const seller = (tablet) => tablet.till.page.getByTestId("seller");
const first = ({ name }) => name.split(" ")[0];

async function signIn(tablet, { name, pin }) {
  await lock(tablet).getByRole("button", { name }).click();
  await tablet.till.page.keyboard.type(pin);
  await tablet.till.page.keyboard.press("Enter");
  await lock(tablet).waitFor({ state: "detached" });
}

/** What is stored of the queue, in both stores. */
async function sealed(tablet) {
  const { outbox, journal } = await stores(tablet.till.page);
  assert(outbox.length > 0 && journal.length === outbox.length, "each is there twice");
  return outbox.map((row) => `${row.id} ${row.hash}`).sort();
}
