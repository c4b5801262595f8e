// What a byte search alone would not see: LevelDB tables and logs (Snappy, records cut at block borders), values that
// Chromium compresses inside IndexedDB, gzip, brotli and deflate. Best effort: what cannot be unpacked is skipped.

import { brotliDecompressSync, inflateRawSync } from "node:zlib";

const OUTPUT_MAX = 64 << 20;
const ATTEMPTS_MAX = 2_000;
const limits = { maxOutputLength: OUTPUT_MAX, finishFlush: 2 };

/** Every unpacked view of a file that could be made: `[{how, bytes}]`. */
export function unpack(path, bytes) {
  const views = [];
  const add = (how, make) => {
    try {
      const out = make();
      if (out && out.length > 0) views.push({ how, bytes: out });
    } catch {
      // Not of that kind.
    }
  };
  if (/\.(ldb|sst)$/.test(path)) add("a LevelDB table", () => levelDbTable(bytes));
  if (/\.log$|MANIFEST-/.test(path)) add("a LevelDB log", () => levelDbLog(bytes));
  if (/\.br$/.test(path)) add("brotli", () => brotliDecompressSync(bytes, { maxOutputLength: OUTPUT_MAX }));
  const inside = [{ how: "", bytes }, ...views];
  for (const { how, bytes: from } of inside) {
    for (const at of find(from, Buffer.from([0xff, 0x11, 0x02]))) {
      add(`${how} a compressed IndexedDB value`.trim(), () => snappy(from.subarray(at + 3)));
    }
    for (const at of find(from, Buffer.from([0x1f, 0x8b, 0x08]))) {
      add(`${how} gzip`.trim(), () => inflateRawSync(from.subarray(afterGzipHeader(from, at)), limits));
    }
    for (const at of find(from, Buffer.from("PK\u0003\u0004"))) add(`${how} zip`.trim(), () => zipEntry(from, at));
    for (const second of [0x01, 0x5e, 0x9c, 0xda]) {
      for (const at of find(from, Buffer.from([0x78, second]))) {
        add(`${how} deflate`.trim(), () => inflateRawSync(from.subarray(at + 2), limits));
      }
    }
  }
  return views;
}

function* find(bytes, needle) {
  let at = bytes.indexOf(needle);
  for (let n = 0; at !== -1 && n < ATTEMPTS_MAX; n += 1) {
    yield at;
    at = bytes.indexOf(needle, at + 1);
  }
}

/** RFC 1952: ten bytes, then what the flags announce. Node's own gunzip refuses anything that follows the data. */
function afterGzipHeader(bytes, start) {
  const flags = bytes[start + 3];
  let at = start + 10;
  if (flags & 4) at += 2 + bytes.readUInt16LE(at);
  if (flags & 8) at = bytes.indexOf(0, at) + 1;
  if (flags & 16) at = bytes.indexOf(0, at) + 1;
  return flags & 2 ? at + 2 : at;
}

function zipEntry(bytes, at) {
  if (bytes.readUInt16LE(at + 8) !== 8) return null;
  const start = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
  return inflateRawSync(bytes.subarray(start), limits);
}

/** All data blocks of a table, unpacked and joined (LevelDB table format: the footer names the index block). */
function levelDbTable(bytes) {
  const footer = { at: bytes.length - 48 };
  varint(bytes, footer), varint(bytes, footer);
  const index = block(bytes, varint(bytes, footer), varint(bytes, footer));
  const blocks = [index];
  for (const handle of blockValues(index)) {
    const cursor = { at: 0 };
    blocks.push(block(bytes.subarray(0), ...[varint(handle, cursor), varint(handle, cursor)]));
  }
  // Keys share prefixes within a block, values do not: values are whole in the joined bytes.
  return Buffer.concat(blocks);
}

function block(bytes, offset, size) {
  const content = bytes.subarray(offset, offset + size);
  return bytes[offset + size] === 1 ? snappy(content) : content;
}

function* blockValues(content) {
  const restarts = content.readUInt32LE(content.length - 4);
  const end = content.length - 4 * (restarts + 1);
  const cursor = { at: 0 };
  while (cursor.at < end) {
    varint(content, cursor);
    const keyRest = varint(content, cursor);
    const valueSize = varint(content, cursor);
    cursor.at += keyRest;
    yield content.subarray(cursor.at, cursor.at + valueSize);
    cursor.at += valueSize;
  }
}

/** A log's records without the seven-byte headers that cut them at 32 KiB. */
function levelDbLog(bytes) {
  const parts = [];
  for (let start = 0; start < bytes.length; start += 32_768) {
    let at = start;
    const end = Math.min(start + 32_768, bytes.length);
    while (at + 7 <= end) {
      const size = bytes.readUInt16LE(at + 4);
      const type = bytes[at + 6];
      if (type < 1 || type > 4 || at + 7 + size > end) break;
      parts.push(bytes.subarray(at + 7, at + 7 + size));
      at += 7 + size;
    }
  }
  return Buffer.concat(parts);
}

/** Raw Snappy (google/snappy format_description.txt). Returns what it has when the input breaks off. */
export function snappy(bytes) {
  const cursor = { at: 0 };
  const size = varint(bytes, cursor);
  if (size === 0 || size > OUTPUT_MAX) throw new Error("not Snappy");
  const out = Buffer.alloc(size);
  let to = 0;
  while (cursor.at < bytes.length && to < size) {
    const tag = bytes[cursor.at];
    cursor.at += 1;
    if ((tag & 3) === 0) {
      let length = tag >> 2;
      if (length >= 60) {
        const wide = length - 59;
        length = bytes.readUIntLE(cursor.at, wide);
        cursor.at += wide;
      }
      length += 1;
      if (to + length > size) break;
      bytes.copy(out, to, cursor.at, cursor.at + length);
      cursor.at += length;
      to += length;
      continue;
    }
    const { length, offset } = copyOf(tag, bytes, cursor);
    if (offset === 0 || offset > to || to + length > size) break;
    for (let i = 0; i < length; i += 1) out[to + i] = out[to + i - offset];
    to += length;
  }
  return out.subarray(0, to);
}

function copyOf(tag, bytes, cursor) {
  const kind = tag & 3;
  if (kind === 1) {
    const low = bytes[cursor.at];
    cursor.at += 1;
    return { length: ((tag >> 2) & 7) + 4, offset: ((tag >> 5) << 8) | low };
  }
  const wide = kind === 2 ? 2 : 4;
  const offset = bytes.readUIntLE(cursor.at, wide);
  cursor.at += wide;
  return { length: (tag >> 2) + 1, offset };
}

function varint(bytes, cursor) {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[cursor.at];
    cursor.at += 1;
    if (byte === undefined) throw new Error("broken off");
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
  throw new Error("too long");
}
