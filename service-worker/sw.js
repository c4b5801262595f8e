// The till's service worker: a small classic script, because every listener must be registered in its first synchronous run,
// long before WebAssembly is up. It serves the app from its cache and hands background work to the crate next to it.
"use strict";

// Replaced by the build with {"version": "…", "files": ["/", …]}. As written here it is a name that does not exist.
const PRECACHE = (() => {
  try {
    return __HOLDFAST_PRECACHE__;
  } catch {
    return { version: "none", files: [] };
  }
})();

const APP_CACHES = "holdfast-app-";
const APP_CACHE = APP_CACHES + PRECACHE.version;
const GLUE = "/holdfast-service-worker.js";
const WASM = "/holdfast-service-worker_bg.wasm";
const SYNC_TAG = "holdfast-upload-";
const PERIODIC_TAG = "holdfast-periodic";

// Under Trusted Types an address of a script must come from a policy.
const policy = self.trustedTypes?.createPolicy("holdfast", { createScriptURL: (url) => url });
// The glue only defines `wasm_bindgen`; importScripts is allowed in this first run and never again, so it is kept with the worker.
// A worker without it is none: if it does not arrive, the registration fails and the page registers anew.
importScripts(policy ? policy.createScriptURL(GLUE) : GLUE);

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (isOurs(event.request, url)) event.respondWith(respond(event.request, url));
});
self.addEventListener("sync", (event) => {
  if (event.tag.startsWith(SYNC_TAG)) event.waitUntil(onSync(event.tag, event.lastChance));
});
self.addEventListener("periodicsync", (event) => {
  if (event.tag === PERIODIC_TAG) event.waitUntil(uploadInBackground());
});
self.addEventListener("message", (event) => {
  // A new version takes over when someone taps "update", never in the middle of a sale.
  if (event.data === "skip-waiting") event.waitUntil(self.skipWaiting());
});

// ---- The app's files ----

// All or nothing: a version that is not complete must never be started.
async function install() {
  const cache = await caches.open(APP_CACHE);
  try {
    await cache.addAll(PRECACHE.files.map((file) => new Request(file, { cache: "reload", credentials: "same-origin" })));
  } catch (error) {
    await caches.delete(APP_CACHE);
    throw error;
  }
}

// Other versions' files go; the journal's cache and everything else stays.
async function activate() {
  await self.clients.claim();
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(APP_CACHES) && name !== APP_CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

function isOurs(request, url) {
  if (request.method !== "GET" || url.origin !== self.location.origin) return false;
  // Receipts and the back office are the server's pages: the till's page must not stand in for them.
  if (["/api/", "/demo/", "/r/", "/office/"].some((prefix) => url.pathname.startsWith(prefix))) return false;
  if (url.pathname === "/office") return false;
  return request.mode === "navigate" ? !hasExtension(url) || isKept(url) : isKept(url);
}

// Every page of the till is the same file; a path with an extension is a file of its own.
const hasExtension = (url) => /\.[a-z0-9]+$/i.test(url.pathname);
const isKept = (url) => PRECACHE.files.includes(url.pathname);

async function respond(request, url) {
  const file = isKept(url) ? url.pathname : "/";
  const cache = await caches.open(APP_CACHE);
  const kept = await cache.match(file, { ignoreSearch: true });
  return kept ?? fetch(request);
}

// ---- Background work ----

let ready;

// Compiled once for each life of the worker, from the cache: the network may be down, or up for a moment only.
function engine() {
  ready ??= start().catch((error) => {
    ready = undefined;
    throw error;
  });
  return ready;
}

async function start() {
  const cache = await caches.open(APP_CACHE);
  const wasm = (await cache.match(WASM)) ?? (await fetch(WASM));
  await wasm_bindgen({ module_or_path: wasm });
  return wasm_bindgen;
}

// One event may take 180 seconds; some are left for the upload itself.
const EVENT_MS = 150_000;
const AGAIN_MS = 2_000;

// Chromium learns up to two seconds late that the link is gone. The sync of a payment that is stored in that time fires at once and in
// vain, and would then back off for 300 seconds, deaf to the link's return. So an event that got nowhere stays and looks again. It
// also orders its own tag again while it runs and the window is still open (without one that is refused): then Chromium does not
// back off when the event fails, but fires it anew as soon as the link is there, however long the outage was.
async function onSync(tag, isLastChance) {
  await orderAgain(tag, isLastChance);
  const end = Date.now() + EVENT_MS;
  for (;;) {
    try {
      return await uploadInBackground();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await wait(AGAIN_MS);
    while (!self.navigator.onLine && Date.now() < end) await wait(AGAIN_MS / 4);
  }
}

// Once for each tag: the event after one that sent everything finds nothing and ends the series. Once more when the browser is
// about to give the tag up.
const ordered = new Set();
const ORDERED_MAX = 100;

async function orderAgain(tag, isLastChance) {
  if (ordered.has(tag) && !isLastChance) return;
  if (ordered.size >= ORDERED_MAX) ordered.clear();
  ordered.add(tag);
  await self.registration.sync?.register(tag).catch(() => {});
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Throws unless nothing waits any more: also when a page was at it, which may be closed before it is done.
async function uploadInBackground() {
  const till = await engine();
  // What cannot be put right must not keep the rest from going up.
  await till.recover().catch((error) => console.warn("recovery will be tried again", error));
  const outcome = await till.upload();
  if (outcome !== "drained") throw new Error(`payments still wait: ${outcome}`);
}
