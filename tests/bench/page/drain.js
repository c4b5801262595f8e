// Draining what waits: the till's uploader, and Workbox's replay. Filling is told apart from sending, since the line may be slow only
// for the latter.

import { dissect } from "./anatomy.js";
import { sinkRequest, workboxQueue } from "./peers.js";
import { openTill } from "./till.js";

let queue;

/** Stores `count` payments in the till, or requests with a body of `bytes` in Workbox's queue. Gives the milliseconds of each. */
export async function fill({ who, roots, count, bytes, what }) {
  const took_ms = [];
  const till = who === "till" ? await openTill(roots) : undefined;
  queue ??= workboxQueue("bench-drain");
  const body = "x".repeat(bytes ?? 0);
  for (let done = 0; done < count; done++) {
    await till?.prepare(`bench-${done}`);
    const request = till ? undefined : sinkRequest(body);
    const from = performance.now();
    await (till ? till.take() : queue.pushRequest({ request }));
    took_ms.push(performance.now() - from);
    if (done % 20 === 19) await globalThis.benchSays(`${what}: ${done + 1} of ${count}`);
  }
  return took_ms;
}

/** Sends until nothing waits. Gives milliseconds, runs, and what is left, which is 0 unless something is wrong. */
export async function send({ who, roots }) {
  const till = who === "till" ? await openTill(roots) : undefined;
  const from = performance.now();
  let runs = 0;
  let ended;
  if (till) {
    do {
      ended = await till.send();
      runs += 1;
    } while (ended === "MoreLater");
  } else {
    await queue.replayRequests();
  }
  const took_ms = performance.now() - from;
  return { took_ms, runs, ended, left: till ? await till.waiting() : await queue.size() };
}

/** The same for the till, watched: where its time goes. */
export async function watchSend({ roots }) {
  const till = await openTill(roots);
  return dissect(() => till.send()).then(({ total_ms, spans }) => ({ total_ms, spans }));
}
