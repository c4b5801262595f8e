// Bad answers to the real page: a proxy answers its uploads in the server's stead. Whatever it says, the payment's
// ciphertext must stay on the device, twice; and once the proxy is honest, everything is captured exactly once.

import { createHash } from "node:crypto";
import { startBrowser } from "../lib/browser.mjs";
import { MASTERCARD, VISA } from "../lib/cards.mjs";
import { PORTAL as HTML, startProxy } from "../lib/proxy.mjs";
import { assert, assertEqual, check, figure, sleep, until, workPath } from "../lib/run.mjs";
import { captures, startServer } from "../lib/server.mjs";
import { enrolTablet, jws, newKey } from "../lib/tablet.mjs";
import { openTill, stores, storesAreEmpty } from "../lib/till.mjs";

const JSON_TYPE = "application/json";

export async function pageSide() {
  const server = await startServer({ name: "badinput-page-server" });
  const proxy = await startProxy(server);
  const browser = await startBrowser({ origin: proxy.origin, profile: workPath("badinput-page", "profile"), name: "badinput" });
  const till = await openTill(browser, proxy.origin);
  await till.enrol();
  await till.lampSays("online");
  const accomplice = await enrolTablet(server, { name: "an accomplice" });
  await accomplice.learnKeys();

  const sold = [];
  await check("through the honest proxy a card is approved, and nothing stays on the device", async () => {
    const { state } = await till.pay({ minor: 2000, how: "both", pan: VISA });
    assertEqual(state, "approved", "result");
    await till.newSale();
    await storesAreEmpty(till.page);
    assert(proxy.acks.length > 0, "the upload did not come by the proxy");
  });
  const old = proxy.acks[0];

  let minor = 2001;
  for (const [name, forge] of await forgeries(server, accomplice, old)) {
    await check(`an upload that is answered with ${name} deletes nothing`, () => {
      proxy.forge = forge;
      return forgedSale(proxy, till, sold, minor++);
    });
  }

  await check("behind a captive portal, which answers 200 to everything, sales are stored and the lamp is not online", async () => {
    proxy.forge = null;
    proxy.portal = true;
    const { state } = await till.pay({ minor, how: "both", pan: VISA });
    assertEqual(state, "stored", "result");
    await till.newSale();
    const { outbox } = await stores(till.page);
    const row = outbox.find(({ id }) => !sold.some((p) => p.id === id));
    sold.push({ id: row.id, minor: minor++ });
    await until("the lamp turns", async () => (await till.lamp()) !== "online");
    return till.lamp();
  });
  await check("every forged payment is still on the device, in the database and in the journal", async () => {
    await onDevice(till.page, sold);
    return `${sold.length} payments, ${proxy.forged} forged answers`;
  });
  await check("once the proxy is honest, the device lets go of all of them", async () => {
    proxy.portal = false;
    const started = Date.now();
    await storesAreEmpty(till.page);
    figure("from the first honest answer to empty stores", `${((Date.now() - started) / 1000).toFixed(1)} s`);
  });
  await check("and each was captured exactly once, with its amount", async () => {
    await until("all are captured", async () => {
      const { counts } = await captures(server);
      return sold.every(({ id }) => counts.get(id));
    }, { every_ms: 300 });
    const { counts, amounts } = await captures(server);
    for (const p of sold) assertEqual([counts.get(p.id), amounts.get(p.id)], [1, [p.minor]], `captures of ${p.id}`);
    const mine = [...amounts.values()].flat().filter((amount) => amount >= 2000 && amount < minor);
    assertEqual(mine.length, sold.length + 1, "captures of this till's amounts");
  });
  await check("the page threw no error", () => assertEqual(till.problems, [], "errors"));
  await browser.close();
}

