// Bad requests to the real server. A tablet written from the protocol alone (lib/tablet.mjs) sends them.

import { randomUUID } from "node:crypto";

import { DECLINED_51, MASTERCARD, VISA } from "../lib/cards.mjs";
import { assert, assertEqual, check, until } from "../lib/run.mjs";
import { captures, startServer } from "../lib/server.mjs";
import { enrolTablet, newKey, signedHeaders, uuid7 } from "../lib/tablet.mjs";

const BATCHES = "/api/v1/batches";

export async function serverSide() {
  const server = await startServer({ name: "badinput-server" });
  const tablet = await enrolTablet(server);
  const good = [];

  await check("the key set leads back to the root, and a good payment is captured", async () => {
    await tablet.learnKeys();
    // A server that starts for the first time publishes today's key at once and makes the week's others behind it.
    await until("today's key and seven more", async () => (await tablet.learnKeys()).card_keys.length >= 8);
    await sendGood(tablet, good, VISA);
    assertEqual((await tablet.state(good[0].id)).state, "captured", "its state");
  });
  await requests(server, tablet);
  await records(server, tablet, good);
  await envelopes(tablet, good);
  await repeats(server, tablet, good);
  await enrolments(server);

  await check("after all of it the server is well and every good payment was captured exactly once", async () => {
    await sendGood(tablet, good, MASTERCARD);
    await until("all good ones are captured", async () => {
      const { counts } = await captures(server);
      return good.every((p) => counts.get(p.id) === 1);
    }, { every_ms: 500 });
    const { counts, amounts } = await captures(server);
    assertEqual([...counts.keys()].sort(), good.map((p) => p.id).sort(), "captured references");
    for (const p of good) assertEqual(amounts.get(p.id), [p.amount], `amount of ${p.id}`);
    return `${good.length} payments`;
  });
}

async function sendGood(tablet, good, pan, beside = []) {
  const payment = tablet.payment({ pan, amount: 1000 + good.length });
  const acks = tablet.acks(await tablet.upload([...beside, payment.text]));
  const mine = acks.find((a) => a.id === payment.id && a.record_hash === payment.hash);
  assertEqual(mine?.status, "stored", "the good one beside the bad");
  good.push(payment);
  return acks;
}

/** Whole requests that must be refused, with the status and the problem type they must get. */
async function requests(server, tablet) {
  const body = JSON.stringify({ v: 1, records: [] });
  const stranger = newKey().privateKey;
  const big = JSON.stringify({ v: 1, records: ["x".repeat(270_000)] });
  const many = JSON.stringify({ v: 1, records: Array(51).fill("x") });
  const cases = [
    ["garbage", () => tablet.request("POST", BATCHES, "\u0001garbage{"), [400], "batch-unreadable"],
    ["an empty body", () => tablet.request("POST", BATCHES, ""), [400], "batch-unreadable"],
    ["an array", () => tablet.request("POST", BATCHES, "[1,2,3]"), [400], "batch-unreadable"],
    ["records that are no texts", () => tablet.request("POST", BATCHES, '{"v":1,"records":[1,null,{}]}'), [400], "batch-unreadable"],
    ["brackets, a hundred thousand deep", () => tablet.request("POST", BATCHES, "[".repeat(100_000)), [400], "batch-unreadable"],
    ["a version that nobody knows", () => tablet.request("POST", BATCHES, '{"v":99,"records":[]}'), [400], "batch-unreadable"],
    ["more than 262,144 bytes", () => tablet.request("POST", BATCHES, big), [413], "batch-too-large"],
    ["51 records", () => tablet.request("POST", BATCHES, many), [413], "batch-too-large"],
    ["no signature", () => plain(server, body), [401], "signature-missing"],
    ["a signature by another key", () => tablet.request("POST", BATCHES, body, { key: stranger }), [401], "signature-wrong"],
    ["a body that is not the signed one", () => tablet.request("POST", BATCHES, body, { send: '{"v":1,"records":["x"]}' }), [401], "signature-wrong"],
    ["a device that does not exist", () => tablet.request("POST", BATCHES, body, { keyid: uuid7() }), [401, 403, 404], null],
    ["a signature for another path", () => otherPath(server, tablet, body), [401], "signature-wrong"],
    ["a signature that is no base64", () => tablet.request("POST", BATCHES, body, { headers: { signature: "holdfast=:!!:" } }), [401], null],
    ["a method that is not there", () => tablet.request("DELETE", BATCHES, ""), [401, 404, 405], null],
  ];
  for (const [name, send, statuses, problem] of cases) {
    await check(`the server refuses ${name}`, async () => {
      const answer = await send();
      assert(statuses.includes(answer.status), `answered ${answer.status} ${answer.text.slice(0, 200)}`);
      if (!problem) return `${answer.status}`;
      assert(answer.type.startsWith("application/problem+json"), `of type ${answer.type}`);
      assertEqual(JSON.parse(answer.text).type, `/problems/${problem}`, "problem type");
      return `${answer.status} ${problem}`;
    });
  }
  await check("history without a signature is refused too", async () => {
    const answer = await fetch(`${server.origin}/api/v1/payments?after=&limit=10`);
    assertEqual(answer.status, 401, "status");
  });
}

