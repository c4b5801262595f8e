// Sales while the link is up, or goes down in the middle; and an offline sale that the acquirer declines later.

import * as cards from "../lib/cards.mjs";
import { assert, assertEqual, check, seconds, sleep, until } from "../lib/run.mjs";
import { captures } from "../lib/server.mjs";
import { stores, storesAreEmpty } from "../lib/till.mjs";
import { newTablet, oneCapture } from "./steps.mjs";

/** While all is well, and while it is only half well: approved, declined, timed out, pulled in the middle. */
export async function onlineFirst(network, server) {
  const tablet = await newTablet(network, server, "online");
  const { till } = tablet;
  await check("online: a good card is approved while the customer waits", async () => {
    await till.addAmount(1111);
    await till.charge();
    const started = Date.now();
    const { state, at_ms } = await till.pay({ how: "both", pan: cards.VISA, tender: false });
    assertEqual(state, "approved", "result");
    await till.newSale();
    await oneCapture(server, 1111);
    return `${seconds(at_ms - started)} from the swipe`;
  });
  await check("online: a swipe with the total on the screen needs no Charge, nor a Shift key", async () => {
    await till.addAmount(1112);
    // As a browser driver types: translated characters, one after the other, with no Shift.
    await till.swipeRead(cards.stripes.both(cards.MASTERCARD), async (stripe) => {
      await till.page.keyboard.type(stripe);
      await till.page.keyboard.press("Enter");
    });
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
    // Slower than the pulling below, even on a busy machine.
    await server.script([{ kind: "delay", ms: 6_000 }]);
    await till.addAmount(1122);
    await till.charge();
    await till.swipeRead(cards.stripes.both(cards.VISA));
    // The upload is under way, or just about to be: the link may go at either moment.
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
    });
    await till.sell();
    assert(/declined/i.test(row.words) && /not enough funds/i.test(row.words), `"${row.words}"`);
    const { amounts } = await captures(server);
    assert(![...amounts.values()].flat().includes(1131), "it was captured");
    return `"${row.words.replaceAll("\n", " ")}"`;
  });
  await server.script();
  await till.lampSays("online");
}