/** One sale whose upload is answered wrongly at least once; afterwards it must be on the device, twice. */
async function forgedSale(proxy, till, sold, minor) {
  const before = proxy.forged;
  const { state } = await till.pay({ minor, how: minor % 2 ? "both" : "second", pan: minor % 2 ? VISA : MASTERCARD });
  assert(["stored", "approved"].includes(state), `the till says ${state}`);
  await till.newSale();
  await until("the upload was answered wrongly", () => proxy.forged > before);
  // Time for whatever the till makes of the answer: a deletion must have been seen by now.
  await sleep(1_500);
  const { outbox } = await stores(till.page);
  const row = outbox.find(({ id }) => !sold.some((p) => p.id === id));
  assert(row, "its row is gone");
  sold.push({ id: row.id, minor });
  await onDevice(till.page, sold);
  return `shown as ${state}`;
}

async function onDevice(page, sold) {
  const { outbox, journal } = await stores(page);
  const lost = sold.filter(({ id }) => !outbox.some((row) => row.id === id) || !journal.some((file) => file.includes(id)));
  assertEqual(lost, [], "payments that are not on the device twice");
}

/** Every way to answer wrongly. Some need a genuine acknowledgement of something else, which the accomplice gets. */
async function forgeries(server, accomplice, old) {
  const answer = (acks) => ({ status: 200, type: JSON_TYPE, body: JSON.stringify({ v: 1, acks }) });
  const facts = ({ records }) =>
    records.map((text) => {
      const { id } = JSON.parse(Buffer.from(text.split(".")[1], "base64url").toString("utf8"));
      return { id, hash: createHash("sha256").update(text).digest("base64url") };
    });
  const ackOf = ({ id, hash }) => ({ v: 1, id, record_hash: hash, status: "stored", epoch: "e", server_time_ms: Date.now() });
  const stranger = newKey().privateKey;
  const { kid } = accomplice.keyset.ack_keys[0];
  const elsewhere = async () => JSON.parse((await accomplice.upload([accomplice.payment({ pan: VISA, amount: 3001 }).text])).text).acks[0];
  const foreign = await elsewhere();
  const unsigned = (fact) => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    return `${part({ alg: "none", kid, typ: "holdfast-ack+jws" })}.${part(ackOf(fact))}.`;
  };
  // Somebody else claims the same ids: the server's own, genuine word on them names another hash.
  const otherHash = async ({ body, forward }) => {
    await forward();
    const acks = [];
    for (const { id } of facts(body)) {
      const rival = accomplice.payment({ pan: VISA, amount: 3002, id });
      acks.push(...JSON.parse((await accomplice.upload([rival.text])).text).acks);
    }
    return answer(acks);
  };
  const genuine = async ({ forward }, change) => {
    const { body } = await forward();
    return change(body.toString("utf8"));
  };
  return [
    ["HTML and 200", () => ({ status: 200, type: "text/html", body: HTML })],
    ["HTML that says it is JSON", () => ({ status: 200, type: JSON_TYPE, body: HTML })],
    ["204", () => ({ status: 204 })],
    ["nothing and 200", () => ({ status: 200, type: JSON_TYPE, body: "" })],
    ["half of the genuine JSON", (ask) => genuine(ask, (text) => ({ status: 200, type: JSON_TYPE, body: text.slice(0, text.length / 2) }))],
    ["the genuine JSON, cut off by the network", (ask) => genuine(ask, (text) => ({ status: 200, type: JSON_TYPE, body: text.slice(0, -20), cut: true }))],
    ["a broken connection", () => ({ status: 200, type: JSON_TYPE, body: "", cut: true })],
    ["an empty list", () => answer([])],
    ["a genuine acknowledgement of another id", () => answer([foreign])],
    ["a genuine acknowledgement of another hash", otherHash],
    ["an old genuine acknowledgement", () => answer([old])],
    ["an acknowledgement without a signature", ({ body }) => answer(facts(body).map(unsigned))],
    ["one signed by another key", ({ body }) => answer(facts(body).map((f) => jws("holdfast-ack+jws", kid, ackOf(f), stranger)))],
    ["one of another type", ({ body }) => answer(facts(body).map((f) => jws("holdfast-time+jws", kid, ackOf(f), stranger)))],
    ["500 and a genuine list", (ask) => genuine(ask, (text) => ({ status: 500, type: JSON_TYPE, body: text }))],
  ];
}
