// The peers of saving and draining: Workbox's background-sync queue, and nothing but IndexedDB.

import { Queue } from "workbox-background-sync/Queue.js";

/**
 * Workbox's queue is made for a service worker and wants its `registration`. Here it runs in the page, so that all contenders share
 * one page; without `sync` in the registration it skips the call that registers a sync event, which spares it some time.
 */
export function workboxQueue(name) {
  globalThis.registration ??= {};
  return new Queue(name, { onSync: async () => {} });
}

/** The request that a page would queue: made before the clock starts. */
export function sinkRequest(body) {
  return new Request("/sink", { method: "POST", body, headers: { "content-type": "text/plain" } });
}

/** The least that durable saving can be: one put in one transaction of strict durability. */
export async function bareStore() {
  const opened = indexedDB.open("bench-bare", 1);
  opened.onupgradeneeded = () => opened.result.createObjectStore("rows");
  const db = await new Promise((resolve, reject) => {
    opened.onsuccess = () => resolve(opened.result);
    opened.onerror = () => reject(opened.error);
  });
  let key = 0;
  return (value) =>
    new Promise((resolve, reject) => {
      const tx = db.transaction("rows", "readwrite", { durability: "strict" });
      tx.objectStore("rows").put(value, (key += 1));
      tx.oncomplete = resolve;
      tx.onabort = () => reject(tx.error);
    });
}
