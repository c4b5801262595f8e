// From the tap to stored: the whole till, a bare put of the same row, and Workbox's queue with a request of the same body.

import { dissect } from "./anatomy.js";
import { bareStore, sinkRequest, workboxQueue } from "./peers.js";
import { openTill } from "./till.js";
import { inTurns } from "./turns.js";

const PAUSE_MS = 25;

export async function save({ roots, rounds, warmups }) {
  const till = await openTill(roots);
  await till.prepare();
  const row = largest((await dissect(() => till.take())).rows);
  const body = payload(row);
  const bare = await bareStore();
  const queue = workboxQueue("bench-save");

  const contenders = {
    till: async () => {
      await till.prepare();
      return calmlyTimed(() => till.take());
    },
    bare: () => calmlyTimed(() => bare(row)),
    workbox: () => {
      const request = sinkRequest(body);
      return calmlyTimed(() => queue.pushRequest({ request }));
    },
  };
  const samples = await inTurns({ contenders, rounds, warmups, what: "save" });
  return { samples, anatomy: await anatomy(till, rounds), bytes: body.length };
}

/** After the measurement, since watching costs time too. */
async function anatomy(till, rounds) {
  const seen = [];
  for (let round = 0; round < rounds; round++) {
    await till.prepare();
    await pause();
    const { total_ms, spans } = await dissect(() => till.take());
    seen.push({ total_ms, spans });
    await globalThis.benchSays(`save: where the time goes, ${round + 1} of ${rounds}`);
  }
  return seen;
}

/** What others, or the preparation, still do in the background is over before the clock starts. */
const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

async function calmlyTimed(act) {
  await pause();
  const from = performance.now();
  await act();
  return performance.now() - from;
}

/** Of the rows that a payment writes, the one with the record in it. */
function largest(rows) {
  const size = (row) => payload(row)?.length ?? 0;
  const row = rows.reduce((a, b) => (size(b) > size(a) ? b : a), undefined);
  if (size(row) < 1_000) throw new Error("no row with a record was seen; does the till store in another way now?");
  return row;
}

/** The longest text or bytes in a row: the record itself. */
function payload(value) {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  if (value === null || typeof value !== "object") return undefined;
  return Object.values(value).map(payload).filter(Boolean).reduce((a, b) => (b.length > (a?.length ?? 0) ? b : a), undefined);
}
