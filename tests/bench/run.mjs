// Holdfast beside its peers, in the same page and the same run. `cargo xtask bench` builds what is measured and calls this;
// `node run.mjs --help` lists what can be set. There is no pass or fail by time: read docs/bench.md.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { startBrowser } from "./lib/browser.mjs";
import { buildPage } from "./lib/build.mjs";
import { Front } from "./lib/front.mjs";
import { Progress } from "./lib/report.mjs";
import { startServer } from "./lib/server.mjs";
import { USAGE, settings as read } from "./lib/settings.mjs";
import { drain } from "./parts/drain.mjs";
import { save } from "./parts/save.mjs";
import { seal } from "./parts/seal.mjs";

const PARTS = {
  seal: { run: seal, server: false },
  save: { run: save, server: true },
  drain: { run: drain, server: true },
};

/** Of the minute before: how much of the noise is somebody else's. */
const load = loadavg()[0];

try {
  const settings = read(process.argv.slice(2), process.env);
  if (settings.help) console.log(USAGE);
  else await main(settings);
} catch (error) {
  console.error(`\nbench: ${error.message}`);
  process.exitCode = 1;
}

async function main(settings) {
  const work = process.env.HOLDFAST_WORK ?? path.join(tmpdir(), "holdfast-bench");
  mkdirSync(work, { recursive: true });
  const own = mkdtempSync(path.join(work, "run-"));
  // Also when it is stopped from the keyboard: no profile is left behind.
  process.once("exit", () => rmSync(own, { recursive: true, force: true }));
  const progress = new Progress();
  progress.say("building the page");
  await buildPage(process.env);
  const results = {};
  let machine;
  try {
    for (const name of settings.parts) {
      progress.say(`${name}: starting`);
      results[name] = await onePart(name, settings, path.join(own, name), progress, (browser) => {
        machine ??= describe(browser, settings);
      });
    }
  } finally {
    progress.end();
  }
  if (settings.json) writeFileSync(settings.json, `${JSON.stringify({ machine, parts: results }, null, 2)}\n`);
  if (settings.smoke) console.log(`\n${settings.parts.length} passed, 0 failed`);
}

/** Every part gets a fresh profile, a fresh server and a fresh page, and prints when it is done. */
async function onePart(name, settings, work, progress, tellMachine) {
  const part = PARTS[name];
  mkdirSync(work, { recursive: true });
  const ends = [];
  try {
    const server = part.server ? await startServer(path.join(work, "server"), process.env) : undefined;
    if (server) ends.push(() => server.stop());
    const front = await Front.start({ sink: path.join(work, "sink"), backend: server });
    ends.push(() => front.close());
    const say = (text) => progress.say(text);
    const browser = await startBrowser({ which: settings.browser, profile: path.join(work, "profile"), origin: front.origin, say });
    ends.push(() => browser.close());
    const { print, ...result } = await part.run({ browser, front, server, settings });
    progress.end();
    tellMachine(browser.name);
    console.log(`\n${name}: ${result.about}`);
    print(result);
    return result;
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

function describe(browser, settings) {
  const [{ model }] = cpus();
  const machine = { date: new Date().toISOString().slice(0, 10), cores: cpus().length, cpu: model, browser, node: process.version, load };
  console.log(`\n${machine.date}   ${machine.cores} cores, ${machine.cpu.trim()}   ${machine.browser}   node ${machine.node}   load ${load.toFixed(1)}`);
  if (settings.smoke) console.log("smoke run: the counts are too small for the figures to mean anything");
  return machine;
}
