// Looks after the first visit, when nothing is kept yet. Where the network comes and goes, Chromium fails all that is under way when an
// interface changes (ERR_NETWORK_CHANGED), and nobody would ask for it again: the page is loaded anew until everything has arrived.
"use strict";

(() => {
  const WORDS = {
    en: "Not all of Holdfast has arrived. It is loaded again as soon as the connection allows.",
    de: "Holdfast ist noch nicht vollständig geladen. Sobald die Verbindung es erlaubt, geht es weiter.",
    ar: "لم يكتمل تحميل Holdfast بعد. سيُعاد التحميل حالما يسمح الاتصال.",
  };
  const KEY = "holdfast-load-tries";
  const PAUSE_MS = 500, PAUSE_MS_MAX = 30_000, SAY_AFTER = 2;
  const splash = () => document.getElementById("splash");
  const kept = (work) => { try { return work(sessionStorage); } catch { return SAY_AFTER; } };
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const answers = () => fetch("/healthz", { cache: "no-store" }).then((answer) => answer.ok, () => false);
  let isComing = false;
  async function again() {
    if (isComing) return;
    isComing = true;
    // What did arrive may start, but nobody works in half a till.
    document.documentElement.inert = true;
    const tries = Number(kept((s) => s.getItem(KEY)));
    kept((s) => s.setItem(KEY, tries + 1));
    if (tries >= SAY_AFTER) say();
    do await wait(Math.min(PAUSE_MS * 2 ** tries, PAUSE_MS_MAX));
    while (!navigator.serviceWorker?.controller && !(await answers()));
    location.reload();
  }
  function say() {
    if (document.readyState === "loading") return addEventListener("DOMContentLoaded", say);
    const lang = navigator.language.split("-")[0];
    const words = document.createElement("p");
    words.setAttribute("role", "status");
    words.dir = lang === "ar" ? "rtl" : "ltr";
    words.textContent = WORDS[lang] ?? WORDS.en;
    splash()?.append(words);
  }
  // A request that was cut off rejects with a TypeError in every browser, and the module script that waits for it throws it. That is
  // mended here, so nobody need hear of it as an error.
  const notStarted = (event, reason) => {
    if (!splash()) return;
    if (reason instanceof TypeError) {
      event.preventDefault();
      console.warn("holdfast: not all has arrived, it is loaded anew:", reason.message);
    }
    again();
  };
  addEventListener("error", (event) => {
    const { target } = event;
    if (target.tagName === "SCRIPT" || target.rel === "stylesheet") again();
    else if (target === window) notStarted(event, event.error);
  }, true);
  addEventListener("unhandledrejection", (event) => notStarted(event, event.reason));
  addEventListener("TrunkApplicationStarted", () => { if (!isComing) kept((s) => s.removeItem(KEY)); });
})();
