// No test card number may lie on any disk: searches every file under the directories given (or HOLDFAST_WORK_ALL) for
// every number the tests type, in every form of lib/needles.mjs, also inside databases and compressed data. The
// simulator's memory is exempt, as it is not on disk. First the search itself is tested: planted numbers must be found.

import { lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { VISA, track2 } from "./lib/cards.mjs";
import { makeNeedles } from "./lib/needles.mjs";
import { assert, assertEqual, check, figure, main, onEnd } from "./lib/run.mjs";
import { unpack } from "./lib/unpack.mjs";

const needles = makeNeedles();

main("canary", async () => {
  const given = process.argv.slice(2);
  const dirs = given.length > 0 ? given : [process.env.HOLDFAST_WORK_ALL].filter(Boolean);
  await selfCheck();
  await check("there is something to search", () => {
    assert(dirs.length > 0, "name directories, or set HOLDFAST_WORK_ALL");
    const empty = dirs.filter((dir) => filesUnder(dir).length === 0);
    assert(empty.length === 0, `no file under ${empty.join(", ")}: run the other parts first`);
  });
  for (const dir of dirs) await scan(dir);
});

async function scan(dir) {
  const files = filesUnder(dir);
  const groups = groupBy(files, (path) => relative(dir, path).split("/")[0]);
  for (const [group, paths] of groups) {
    await check(`no card number under ${group}`, () => {
      let bytes = 0;
      const found = [];
      for (const path of paths) {
        const content = read(path);
        bytes += content.length;
        found.push(...search(path, content).map((what) => `${relative(dir, path)}: ${what}`));
      }
      assert(found.length === 0, `${found.length} found\n       ${found.slice(0, 20).join("\n       ")}`);
      return `${paths.length} files, ${(bytes / (1 << 20)).toFixed(1)} MiB`;
    });
  }
}

/** What of a card is in this file, as `…4242 as base64 at byte 17 of gzip`; never the number itself. */
function search(path, content) {
  const views = [{ how: "the file", bytes: content }, ...unpack(path, content)];
  const found = [];
  for (const { how, bytes } of views) {
    for (const needle of needles) {
      const at = bytes.indexOf(needle.bytes);
      if (at !== -1) found.push(`${needle.pan} as ${needle.form} at byte ${at} of ${how}`);
    }
  }
  return found;
}

function filesUnder(dir) {
  const out = [];
  const todo = [dir];
  while (todo.length > 0) {
    const path = todo.pop();
    let kind;
    try {
      kind = lstatSync(path);
    } catch {
      continue;
    }
    if (kind.isDirectory()) todo.push(...readdirSync(path).map((name) => join(path, name)));
    else if (kind.isFile() && kind.size > 0) out.push(path);
  }
  return out;
}

function read(path) {
  try {
    return readFileSync(path);
  } catch {
    // It went away while we looked; or it is larger than a buffer, which nothing of ours is.
    return Buffer.alloc(0);
  }
}

function groupBy(items, key) {
  const map = new Map();
  for (const item of items) map.set(key(item), [...(map.get(key(item)) ?? []), item]);
  return map;
}

/** Plants a number in every form and every wrapping, and demands that each is found and that a clean file is clean. */
async function selfCheck() {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-canary-"));
  onEnd("the planted files", () => rmSync(dir, { recursive: true, force: true }));
  const found = (name, content) => {
    const path = join(dir, name);
    writeFileSync(path, content);
    return search(path, read(path)).length > 0;
  };
  const noise = Buffer.from("the quick brown fox ".repeat(50));
  await check("the search finds a planted number in every form", () => {
    const missed = needles.filter((n, i) => !found(`form-${i}`, Buffer.concat([noise, n.bytes, noise])));
    assertEqual(missed.map((n) => `${n.pan} ${n.form}`), [], "missed");
    const encodings = ["", "x", "xy"].map((before) => Buffer.from(`${before}${track2(VISA)}`).toString("base64url"));
    assert(encodings.every((text, i) => found(`b64-${i}`, text)), "base64 at one of three alignments");
    return `${needles.length} forms`;
  });
  await check("the search sees through compression and databases", () => {
    const plain = Buffer.concat([noise, Buffer.from(track2(VISA)), noise]);
    const planted = {
      "a.gz": gzipSync(plain),
      "embedded.bin": Buffer.concat([noise, gzipSync(plain), noise]),
      "b.br": brotliCompressSync(plain),
      "c.bin": Buffer.concat([noise, deflateSync(plain)]),
      "000005.ldb": table(plain),
      "000003.log": logAcrossBlocks(VISA),
      "value.bin": Buffer.concat([noise, Buffer.from([0xff, 0x11, 0x02]), brokenSnappy(VISA)]),
    };
    const missed = Object.entries(planted).filter(([name, content]) => !found(name, content));
    assertEqual(missed.map(([name]) => name), [], "missed");
  });
  await check("the search finds nothing where nothing is", () => {
    assert(!found("clean.bin", Buffer.concat([noise, Buffer.from("4242"), noise, gzipSync(noise)])), "a false alarm");
  });
  figure("forms searched for", needles.length);
}

/** A number that Snappy cuts in the middle, so that a plain search cannot see it: eight digits, then a copy of them. */
function brokenSnappy(pan) {
  return Buffer.concat([Buffer.from([16, 7 << 2]), Buffer.from(pan.slice(0, 8)), Buffer.from([0b00010001, 8])]);
}

/** A LevelDB table of one Snappy block, as small as it can be. */
function table() {
  const value = brokenSnappy(VISA);
  // A block: shared 0, key length 1, value length 16, then the restart array; here the value is what Snappy makes of it.
  const data = Buffer.concat([value, Buffer.from([1, 0, 0, 0, 0])]);
  const handle = Buffer.from([0, value.length]);
  const entry = Buffer.concat([Buffer.from([0, 1, handle.length]), Buffer.from("k"), handle]);
  const index = Buffer.concat([entry, Buffer.from([0, 0, 0, 0, 1, 0, 0, 0])]);
  const footer = Buffer.alloc(48);
  footer.set([0, 0, data.length, index.length]);
  return Buffer.concat([data, index, Buffer.from([0, 0, 0, 0, 0]), footer]);
}

/** A log in which a block's border cuts the number. */
function logAcrossBlocks(pan) {
  const header = (size, type) => Buffer.from([0, 0, 0, 0, size & 255, size >> 8, type]);
  const first = Buffer.concat([Buffer.alloc(32_768 - 7 - 8, 0x61), Buffer.from(pan.slice(0, 8))]);
  return Buffer.concat([header(first.length, 2), first, header(8, 4), Buffer.from(pan.slice(8))]);
}
