// Draining what waits, as the table tells it: on a local line, and through one that holds everything back.

import { lines, table } from "../lib/report.mjs";
import { ratio, shown, summary } from "../lib/stats.mjs";

const NAMES = { till: "Holdfast, batches, acknowledged one by one", workbox: "workbox-background-sync replayRequests" };
/** Their body where no till has measured a real one yet. */
const RECORD_BYTES = 3_300;
/** How many of the first and the last payments of a long queue are compared. */
const EDGE = 50;

export async function drain(given) {
  const { settings } = given;
  const plans = [{ line: "local", delay_ms: 0, count: settings.drainCount }];
  if (settings.drainDelayedCount > 0) {
    const line = `${settings.drainDelayMs} ms each way`;
    plans.push({ line, delay_ms: settings.drainDelayMs, count: settings.drainDelayedCount });
  }
  const runs = [];
  for (const plan of plans) runs.push(await onePlan(given, plan));
  const anatomy = settings.drainWatchedCount > 0 ? await watched(given, settings.drainWatchedCount) : undefined;
  return {
    about: `${settings.drainCount} payments that wait are sent, and each is acknowledged`,
    unit: "s",
    runs,
    anatomy,
    print,
  };
}

async function onePlan({ browser, front, server }, { line, delay_ms, count }) {
  const run = { line, delay_ms, count };
  for (const who of Object.keys(NAMES)) {
    const roots = server.roots;
    front.delay(0);
    const bytes = run.till?.body_bytes ?? RECORD_BYTES;
    const fill_ms = await browser.measure("fill", { who, roots, count, bytes: Math.round(bytes), what: `drain, ${line}: ${who} stores` });
    front.reset();
    front.delay(delay_ms);
    const { took_ms, runs, ended, left } = await browser.measure("send", { who, roots });
    front.delay(0);
    if (left !== 0) throw new Error(`${who} left ${left} of ${count} (${ended ?? "no outcome"})`);
    const path = who === "till" ? "POST /api/v1/batches" : "POST /sink";
    run[who] = {
      name: NAMES[who],
      seconds: took_ms / 1000,
      requests: front.count(path),
      other_requests: front.total() - front.count(path),
      body_bytes: front.bytes(path) / count,
      runs,
      fill: { first: summary(fill_ms.slice(0, EDGE)), last: summary(fill_ms.slice(-EDGE)) },
    };
  }
  run.ratios = {
    "requests, workbox / till": run.workbox.requests / run.till.requests,
    "seconds, workbox / till": run.workbox.seconds / run.till.seconds,
  };
  return run;
}

/** Milliseconds by kind of work for each payment of a drain of its own, on the local line. */
async function watched({ browser, server }, count) {
  const { roots } = server;
  await browser.measure("fill", { who: "till", roots, count, what: "drain, watched: till stores" });
  const { total_ms, spans } = await browser.measure("watchSend", { roots });
  const kinds = new Map();
  // Before or after a commit means nothing where one commit follows another.
  const kind = (name) => name.replace(/ (before|after) the commit$/, "");
  for (const [name, ms] of Object.entries(spans)) kinds.set(kind(name), (kinds.get(kind(name)) ?? 0) + ms);
  const each = [...kinds].map(([name, ms]) => ({ name, ms_each: ms / count }));
  const rest_ms = total_ms - Object.values(spans).reduce((a, b) => a + b, 0);
  return [...each, { name: "the rest", ms_each: Math.max(0, rest_ms) / count }, { name: "all", ms_each: total_ms / count }];
}

function print({ runs, anatomy }) {
  const row = (run, who) => {
    const { name, requests, seconds, body_bytes } = run[who];
    return [`${run.count} over ${run.line}: ${name}`, requests, shown(seconds), shown((1000 * seconds) / run.count), Math.round(body_bytes)];
  };
  table(
    ["", "requests", "seconds", "ms each", "bytes each"],
    runs.flatMap((run) => [row(run, "till"), row(run, "workbox")]),
  );
  lines(
    runs.map(({ line, till, workbox }) => {
      const requests = ratio(workbox.requests, till.requests);
      return `${line}: Workbox makes ${requests} the requests and takes ${ratio(workbox.seconds, till.seconds)} the time`;
    }),
  );
  const { first, last } = runs[0].till.fill;
  lines([
    `stored back to back, a payment took ${shown(first.median)} ms with few waiting, ${shown(last.median)} ms with ${runs[0].count} waiting`,
  ]);
  if (!anatomy) return;
  lines(["", "where Holdfast's time goes, in a drain of its own that is watched:"]);
  table(
    ["", "ms each"],
    anatomy.map(({ name, ms_each }) => [name, shown(ms_each)]),
  );
}
