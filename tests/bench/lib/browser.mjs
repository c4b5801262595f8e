// The browser, on a fresh profile of the bench's own: Chromium driven by playwright-core over its pipe, or Firefox.

import { chromium } from "playwright-core";
import { startFirefox } from "./firefox.mjs";

const CHROMIUM = process.env.HOLDFAST_CHROMIUM ?? "/usr/bin/chromium";

/** `say` gets what the page reports while it measures. */
export async function startBrowser({ which, profile, origin, say }) {
  return which === "firefox" ? startFirefox({ profile, origin }) : startChromium({ profile, origin, say });
}

async function startChromium({ profile, origin, say }) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run"],
    timeout: 120_000,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  await page.exposeFunction("benchSays", say);
  await page.goto(origin);
  const ready = await page.waitForFunction(() => globalThis.bench?.ready, undefined, { timeout: 120_000 }).catch(() => undefined);
  if (!ready) throw new Error(`the page did not start: ${faults.join("; ") || "no error was reported"}`);
  return {
    name: `Chromium ${context.browser()?.version() ?? "of an unknown version"}`,
    /** Calls `bench[part](options)` in the page. */
    async measure(part, options) {
      return await page.evaluate(([name, given]) => globalThis.bench[name](given), [part, options]);
    },
    close: () => context.close(),
  };
}