/** Records that are acknowledged one by one as quarantined, while the good one in the same batch is stored. */
async function records(server, tablet, good) {
  const stranger = newKey().privateKey;
  const odd = (options) => tablet.payment({ pan: VISA, chain: false, ...options });
  const cases = [
    ["a text that is no record", { text: "no.record.atall", id: "" }, "unreadable"],
    ["an empty text", { text: "", id: "" }, "unreadable"],
    ["a record signed by another key", odd({ twist: { key: stranger } }), "record-signature-wrong"],
    ["a record of a tablet that nobody knows", odd({ twist: { record: { did: randomUUID() } } }), "not-this-device"],
    ["a record that says it is of another type", odd({ twist: { typ: "holdfast-ack+jws" } }), "unreadable"],
    ["a record with one bit flipped", flip(odd({})), "record-signature-wrong"],
    ["a record of another version", odd({ twist: { record: { v: 99 } } }), "unreadable"],
    ["a record of more than 32 KiB", odd({ twist: { record: { jwe: "x".repeat(40_000) } } }), "too-large"],
  ];
  for (const [name, bad, reason] of cases) {
    await check(`${name} is quarantined and holds up nobody`, async () => {
      const acks = await sendGood(tablet, good, VISA, [bad.text]);
      const ack = acks.find((a) => a.record_hash !== good.at(-1).hash);
      assertEqual({ status: ack?.status, reason: ack?.reason }, { status: "quarantined", reason }, "acknowledgement");
    });
  }
}

/** Envelopes that lie: acknowledged (nothing is opened before that), but never charged, and it is said why. */
async function envelopes(tablet, good) {
  const cases = [
    ["an unknown key id", { header: { kid: "card-1999-01-01" } }],
    ["another alg", { header: { alg: "RSA-OAEP" } }],
    ["another enc", { header: { enc: "A128CBC-HS256" } }],
    ["compression", { header: { zip: "DEF" } }],
    ["a critical extension", { header: { crit: ["exp"] } }],
    ["a key by address", { header: { jku: "http://127.0.0.1:9/" } }],
    ["another amount inside", { plain: { amt: 1 } }],
    ["another payment inside", { plain: { pid: uuid7() } }],
    ["no envelope at all", { record: { jwe: "a.b.c.d.e" } }],
    ["a total that is not the sealed one", { record: { sale: { number: "1-1", currency: "EUR", total_minor: 5, tax_minor: 0, lines: [] } } }],
  ];
  for (const [name, twist] of cases) {
    await check(`an envelope with ${name} is never charged`, async () => {
      const bad = tablet.payment({ pan: DECLINED_51, twist });
      const acks = await sendGood(tablet, good, VISA, [bad.text]);
      const ack = acks.find((a) => a.record_hash === bad.hash);
      assert(["stored", "quarantined"].includes(ack?.status), `acknowledged ${JSON.stringify(ack)}`);
      const settled = await until("it is set aside", async () => {
        const { state } = await tablet.state(bad.id, 1_000);
        return ["quarantined", "declined", "http 404"].includes(state) && state;
      });
      assert(settled !== "declined", "it reached the acquirer");
      return `${ack.status}, then ${settled}`;
    });
  }
}

