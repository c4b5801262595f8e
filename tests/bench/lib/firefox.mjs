// Firefox by geckodriver, spoken to over WebDriver directly: one page and two kinds of calls need no client library.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { freePort } from "./server.mjs";

const MEASURE_MS_MAX = 600_000;

export async function startFirefox({ profile, origin }) {
  mkdirSync(profile, { recursive: true });
  const own = process.env.HOLDFAST_TOOLS && path.join(process.env.HOLDFAST_TOOLS, "geckodriver");
  const port = await freePort();
  const args = ["--port", `${port}`, "--profile-root", profile];
  const driver = spawn(own && existsSync(own) ? own : "geckodriver", args, { stdio: "ignore" });
  const failed = new Promise((_, reject) => driver.once("error", reject));
  const call = (method, command, body) => Promise.race([failed, webDriver(port, method, command, body)]);
  const quit = () => driver.kill();
  process.once("exit", quit);
  try {
    await until(() => call("GET", "/status"));
    const { sessionId, capabilities } = await call("POST", "/session", { capabilities: { alwaysMatch: options() } });
    const session = `/session/${sessionId}`;
    await call("POST", `${session}/timeouts`, { script: MEASURE_MS_MAX });
    await call("POST", `${session}/url`, { url: origin });
    const run = (script, ...given) => call("POST", `${session}/execute/async`, { script: inPage(script), args: given });
    await until(() => run("return globalThis.bench?.ready === true").then((ready) => ready || Promise.reject(new Error("the page did not start"))));
    return {
      name: `Firefox ${capabilities.browserVersion}`,
      measure: (part, options) => run("return await globalThis.bench[given[0]](given[1])", part, options),
      async close() {
        await call("DELETE", session);
        quit();
      },
    };
  } catch (error) {
    quit();
    throw error;
  }
}

const options = () => ({
  browserName: "firefox",
  "moz:firefoxOptions": {
    args: ["-headless"],
    // The clock is otherwise blurred against timing attacks.
    prefs: { "privacy.reduceTimerPrecision": false },
  },
});

/** An answer or an error, given to the callback that WebDriver puts last among the arguments. */
const inPage = (script) => `
  const given = [...arguments], answer = given.pop();
  (async () => { ${script} })().then((value) => answer({ value }), (error) => answer({ error: String(error) }));`;

async function webDriver(port, method, command, body) {
  const init = { method, body: body && JSON.stringify(body), headers: { "content-type": "application/json" } };
  const { value } = await (await fetch(`http://127.0.0.1:${port}${command}`, init)).json();
  const error = value?.error && (value.message ?? value.error);
  if (error) throw new Error(error);
  return command.endsWith("/execute/async") ? value.value : value;
}

async function until(ready) {
  for (let tries = 100; ; tries--) {
    try {
      return await ready();
    } catch (error) {
      if (tries === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
