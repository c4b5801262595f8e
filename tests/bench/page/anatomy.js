// Where the time goes, seen from outside: the browser's own functions are wrapped for as long as it lasts, so the till's code is the
// one that is shipped. Kinds of work that overlap are counted in each.

/** Runs `act` and gives the rows it put into stores, and milliseconds by kind of work. */
export async function dissect(act) {
  const seen = { spans: {}, rows: [], committed: false };
  const add = (name, ms) => void (seen.spans[name] = (seen.spans[name] ?? 0) + ms);
  const timed = (name) => (call) => awaited(add, name, call);
  const undo = [
    wrap(SubtleCrypto.prototype, "sign", timed("sign")),
    wrap(SubtleCrypto.prototype, "verify", timed("verify acknowledgements")),
    wrap(globalThis, "fetch", timed("the server's answer")),
    wrap(IDBObjectStore.prototype, "put", (call, [value]) => (seen.rows.push(value), call())),
    wrap(IDBDatabase.prototype, "transaction", (call) => transaction(seen, add, call)),
    wrap(Worker.prototype, "postMessage", (call, [message], worker) => journalWrite(add, call, message, worker)),
    ...["getDirectory"].map((name) => wrap(StorageManager.prototype, name, timed("journal, removing"))),
    ...["getDirectoryHandle", "removeEntry"].map((name) => wrap(FileSystemDirectoryHandle.prototype, name, timed("journal, removing"))),
    ...["has", "open"].map((name) => wrap(CacheStorage.prototype, name, timed("journal's other place, removing"))),
    wrap(Cache.prototype, "delete", timed("journal's other place, removing")),
    wrap(LockManager.prototype, "request", (call, given) => lock(add, call, given)),
  ];
  globalThis.benchSpan = add;
  const from = performance.now();
  try {
    await act();
  } finally {
    for (const end of undo) end();
    delete globalThis.benchSpan;
  }
  return { total_ms: performance.now() - from, spans: seen.spans, rows: seen.rows };
}

function wrap(owner, name, around) {
  const original = owner[name];
  owner[name] = function (...given) {
    return around((changed = given) => original.apply(this, changed), given, this);
  };
  return () => void (owner[name] = original);
}

async function awaited(add, name, call) {
  const from = performance.now();
  try {
    return await call();
  } finally {
    add(name, performance.now() - from);
  }
}

/** A write lasts from opening to `complete`, which is what the caller waits for; a read to its last answer, whatever ends it later. */
function transaction(seen, add, call) {
  const from = performance.now();
  const tx = call();
  if (tx.mode === "readonly") {
    const name = seen.committed ? "database, reading after the commit" : "database, reading before the commit";
    let counted_ms = 0;
    const answered = () => {
      const so_far_ms = performance.now() - from;
      add(name, so_far_ms - counted_ms);
      counted_ms = so_far_ms;
    };
    tx.addEventListener("success", answered, { capture: true });
  } else {
    tx.addEventListener("complete", () => {
      seen.committed = true;
      add(`database, ${tx.durability} commit`, performance.now() - from);
    });
  }
  return tx;
}

/** From the question to the answer with its id; the copy of the chain's head may be on its way at the same time. */
function journalWrite(add, call, { id, op }, worker) {
  // Preparing files for later payments is nobody's wait.
  if (op !== "write") return call();
  const from = performance.now();
  const answered = ({ data }) => {
    if (data.id !== id) return;
    worker.removeEventListener("message", answered);
    add("journal, writing and flushing", performance.now() - from);
  };
  worker.addEventListener("message", answered);
  return call();
}

/** Until it is granted; what is done under the lock is counted by itself. */
function lock(add, call, given) {
  const from = performance.now();
  const held = given.at(-1);
  const granted = (...lock) => {
    add("waiting for the lock", performance.now() - from);
    return held(...lock);
  };
  return call(given.with(-1, granted));
}
