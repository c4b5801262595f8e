// A network of our own: a namespace for the browser and a veth pair to the host, so that "the link is down" is the
// kernel's doing and not an emulation. Needs root. Names are unique to this process; the addresses are a free /30.

import { readFileSync } from "node:fs";
import { onEnd, sh } from "./run.mjs";

let count = 0;

/** Makes the namespace and both ends. `hostIp` is where the server listens, `ns` is where Chromium runs. */
export function makeNetwork() {
  count += 1;
  const tag = `${process.pid.toString(36)}${count}`;
  const ns = `hf-${tag}`;
  const hostIf = `hfh${tag}`;
  const nsIf = `hfn${tag}`;
  const { hostIp, nsIp } = freePair();

  sh("ip", "netns", "add", ns);
  onEnd(`namespace ${ns}`, () => {
    // Only processes inside our own namespace, each by its id.
    for (const pid of sh("ip", "netns", "pids", ns).split("\n").filter(Boolean)) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
    // Deleting one end of a veth pair deletes both; the namespace alone would free it late.
    sh("ip", "link", "del", hostIf);
    sh("ip", "netns", "del", ns);
  });
  sh("ip", "link", "add", hostIf, "type", "veth", "peer", "name", nsIf, "netns", ns);
  sh("ip", "addr", "add", `${hostIp}/30`, "dev", hostIf);
  sh("ip", "link", "set", hostIf, "up");
  sh("ip", "-n", ns, "addr", "add", `${nsIp}/30`, "dev", nsIf);
  sh("ip", "-n", ns, "link", "set", "lo", "up");

  const network = {
    ns,
    hostIp,
    nsIp,
    /** Takes the browser's end down: its kernel says so, as when a cable is pulled. */
    linkDown() {
      sh("ip", "-n", ns, "link", "set", nsIf, "down");
    },
    /** Brings it up again. The default route vanished with the link, and Chromium calls itself offline without one. */
    linkUp() {
      sh("ip", "-n", ns, "link", "set", nsIf, "up");
      sh("ip", "-n", ns, "route", "replace", "default", "via", hostIp);
    },
    /**
     * The treacherous outage: the link stays up, the browser believes itself online, what it sends still arrives, and every
     * answer vanishes.
     */
    loseAnswers() {
      sh("ip", "route", "replace", "blackhole", `${nsIp}/32`);
    },
    /** Lets answers through again. */
    answer() {
      sh("ip", "route", "del", "blackhole", `${nsIp}/32`);
    },
  };
  onEnd(`blackhole of ${nsIp}`, () => {
    if (sh("ip", "route", "show", "type", "blackhole").includes(nsIp)) network.answer();
  });
  network.linkUp();
  return network;
}

/** A /30 in 10.0.0.0/8 that no route of this machine covers. */
function freePair() {
  const taken = routes();
  for (let i = 0; i < 1000; i += 1) {
    const base = (10 << 24) | (Math.floor(Math.random() * 0x3fffff) << 2);
    const inUse = taken.some(({ net, mask }) => (base & mask) === (net & mask));
    if (!inUse) return { hostIp: dotted(base + 1), nsIp: dotted(base + 2) };
  }
  throw new Error("no free /30 in 10.0.0.0/8: the machine's routes cover all of it");
}

function routes() {
  // /proc/net/route: little-endian hex; the default route (mask 0) covers everything and is not a conflict.
  return readFileSync("/proc/net/route", "utf8")
    .split("\n")
    .slice(1)
    .filter(Boolean)
    .map((line) => line.split("\t"))
    .map((f) => ({ net: swap(f[1]), mask: swap(f[7]) }))
    .filter(({ mask }) => mask !== 0);
}

const swap = (hex) => parseInt(hex.match(/../g).reverse().join(""), 16) | 0;
const dotted = (n) => [24, 16, 8, 0].map((s) => (n >>> s) & 255).join(".");
