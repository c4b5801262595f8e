// Chromium inside a network namespace, driven by playwright-core over its pipe, with a profile that outlives it.
// The wrapper script writes its process id and then becomes the browser, so SIGKILL hits the browser itself.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { alive, LIMIT_MS, onEnd, sh, until } from "./run.mjs";

const CHROMIUM = process.env.HOLDFAST_CHROMIUM ?? "/usr/bin/chromium";

/** What we add: a quiet browser that calls home for nothing, and takes http on a private address as secure. */
const flags = (origin) => [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  `--unsafely-treat-insecure-origin-as-secure=${origin}`,
];

/** What Playwright adds and a shop's browser does not have: each changes how pages and workers live in the background. */
const unwanted = [
  "--disable-background-networking",
  "--disable-back-forward-cache",
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
];

/**
 * Starts the browser on `profile`. `prefix` is a command line to run it under (strace …), `env` is added to its
 * environment (LD_PRELOAD). `context` is Playwright's, `pid` the browser's own.
 */
export async function startBrowser({ network, origin, profile, name = "browser", prefix = [], env = {}, viewport }) {
  mkdirSync(profile, { recursive: true });
  const wrapper = join(profile, "..", `${name}.sh`);
  const pidFile = join(profile, "..", `${name}.pid`);
  const settings = Object.entries(env).map(([k, v]) => `export ${k}=${quote(v)}\n`);
  const inNamespace = network ? ["ip", "netns", "exec", network.ns] : [];
  const command = [...inNamespace, ...prefix, CHROMIUM].map(quote).join(" ");
  writeFileSync(wrapper, `#!/bin/sh\n${settings.join("")}echo $$ >${quote(pidFile)}\nexec ${command} "$@"\n`);
  chmodSync(wrapper, 0o755);

  const context = await chromium.launchPersistentContext(profile, {
    executablePath: wrapper,
    headless: true,
    args: flags(origin),
    ignoreDefaultArgs: unwanted,
    viewport: viewport ?? { width: 1180, height: 820 },
    locale: "en-GB",
    timeout: LIMIT_MS,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  context.setDefaultTimeout(LIMIT_MS);
  context.setDefaultNavigationTimeout(LIMIT_MS);
  const pid = Number(readFileSync(pidFile, "utf8"));

  const browser = {
    context,
    pid,
    profile,
    /** SIGKILL to the whole process group: nothing gets to write a last byte. */
    async kill() {
      if (alive(pid)) process.kill(-pid, "SIGKILL");
      await until("the browser is dead", () => !alive(pid) && groupOf(pid).length === 0);
      await context.close().catch(() => {});
    },
    /** An orderly end. */
    async close() {
      await context.close();
      await until("the browser has ended", () => !alive(pid));
    },
    /** Closes every page of ours and leaves one empty tab, as a browser that runs with the till closed. */
    async closePages() {
      const blank = await context.newPage();
      for (const page of context.pages()) if (page !== blank) await page.close();
      return blank;
    },
    /** Stops the service workers, as the browser does with idle ones: what wakes them later is an event and nothing else. */
    async stopWorkers() {
      const [blank] = context.pages();
      const session = await context.newCDPSession(blank);
      const stopped = new Map();
      session.on("ServiceWorker.workerVersionUpdated", ({ versions }) => {
        for (const { versionId, runningStatus } of versions) stopped.set(versionId, runningStatus === "stopped");
      });
      await session.send("ServiceWorker.enable");
      await until("all service workers are stopped", async () => {
        await session.send("ServiceWorker.stopAllWorkers");
        return [...stopped.values()].every(Boolean);
      });
      await session.detach();
    },
  };
  onEnd(`browser ${pid}`, () => browser.kill());
  return browser;
}

/** The browser's other processes: all those of its process group. */
function groupOf(pgid) {
  return sh("ps", "-eo", "pid=,pgid=,stat=")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, group, stat]) => Number(group) === pgid && !stat?.startsWith("Z"))
    .map(([pid]) => Number(pid));
}

const quote = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
