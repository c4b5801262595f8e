// An HTTP proxy between a browser and the real server. It is honest until a test gives it a `forge`: a function that gets
// every upload's body and answers in the server's stead. Everything else always passes.

import { request, createServer } from "node:http";
import { onEnd } from "./run.mjs";
import { freePort } from "./server.mjs";

const UPLOAD = "/api/v1/batches";
export const PORTAL = "<!doctype html><title>Welcome</title><h1>Log in to the hotel's network</h1>";

/** Starts a proxy to `server` on 127.0.0.1, which browsers take as secure. */
export async function startProxy(server) {
  const port = await freePort();
  const proxy = {
    origin: `http://127.0.0.1:${port}`,
    /** null, or `async ({body, forward}) => {status, type, body, cut}`; `forward()` asks the real server. */
    forge: null,
    /** A captive portal: HTML and 200 to everything. */
    portal: false,
    /** How many uploads came by, and the genuine acknowledgements that the real server gave for them. */
    uploads: 0,
    forged: 0,
    acks: [],
  };

  const listener = createServer((from, to) => {
    const chunks = [];
    from.on("data", (chunk) => chunks.push(chunk));
    from.on("end", () => handle(from, to, Buffer.concat(chunks)).catch(() => to.destroy()));
  });

  async function handle(from, to, body) {
    if (proxy.portal) return send(to, { status: 200, type: "text/html", body: PORTAL });
    const isUpload = from.method === "POST" && from.url === UPLOAD;
    if (!isUpload) return send(to, await forward(server, from, body));
    proxy.uploads += 1;
    const pass = async () => {
      const answer = await forward(server, from, body);
      if (answer.status === 200) proxy.acks.push(...JSON.parse(answer.body.toString("utf8")).acks);
      return answer;
    };
    if (!proxy.forge) return send(to, await pass());
    const forged = await proxy.forge({ body: JSON.parse(body.toString("utf8")), forward: pass });
    // Counted before it is sent: a test that waits for it looks at the device only afterwards.
    proxy.forged += 1;
    send(to, forged);
  }

  await new Promise((resolve) => listener.listen(port, "127.0.0.1", resolve));
  onEnd("the proxy", () => {
    listener.closeAllConnections();
    listener.close();
  });
  return proxy;
}

function forward(server, from, body) {
  return new Promise((resolve, reject) => {
    const options = { host: server.host, port: server.port, method: from.method, path: from.url, headers: from.headers };
    const onward = request(options, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
      answer.on("error", reject);
    });
    onward.on("error", reject);
    onward.end(body);
  });
}

/** `cut`: promise more bytes than are sent, then break the connection. */
function send(to, { status, type, headers, body = "", cut = false }) {
  const bytes = Buffer.from(body);
  const out = { ...headers, ...(type ? { "content-type": type } : {}) };
  delete out["transfer-encoding"];
  if (status !== 204) out["content-length"] = bytes.length + (cut ? 100 : 0);
  to.writeHead(status, out);
  if (!cut) return to.end(bytes);
  to.write(bytes, () => to.destroy());
}
