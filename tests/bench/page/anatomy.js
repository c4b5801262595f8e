// Where the time of one payment goes, seen from outside: the browser's own functions are wrapped for as long as it lasts, so the
// till's code is the one that is shipped.

/** Runs `act` and gives what it put into stores, and milliseconds by kind of work. */
export async function dissect(act) {
  const spans = {};
  const rows = [];
  const undo = [
    wrap(SubtleCrypto.prototype, "sign", (call) => awaited(spans, "sign", call())),
    wrap(SubtleCrypto.prototype, "digest", (call) => awaited(spans, "hash", call())),
    wrap(IDBObjectStore.prototype, "put", (call, [value]) => (rows.push(value), call())),
    wrap(IDBObjectStore.prototype, "add", (call, [value]) => (rows.push(value), call())),
    wrap(IDBDatabase.prototype, "transaction", (call) => transaction(spans, call)),
    wrap(Worker.prototype, "postMessage", (call, _, worker) => journal(spans, call, worker)),
  ];
  globalThis.benchSpan = (name, ms) => add(spans, name, ms);
  const from = performance.now();
  try {
    await act();
  } finally {
    for (const end of undo) end();
    delete globalThis.benchSpan;
  }
  return { total_ms: performance.now() - from, spans, rows };
}

function wrap(prototype, name, around) {
  const original = prototype[name];
  prototype[name] = function (...given) {
    return around(() => original.apply(this, given), given, this);
  };
  return () => void (prototype[name] = original);
}

const add = (spans, name, ms) => void (spans[name] = (spans[name] ?? 0) + ms);

async function awaited(spans, name, promise) {
  const from = performance.now();
  try {
    return await promise;
  } finally {
    add(spans, name, performance.now() - from);
  }
}

/** From opening to complete: what the caller waits for. */
function transaction(spans, call) {
  const from = performance.now();
  const tx = call();
  const name = tx.mode === "readonly" ? "database, reading" : `database, ${tx.durability} commit`;
  tx.addEventListener("complete", () => add(spans, name, performance.now() - from));
  return tx;
}

/** A worker is asked one thing at a time; its next message is the answer. */
function journal(spans, call, worker) {
  const from = performance.now();
  worker.addEventListener("message", () => add(spans, "journal (worker, flush)", performance.now() - from), { once: true });
  return call();
}
