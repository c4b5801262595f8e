// "Stored" means on the disk: while payments are stored offline, strace counts what the browser syncs. Between Charge and
// the word "Stored" there must be at least one sync of the database's file and one of the payment's journal file. The same
// under eatmydata, where no sync reaches the kernel, is the control: there the check must fail.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startBrowser } from "./lib/browser.mjs";
import { MASTERCARD, VISA } from "./lib/cards.mjs";
import { assert, assertEqual, check, figure, main, until, workPath } from "./lib/run.mjs";
import { startServer } from "./lib/server.mjs";
import { openTill, stores } from "./lib/till.mjs";

const PAYMENTS = process.env.HOLDFAST_FULL ? 50 : 10;
/** The clocks are one and the same; a line may be written a moment after its call returned. */
const SLACK_MS = 20;

main("durability", async () => {
  const real = await storeUnderTrace("durability", {});
  await check(`${PAYMENTS} payments: each is synced in the database and in the journal before "Stored" is shown`, () => judge(real));
  figure("syncs of the database, of the journal", `${count(real, "database")}, ${count(real, "journal")}`);

  const control = await storeUnderTrace("durability-eatmydata", { LD_PRELOAD: "libeatmydata.so" });
  await check("the control: under eatmydata that check fails", () => {
    let complaint = "";
    try {
      judge(control);
    } catch (error) {
      complaint = error.message;
    }
    assert(complaint !== "", "it passed although nothing was synced: the check is worth nothing");
    return complaint;
  });
});

/** Stores payments in a browser under strace while the server is dead. */
async function storeUnderTrace(name, env) {
  const server = await startServer({ name: `${name}-server` });
  const trace = join(workPath(name), "strace.txt");
  const prefix = ["strace", "-f", "--seccomp-bpf", "-ttt", "-y", "-e", "trace=fdatasync,fsync", "-o", trace];
  const browser = await startBrowser({ origin: server.origin, profile: workPath(name, "profile"), name, env, prefix });
  const till = await openTill(browser, server.origin);
  await till.enrol();
  await till.readyForOutage();
  await server.kill();
  await until("the lamp turns", async () => ["offline", "server-unreachable"].includes(await till.lamp()));

  const sales = [];
  await check(`${name}: ${PAYMENTS} payments are stored`, async () => {
    for (let n = 0; n < PAYMENTS; n += 1) {
      await till.addAmount(400 + n);
      await till.charge();
      const from_ms = Date.now();
      const { state, at_ms } = await till.pay({ how: n % 2 ? "both" : "second", pan: n % 2 ? VISA : MASTERCARD, tender: false });
      assertEqual(state, "stored", "result");
      sales.push({ from_ms, to_ms: at_ms });
      await till.newSale();
    }
    const { outbox, journal } = await stores(till.page);
    assertEqual([outbox.length, journal.length], [PAYMENTS, PAYMENTS], "rows and files");
  });
  await browser.close();
  await until("the trace is written", () => existsSync(trace));
  return { sales, syncs: readTrace(trace) };
}

/** Throws unless every sale has both syncs, finished between its Charge and its "Stored". */
function judge({ sales, syncs }) {
  assertEqual(sales.length, PAYMENTS, "sales");
  const within = (sale, kind) =>
    syncs.filter((s) => s.kind === kind && s.at_ms >= sale.from_ms - SLACK_MS && s.at_ms <= sale.to_ms + SLACK_MS);
  const lacking = sales.map((sale, n) => ({ n, database: within(sale, "database").length, journal: within(sale, "journal").length }));
  const bad = lacking.filter((s) => s.database < 1 || s.journal < 1);
  assert(bad.length === 0, `${bad.length} of ${sales.length} sales lack a sync, e.g. ${JSON.stringify(bad[0])}`);
  const files = new Set(sales.flatMap((sale) => within(sale, "journal").map((s) => s.path)));
  // One file per payment: a journal that is synced is this payment's, not its neighbour's.
  assert(files.size >= sales.length, `${files.size} journal files were synced for ${sales.length} sales`);
  return `at least ${Math.min(...lacking.map((s) => s.database))} of the database and ${Math.min(...lacking.map((s) => s.journal))} of the journal each`;
}

const count = ({ syncs }, kind) => syncs.filter((s) => s.kind === kind).length;

/** The successful syncs of a trace, each with the time at which it had returned, its file and what that file is. */
function readTrace(path) {
  const open = new Map();
  const syncs = [];
  const add = (at_s, file) => {
    const kind = file.includes("/IndexedDB/") ? "database" : file.includes("/File System/") ? "journal" : "other";
    syncs.push({ at_ms: Number(at_s) * 1000, path: file, kind });
  };
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const whole = /^(\d+)\s+([\d.]+) f(?:data)?sync\(\d+<([^>]+)>\)\s+= 0/.exec(line);
    const begun = /^(\d+)\s+([\d.]+) f(?:data)?sync\(\d+<([^>]+)>.*<unfinished/.exec(line);
    const ended = /^(\d+)\s+([\d.]+) <\.\.\. f(?:data)?sync resumed>\)\s+= 0/.exec(line);
    if (whole) add(whole[2], whole[3]);
    else if (begun) open.set(begun[1], begun[3]);
    else if (ended && open.has(ended[1])) add(ended[2], open.get(ended[1]));
  }
  return syncs;
}
