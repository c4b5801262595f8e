// The real server, on the host's end of the cable: start, kill -9, start again on the same data; and its demo addresses,
// which the tests ask from the host's side, whatever the state of the tablet's link.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { need, onEnd, sh, until, workPath } from "./run.mjs";

/** Starts the server and waits until it is healthy. `data` survives `kill` and `restart`. `dist`: another copy of the till. */
export async function startServer({ host = "127.0.0.1", port, name = "server", dist: otherDist } = {}) {
  const bin = need("HOLDFAST_SERVER_BIN", "build it with `cargo build -p holdfast-server`");
  const dist = otherDist ?? need("HOLDFAST_DIST", "build the app with `trunk build`; the directory is dist");
  const keys = need("HOLDFAST_ROOT_DIR", "make it with `holdfast root make --dir DIR`, before the app is built");
  const data = workPath(name, "data");
  const listen = port ?? (await freePort(host));
  const origin = `http://${host}:${listen}`;
  let child;

  const server = {
    origin,
    host,
    port: listen,
    data,
    get pid() {
      return child?.pid;
    },
    async start() {
      const log = openSync(join(workPath(name), "server.log"), "a");
      const args = ["serve", "--demo", "--app", dist, "--data", data, "--host", host, "--port", String(listen), "--root-keys", keys];
      child = spawn(bin, args, { stdio: ["ignore", log, log] });
      const mine = child;
      await until("the server is healthy", async () => {
        if (mine.exitCode !== null) throw new Error(`the server ended with ${mine.exitCode}; see ${name}/server.log`);
        return (await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(5_000) })).ok;
      });
    },
    /** kill -9: nothing gets to write a last byte. */
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      // Not before it was waited for: until then it may still hold the lock of its data directory.
      await ended;
    },
    async restart() {
      await server.kill();
      await server.start();
    },
    /** A request from the host's side; the body of an answer that is not 2xx is part of the error. */
    async ask(path, options = {}) {
      const answer = await fetch(origin + path, { signal: AbortSignal.timeout(60_000), ...options });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${options.method ?? "GET"} ${path} answered ${answer.status}: ${text.slice(0, 200)}`);
      return text === "" ? null : JSON.parse(text);
    },
    ledger: () => server.ask("/demo/acquirer/ledger"),
    /** Says what the acquirer answers next, in order, and always (null: the test card decides). */
    script: (next = [], always = null) =>
      server.ask("/demo/acquirer/script", {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ next, always }),
      }),
    enrolmentCode: async () => (await server.ask("/demo/enrolment-code")).code,
  };
  onEnd(`server ${name}`, () => server.kill());
  await server.start();
  return server;
}

/** Money that moved, by payment: how many captures, and of what amount. */
export async function captures(server) {
  const { entries, captures_per_reference } = await server.ledger();
  const amounts = new Map();
  for (const e of entries) {
    if (e.kind !== "capture" || e.result !== "approved") continue;
    amounts.set(e.reference, [...(amounts.get(e.reference) ?? []), e.amount_minor]);
  }
  return { counts: new Map(Object.entries(captures_per_reference)), amounts, entries };
}

/** A port that is free now. */
export function freePort(host = "127.0.0.1") {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, host, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Makes root keys in a directory with the server's own command. */
export function makeRootKeys(dir) {
  sh(need("HOLDFAST_SERVER_BIN", "build it with `cargo build -p holdfast-server`"), "root", "make", "--dir", dir);
}
