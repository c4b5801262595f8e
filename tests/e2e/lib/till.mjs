// The till as a person works it: by role and accessible name, as docs/driving-the-till.md lists them. States are read from
// `data-state`, which that page lists too. Nothing here reaches into the app.

import { EXPIRY_MMYY, stripes } from "./cards.mjs";
import { typeStripe } from "./keyboard.mjs";
import { assert, LIMIT_MS, sleep, until } from "./run.mjs";

const SWIPES_MAX = 10;

/** Opens the till in a new tab; waits until it is ready to sell, or to be enrolled. */
export async function openTill(browser, origin) {
  const page = await browser.context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(`${origin}/`);
  return makeTill(page, origin, problems);
}

function makeTill(page, origin, problems) {
  const button = (name, options = {}) => page.getByRole("button", { name, ...options });
  const lamp = page.getByRole("status", { name: "Connection" });
  const result = page.getByTestId("result");

  const till = {
    page,
    /** Errors that the page threw. */
    problems,

    /** Binds this tablet to the demo shop: one tap. */
    async enrol() {
      await button("Use the demo shop").click();
      await till.ready();
    },
    /** The till is there and belongs to no shop. */
    asksToBeSetUp: () => page.locator("main[data-state=enrol]").waitFor(),
    /** The sell screen is there. */
    ready: () => button("Menu").waitFor({ timeout: LIMIT_MS }),
    /** Everything that a cold start needs is in the service worker's cache. */
    async readyForOutage() {
      await until("a service worker controls the page", () => page.evaluate(() => navigator.serviceWorker.controller !== null));
      await until("the page is in a cache", () => page.evaluate(async () => {
        for (const name of await caches.keys()) {
          const urls = (await (await caches.open(name)).keys()).map((request) => request.url);
          if (urls.some((url) => url.endsWith(".wasm"))) return true;
        }
        return false;
      }));
    },

    lamp: () => lamp.getAttribute("data-state"),
    lampWords: () => lamp.innerText(),
    /** Waits for the lamp; gives the milliseconds that it took. */
    async lampSays(state, timeout_ms = LIMIT_MS) {
      const started = Date.now();
      await until(`the lamp says ${state}`, async () => (await till.lamp()) === state, { timeout_ms, every_ms: 50 });
      return Date.now() - started;
    },
    /** How many payments the strip says are waiting. */
    async waitingCount() {
      const strip = page.getByRole("region", { name: "Waiting" });
      return (await strip.count()) === 0 ? 0 : Number(await strip.getAttribute("data-count"));
    },

    /** Rings up an amount on the keypad, in minor units. */
    async addAmount(minor) {
      await page.getByRole("tab", { name: "Keypad" }).click();
      for (const digit of String(minor)) await button(digit, { exact: true }).click();
      await button(/^Add /).click();
    },
    /** Rings up an item by its name. */
    addItem: (name) => page.getByRole("tabpanel").getByRole("button", { name }).first().click(),
    charge: () => button(/^Charge/).click(),

    /** Swipes a card through a keyboard-wedge reader. */
    swipe: (stripe) => typeStripe(page, stripe),
    /**
     * Swipes until the till could read it, as a person would: a busy machine may take too long between two keys. How often it
     * took another swipe is counted.
     */
    async swipeRead(stripe, swipe = till.swipe) {
      for (let attempt = 1; ; attempt += 1) {
        await swipe(stripe);
        const unreadable = page.getByRole("alert").filter({ hasText: "could not be read" });
        await result.or(unreadable).or(page.getByText("One moment")).first().waitFor();
        if ((await unreadable.count()) === 0) return;
        assert(attempt < SWIPES_MAX, `${attempt} swipes were unreadable`);
        till.swipedAgain += 1;
        await sleep(300);
      }
    },
    /** Keys a card in on the keyboard. Digits are typed, never put into an input. */
    async keyIn(pan, expiry = EXPIRY_MMYY) {
      await button("Key in card").click();
      await page.getByRole("button", { name: /^Card number/ }).waitFor();
      await page.keyboard.type(pan, { delay: 5 });
      await page.keyboard.type(expiry, { delay: 5 });
    },
    /** Charges the card that was keyed in. */
    chargeKeyed: () => page.getByRole("dialog").getByRole("button", { name: /^Charge/ }).click(),

    /** The outcome: `approved`, `stored`, `declined` or `not-stored`, and the words on the screen. */
    async result(timeout = LIMIT_MS) {
      await result.waitFor({ timeout });
      return { state: await result.getAttribute("data-state"), words: await result.innerText(), at_ms: Date.now() };
    },
    newSale: async () => {
      await button("New sale").click();
      await page.getByRole("tab", { name: "Keypad" }).waitFor();
    },
    /** Looks at the receipt, then begins a new sale from there. */
    async receiptAndNewSale() {
      await button("Receipt", { exact: true }).click();
      const words = await page.getByTestId("receipt").innerText();
      await till.newSale();
      return words;
    },

    /**
     * A whole sale. `how` is `keyed` or one of the stripes of lib/cards.mjs.
     */
    async pay({ minor, item, how, pan, tender = true }) {
      if (item) await till.addItem(item);
      if (minor) await till.addAmount(minor);
      if (tender || how === "keyed") await till.charge();
      if (how === "keyed") {
        await till.keyIn(pan);
        await till.chargeKeyed();
        return till.result();
      }
      await till.swipeRead(stripes[how](pan));
      return till.result();
    },
    swipedAgain: 0,

    async goTo(place) {
      await button("Menu").click();
      await page.getByRole("navigation", { name: "Menu" }).getByRole("button", { name: place }).click();
    },
    /** What the history lists: `{id, state, words}`, in the order of the page. */
    async history() {
      await till.goTo("History");
      return till.historyRows();
    },
    historyRows: () =>
      page.getByRole("region", { name: "Payments" }).locator("button[data-payment]").evaluateAll((rows) =>
        rows.map((row) => ({ id: row.dataset.payment, state: row.dataset.state, words: row.innerText })),
      ),
    async sell() {
      await till.goTo("Sell");
    },

    /** The page's whole text and every input's value, to look for what must not be there. */
    dom: () => page.evaluate(() => document.documentElement.outerHTML + [...document.querySelectorAll("input")].map((i) => i.value).join(" ")),
    stores: () => stores(page),
  };
  return till;
}

