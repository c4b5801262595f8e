// The real server in demo mode, on fresh data.

import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";

const HOST = "127.0.0.1";
const START_MS_MAX = 60_000;

export async function startServer(work, env) {
  const [bin, keys, app] = ["HOLDFAST_SERVER_BIN", "HOLDFAST_ROOT_DIR", "HOLDFAST_DIST"].map((name) => {
    if (!env[name]) throw new Error(`${name} is not set: \`cargo xtask bench\` builds server and till and says where they are`);
    return env[name];
  });
  mkdirSync(work, { recursive: true });
  const log = path.join(work, "server.log");
  const port = await freePort();
  const args = ["serve", "--demo", "--app", app, "--data", path.join(work, "data"), "--host", HOST, "--port", `${port}`, "--root-keys", keys];
  const output = openSync(log, "a");
  const child = spawn(bin, args, { stdio: ["ignore", output, output] });
  process.once("exit", () => child.kill("SIGKILL"));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  try {
    await healthy(child, port, log);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host: HOST, port, roots: readFileSync(path.join(keys, "root.public.json"), "utf8"), stop };
}

async function healthy(child, port, log) {
  const until = Date.now() + START_MS_MAX;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${readFileSync(log, "utf8").slice(-2_000)}`);
    const answer = await fetch(`http://${HOST}:${port}/healthz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the server did not become healthy");
}

/** A port that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, HOST, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
