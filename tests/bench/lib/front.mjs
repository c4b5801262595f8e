// The bench's own server, one origin for everything the page needs:
//
//   /                 the page; /pkg/… its script and WebAssembly; /journal.js the till's own
//   POST /sink        stores a body durably (append, fdatasync) and answers 204: the peers' server
//   /api /demo        handed on to `holdfast serve --demo`
//
// In front of it stands a line that can be slow: a TCP proxy that holds every byte back for a while in each direction, as a mobile
// network does. It models round trips, not bandwidth, loss or TCP's slow start.

import { createReadStream, existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer, request, Agent } from "node:http";
import net from "node:net";
import path from "node:path";
import { JOURNAL, PKG } from "./build.mjs";

const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html; charset=utf-8" };

/** Isolation gives the page a clock of 5 µs instead of 100 µs. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cache-control": "no-store",
};

const PAGE = '<!doctype html><meta charset="utf-8"><title>Holdfast bench</title><script type="module" src="/pkg/page.js"></script>';

export class Front {
  /** Requests and bytes of their bodies by what they were for, since the last `reset`. */
  #counts = new Map();
  #bytes = new Map();
  #agent = new Agent({ keepAlive: true });
  #sink;
  #backend;
  #delay_ms = 0;
  #closers = [];

  /** `sink`: the file that /sink appends to. `backend`: host and port of the real server, if a part needs it. */
  static async start({ sink, backend }) {
    const front = new Front();
    front.#sink = await open(sink, "a");
    front.#backend = backend;
    const http = createServer((req, res) => front.#serve(req, res));
    http.keepAliveTimeout = 60_000;
    const inner = await listen(http);
    const line = net.createServer({ noDelay: true }, (socket) => front.#connect(socket, inner));
    const outer = await listen(line);
    front.origin = `http://localhost:${outer}`;
    front.#closers = [line, http];
    return front;
  }

  delay(ms) {
    this.#delay_ms = ms;
  }

  reset() {
    this.#counts.clear();
    this.#bytes.clear();
  }

  count(name) {
    return this.#counts.get(name) ?? 0;
  }

  bytes(name) {
    return this.#bytes.get(name) ?? 0;
  }

  total() {
    return [...this.#counts.values()].reduce((a, b) => a + b, 0);
  }

  async close() {
    for (const server of this.#closers) server.close();
    this.#closers[1]?.closeAllConnections();
    this.#agent.destroy();
    await this.#sink.close();
  }

  #connect(browser, inner) {
    const server = net.connect({ port: inner, host: "127.0.0.1", noDelay: true });
    for (const [from, to] of [[browser, server], [server, browser]]) {
      // Timers of one length fire in the order they were set, so bytes stay in order.
      from.on("data", (chunk) => this.#later(() => to.writable && to.write(chunk)));
      from.on("end", () => this.#later(() => to.end()));
      from.on("error", () => to.destroy());
      from.on("close", () => this.#later(() => to.destroy()));
    }
  }

  #later(act) {
    if (this.#delay_ms === 0) act();
    else setTimeout(act, this.#delay_ms);
  }

  #serve(req, res) {
    const { pathname } = new URL(req.url, "http://front");
    const name = `${req.method} ${pathname}`;
    this.#counts.set(name, this.count(name) + 1);
    this.#bytes.set(name, this.bytes(name) + Number(req.headers["content-length"] ?? 0));
    if (name === "POST /sink") return this.#store(req, res);
    if (/^\/(api|demo)\//.test(pathname)) return this.#proxy(req, res);
    if (pathname === "/") return res.writeHead(200, { ...ISOLATED, "content-type": TYPES[".html"] }).end(PAGE);
    const file = pathname === "/journal.js" ? JOURNAL : path.join(PKG, path.normalize(pathname.replace(/^\/pkg\//, "/")));
    if (!(file === JOURNAL || file.startsWith(PKG + path.sep)) || !existsSync(file)) return res.writeHead(404, ISOLATED).end();
    res.writeHead(200, { ...ISOLATED, "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(res);
  }

  async #store(req, res) {
    const parts = [];
    for await (const part of req) parts.push(part);
    await this.#sink.appendFile(Buffer.concat([...parts, Buffer.from("\n")]));
    await this.#sink.datasync();
    res.writeHead(204).end();
  }

  #proxy(req, res) {
    const { host, port } = this.#backend;
    const headers = { ...req.headers, host: `${host}:${port}` };
    const onward = request({ host, port, method: req.method, path: req.url, headers, agent: this.#agent }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    onward.on("error", () => res.headersSent ? res.destroy() : res.writeHead(502).end());
    req.pipe(onward);
  }
}

function listen(server) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server.address().port));
  });
}