async function repeats(server, tablet, good) {
  await check("a batch that is sent three times is captured once; the repeats are called duplicates", async () => {
    const payment = tablet.payment({ pan: VISA, amount: 1999 });
    good.push(payment);
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push(...tablet.acks(await tablet.upload([payment.text])).map((a) => a.status));
    assertEqual(statuses, ["stored", "duplicate", "duplicate"], "acknowledgements");
  });
  await check("the same record twice in one batch is captured once", async () => {
    const payment = tablet.payment({ pan: VISA, amount: 1998 });
    good.push(payment);
    const acks = tablet.acks(await tablet.upload([payment.text, payment.text]));
    assertEqual(acks.map((a) => a.status).sort(), ["duplicate", "stored"], "acknowledgements");
  });
  await check("the very same signed request, played again by a thief, changes nothing", async () => {
    const payment = tablet.payment({ pan: VISA, amount: 1997 });
    good.push(payment);
    const body = JSON.stringify({ v: 1, records: [payment.text] });
    const headers = signedHeaders({ method: "POST", path: BATCHES, body, keyid: tablet.did, privateKey: tablet.privateKey });
    const play = async () => tablet.acks(await answerOf(await fetch(server.origin + BATCHES, { method: "POST", headers, body })))[0].status;
    assertEqual([await play(), await play()], ["stored", "duplicate"], "acknowledgements");
  });
  await check("the same id with another hash is a conflict: the first stands, the second is never charged", async () => {
    const first = tablet.payment({ pan: VISA, amount: 1500 });
    const second = tablet.payment({ pan: VISA, amount: 9500, id: first.id });
    good.push(first);
    const [one] = tablet.acks(await tablet.upload([first.text]));
    const [two] = tablet.acks(await tablet.upload([second.text]));
    assertEqual([one.status, two.status, two.reason], ["stored", "quarantined", "id-conflict"], "acknowledgements");
    assertEqual([one.record_hash, two.record_hash], [first.hash, second.hash], "hashes");
  });
  await check("two records with one sequence number are a fork, and the second is set aside", async () => {
    const first = tablet.payment({ pan: VISA, amount: 1501 });
    good.push(first);
    await tablet.upload([first.text]);
    const clone = tablet.payment({ pan: VISA, amount: 1502, chain: false });
    const [ack] = tablet.acks(await tablet.upload([clone.text]));
    assertEqual([ack.status, ack.reason], ["quarantined", "sequence-conflict"], "acknowledgement");
  });
  await check("an acknowledged payment survives kill -9 of the server and is captured once", async () => {
    // The acquirer is slow, so that the server dies with the payment somewhere between its states.
    await server.script([{ kind: "delay", ms: 3000 }]);
    const payment = tablet.payment({ pan: VISA, amount: 1600 });
    good.push(payment);
    const [ack] = tablet.acks(await tablet.upload([payment.text]));
    assertEqual(ack.status, "stored", "acknowledgement");
    await server.restart();
    await server.script();
    assertEqual(tablet.acks(await tablet.upload([payment.text]))[0].status, "duplicate", "after the restart");
    await until("captured", async () => (await tablet.state(payment.id, 5_000)).state === "captured");
  });
}

async function enrolments(server) {
  const refused = async (name, send) =>
    check(`enrolment refuses ${name}`, async () => {
      const message = await send().then(() => "it was let in", (error) => error.message);
      assert(/40[0-9]/.test(message), message);
    });
  const code = await server.enrolmentCode();
  await enrolTablet(server, { code });
  await refused("a code that was used", () => enrolTablet(server, { code }));
  await refused("a code that was never given", () => enrolTablet(server, { code: "AAAAAAAAAAAAAAAAAAAAAA" }));
  await refused("an empty code", () => enrolTablet(server, { code: "" }));
}

const plain = (server, body) =>
  fetch(server.origin + BATCHES, { method: "POST", headers: { "content-type": "application/json" }, body }).then(answerOf);

async function otherPath(server, tablet, body) {
  const headers = signedHeaders({ method: "POST", path: "/api/v1/heartbeat", body, keyid: tablet.did, privateKey: tablet.privateKey });
  return answerOf(await fetch(server.origin + BATCHES, { method: "POST", headers, body }));
}

const answerOf = async (answer) => ({ status: answer.status, type: answer.headers.get("content-type") ?? "", text: await answer.text() });

/** Changes one character of a record's signature. */
function flip(payment) {
  const at = payment.text.length - 40;
  const other = payment.text[at] === "A" ? "B" : "A";
  return { ...payment, text: payment.text.slice(0, at) + other + payment.text.slice(at + 1) };
}
