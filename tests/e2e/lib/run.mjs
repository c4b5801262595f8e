// What every script here shares: a work directory, a count of checks, a list of things to undo, and waiting for a
// condition instead of sleeping. A script calls `main(name, body)`; its last line is `N passed, N failed`.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const undo = [];
let passed = 0;
let failed = 0;

/** Where profiles, data directories and logs go. Kept after the run: the canary reads them. */
export const workDir = (() => {
  const given = process.env.HOLDFAST_WORK;
  if (given) mkdirSync(given, { recursive: true });
  return given ?? mkdtempSync(join(tmpdir(), "holdfast-e2e-"));
})();

/** A directory of its own under the work directory. */
export function workPath(...parts) {
  const path = join(workDir, ...parts);
  mkdirSync(path, { recursive: true });
  return path;
}

/** A setting that must be in the environment, with what to do when it is not. */
export function need(name, hint) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: ${hint}`);
  return value;
}

/** Remembers how to undo something. Undone in reverse order, whatever happens. */
export function onEnd(what, fn) {
  undo.push({ what, fn });
}

/** One check: the name of what is claimed, and a body that throws when it is not so. */
export async function check(name, body) {
  const started = Date.now();
  try {
    const note = await body();
    passed += 1;
    console.log(`ok   ${name}${typeof note === "string" ? `: ${note}` : ""} (${seconds(Date.now() - started)})`);
    return true;
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${String(error?.message ?? error).replace(/\u001b\[\d+m/g, "")} (${seconds(Date.now() - started)})`);
    if (process.env.HOLDFAST_TRACE) console.log(error?.stack);
    return false;
  }
}

/** A figure for the reader; nothing is asserted. */
export function figure(name, value) {
  console.log(`     ${name}: ${value}`);
}

export function assert(condition, message) {
  if (!condition) throw new Error(message);
}

export function assertEqual(actual, expected, message) {
  const a = JSON.stringify(actual);
  const e = JSON.stringify(expected);
  if (a !== e) throw new Error(`${message}: expected ${e}, got ${a}`);
}

/**
 * How long anything is waited for before it counts as missing. Far longer than it takes: a busy machine is no failure.
 * Shorter than Chromium's back-off after a sync in vain (300 s), so what only came by that is found missing.
 */
export const LIMIT_MS = 120_000;

export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks `probe` again and again until it returns something truthy, which is returned. A probe that throws counts as
 * "not yet"; its last error is part of the message when the time is over.
 */
export async function until(what, probe, { timeout_ms = LIMIT_MS, every_ms = 100 } = {}) {
  const end = Date.now() + timeout_ms;
  let last = "";
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = `last answer ${JSON.stringify(value)}`;
    } catch (error) {
      last = `last error ${String(error?.message ?? error).split("\n")[0]}`;
    }
    if (Date.now() >= end) throw new Error(`not within ${seconds(timeout_ms)}: ${what} (${last})`);
    await sleep(every_ms);
  }
}

/** Runs a program and returns what it printed; throws with its stderr. */
export function sh(program, ...args) {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/**
 * Is any thread of this process still there? A killed process is a zombie while its other threads still hold its files and
 * locks; only a zombie with nothing but itself is dead.
 */
export function alive(pid) {
  try {
    const isZombie = /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    return !isZombie || readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

async function undoAll() {
  while (undo.length > 0) {
    const { what, fn } = undo.pop();
    try {
      await fn();
    } catch (error) {
      console.log(`     could not clean up ${what}: ${error?.message ?? error}`);
    }
  }
}

/** Runs a script's body, cleans up, prints the count and ends the process with 0 only when all passed. */
export async function main(name, body) {
  const stop = async (signal) => {
    console.log(`     ${signal}: cleaning up`);
    await undoAll();
    process.exit(130);
  };
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGTERM", () => stop("SIGTERM"));
  console.log(`${name}: work directory ${workDir}`);
  try {
    await body();
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name} could not go on: ${error?.stack ?? error}`);
  }
  await undoAll();
  if (passed === 0) failed += 1;
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