/**
 * What the device keeps, read beside the app: rows of the money database's outbox and tombstones, files of the journal that
 * hold a record, all files, cached answers that hold one. A database that is not there is not opened: that would make an empty one.
 */
export function stores(page) {
  return page.evaluate(async () => {
    const open = (name) =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const rowsOf = (db, store) =>
      new Promise((resolve, reject) => {
        const request = db.transaction(store).objectStore(store).getAll();
        request.onsuccess = () => resolve(request.result.map((row) => (typeof row === "string" ? row : JSON.stringify(row) ?? "")));
        request.onerror = () => reject(request.error);
      });
    const out = { outbox: [], tombstones: [], journal: [], cached: [], files: [], everything: [] };
    for (const { name } of await indexedDB.databases()) {
      const db = await open(name);
      for (const store of db.objectStoreNames) {
        const rows = await rowsOf(db, store);
        out.everything.push(...rows);
        if (name === "holdfast-money" && out[store]) out[store] = rows.map((row) => JSON.parse(row));
      }
      db.close();
    }
    // A compact JWS begins so; the journal also keeps the chain's head, which is no payment.
    const holdsRecord = (text) => text.includes("eyJ");
    const walk = async (directory, path) => {
      for await (const [name, handle] of directory.entries()) {
        if (handle.kind === "directory") {
          await walk(handle, `${path}${name}/`);
          continue;
        }
        const text = await (await handle.getFile()).text();
        out.everything.push(text);
        // A prepared file is nobody's while it is empty, and its name says nothing of the payment that it is used for.
        if (text !== "" || !name.startsWith("ready-")) out.files.push(`${path}${name}`);
        if (holdsRecord(text)) out.journal.push(`${path}${name} ${/"id":"([^"]*)"/.exec(text)?.[1] ?? ""}`);
      }
    };
    await walk(await navigator.storage.getDirectory(), "/");
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const { pathname } = new URL(request.url);
        if (/\.(js|css|wasm|woff2|png|svg|html|txt|webmanifest)$/.test(pathname) || pathname === "/") continue;
        const text = await (await cache.match(request)).text();
        out.everything.push(text);
        if (holdsRecord(text)) out.cached.push(request.url);
      }
    }
    return out;
  });
}

/** A piece from the middle of a record: whoever still has it still has the ciphertext. */
export const pieceOf = (record) => record.slice(record.length / 2, record.length / 2 + 48);

/** Waits until nothing of any payment's ciphertext is on the device; `pieces` must occur in no store at all. */
export function storesAreEmpty(page, { timeout_ms = LIMIT_MS, pieces = [] } = {}) {
  return until("the device holds no ciphertext", async () => {
    const { outbox, journal, cached, everything } = await stores(page);
    const left = pieces.filter((piece) => everything.some((text) => text.includes(piece)));
    const all = outbox.length + journal.length + cached.length + left.length;
    assert(all === 0, `outbox ${outbox.length}, journal ${journal.length}, cached ${cached.length}, elsewhere ${left.length}`);
    return true;
  }, { timeout_ms, every_ms: 250 });
}
