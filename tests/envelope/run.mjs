// Interoperability of the card envelope with npm jose, both ways, and what each side refuses.
//
//   node run.mjs        prints a line per check and finally "N passed, N failed"
//
// Environment: CARGO_TARGET_DIR as cargo reads it; HOLDFAST_TOOLS, a directory with wasm-bindgen, looked at before PATH.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import * as jose from "jose";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");

const KID = "card-2026-11-23";
const HEADER_MEMBERS = ["alg", "enc", "kid", "pos"];
const PLAINTEXT_BYTES = 512;
const POS = {
  v: 1,
  mid: "7f0c2f7e-4f63-4b7e-9a77-0d2f5ad1a001",
  did: "7f0c2f7e-4f63-4b7e-9a77-0d2f5ad1d001",
  pid: "0193573e-8f00-7000-8000-000000000001",
  seq: 12,
  amt: 1060,
  cur: "EUR",
  ksv: 7,
};
const KEYED = { pan: "4222222222222", exp: "2812", entry: "keyed" };
const SWIPED = {
  pan: "6212345678901234569",
  exp: "2812",
  track2: "6212345678901234569=28122011234567890",
  name: 'VAN "DER\\BERG/JÖRG ALEXANDER',
  entry: "swipe",
};

let passed = 0;
let failed = 0;

await main();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

async function main() {
  const target = buildWasm();
  const till = createRequire(import.meta.url)(path.join(here, "pkg", "holdfast_envelope_wasm.js"));
  const keys = await makeKeys();
  const seal = (card, pos = POS) =>
    till.seal(KID, keys.jwk.n, keys.jwk.e, JSON.stringify(pos), card.pan, card.exp, card.track2, card.name);

  await joseOpensOurs(seal, keys);
  await joseRefusesOursWhenChanged(seal, keys);
  await tillRefuses(till, keys);
  await ourOpenerOpensTheirs(opener(target, keys), keys);
}

async function joseOpensOurs(seal, keys) {
  for (const card of [KEYED, SWIPED]) {
    await check(`jose opens a ${card.entry} card that the till's WebAssembly sealed`, async () => {
      const { plaintext, protectedHeader } = await decrypt(seal(card), keys);
      same(protectedHeader, { alg: "RSA-OAEP-256", enc: "A256GCM", kid: KID, pos: POS });
      same(Object.keys(protectedHeader), HEADER_MEMBERS);
      const text = new TextDecoder().decode(plaintext);
      same(plaintext.length, PLAINTEXT_BYTES);
      same(JSON.parse(text), { ...card, amt: POS.amt, cur: POS.cur, pid: POS.pid });
      same(text.trimEnd().at(-1), "}");
    });
  }
  await check("the header as sent is the additional authenticated data", async () => {
    const [header, encryptedKey, iv, ciphertext, tag] = seal(KEYED).split(".");
    const contentKey = await unwrap(encryptedKey, keys);
    const data = Buffer.concat([bytes(ciphertext), bytes(tag)]);
    const open = (aad) =>
      crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(iv), additionalData: Buffer.from(aad), tagLength: 128 }, contentKey, data);
    same((await open(header)).byteLength, PLAINTEXT_BYTES);
    await refused(() => open(header.slice(1)));
    await refused(() => open(""));
  });
  await check("the lengths of a short keyed and a long swiped card are equal", () => {
    same(lengths(seal(KEYED)), lengths(seal(SWIPED)));
  });
  await check("200 envelopes have 200 encrypted keys and 200 initialisation vectors", () => {
    const parts = Array.from({ length: 200 }, () => seal(KEYED).split("."));
    for (const part of [1, 2, 3, 4]) same(new Set(parts.map((envelope) => envelope[part])).size, 200);
  });
}

async function joseRefusesOursWhenChanged(seal, keys) {
  const parts = seal(SWIPED).split(".");
  const names = ["header", "encrypted key", "initialisation vector", "ciphertext", "tag"];
  for (const [part, name] of names.entries()) {
    await check(`jose refuses one flipped bit in every byte of the ${name}`, async () => {
      const original = bytes(parts[part]);
      for (let index = 0; index < original.length; index++) {
        const changed = Buffer.from(original);
        changed[index] ^= 1 << index % 8;
        const envelope = parts.with(part, changed.toString("base64url")).join(".");
        await refused(() => decrypt(envelope, keys), `byte ${index}`);
      }
    });
  }
  await check("jose refuses another private key", async () => {
    const other = await makeKeys();
    await refused(() => decrypt(parts.join("."), other));
  });
}

async function tillRefuses(till, keys) {
  const small = await makeKeys(2048);
  const attempts = {
    "an amount of 0": [KID, keys.jwk.n, keys.jwk.e, { ...POS, amt: 0 }, KEYED.pan, KEYED.exp],
    "a currency that is none": [KID, keys.jwk.n, keys.jwk.e, { ...POS, cur: "eur" }, KEYED.pan, KEYED.exp],
    "a member that pos does not have": [KID, keys.jwk.n, keys.jwk.e, { ...POS, tip: 1 }, KEYED.pan, KEYED.exp],
    "an RSA-2048 key": [KID, small.jwk.n, small.jwk.e, POS, KEYED.pan, KEYED.exp],
    "another exponent": [KID, keys.jwk.n, "Aw", POS, KEYED.pan, KEYED.exp],
    "a card number with spaces": [KID, keys.jwk.n, keys.jwk.e, POS, "4242 4242 4242 4242", KEYED.exp],
    "an expiry in month 13": [KID, keys.jwk.n, keys.jwk.e, POS, KEYED.pan, "2813"],
  };
  for (const [what, [kid, n, e, pos, pan, exp]] of Object.entries(attempts)) {
    await check(`the till does not seal ${what}`, () => refused(() => till.seal(kid, n, e, JSON.stringify(pos), pan, exp)));
  }
}

async function ourOpenerOpensTheirs(open, keys) {
  const header = { alg: "RSA-OAEP-256", enc: "A256GCM", kid: KID, pos: POS };
  const inside = (card, changes = {}) => ({ ...card, amt: POS.amt, cur: POS.cur, pid: POS.pid, ...changes });

  const good = [KEYED, SWIPED];
  const answers = open(await Promise.all(good.map((card) => theirs(header, inside(card), keys))));
  for (const [index, card] of good.entries()) {
    await check(`the server's opener opens a ${card.entry} card that jose sealed`, () => {
      same(answers[index], { track2: null, name: null, ...card, pos: POS });
    });
  }

  const cases = {
    "zip": { header: { ...header, zip: "DEF" }, error: "header" },
    "jku": { header: { ...header, jku: "https://example.com" }, error: "header" },
    "x5u": { header: { ...header, x5u: "https://example.com" }, error: "header" },
    "typ": { header: { ...header, typ: "JWE" }, error: "header" },
    "no kid": { header: { ...header, kid: undefined }, error: "header" },
    "no pos": { header: { ...header, pos: undefined }, error: "header" },
    "alg RSA-OAEP": { header: { ...header, alg: "RSA-OAEP" }, error: "header" },
    "alg RSA-OAEP-512": { header: { ...header, alg: "RSA-OAEP-512" }, error: "header" },
    "enc A128GCM": { header: { ...header, enc: "A128GCM" }, error: "header" },
    "enc A256CBC-HS512": { header: { ...header, enc: "A256CBC-HS512" }, error: "header" },
    "another amount inside": { inside: inside(KEYED, { amt: 1 }), error: "not sealed for this payment" },
    "another currency inside": { inside: inside(KEYED, { cur: "USD" }), error: "not sealed for this payment" },
    "another payment inside": { inside: inside(KEYED, { pid: "x" }), error: "not sealed for this payment" },
    "a verification value inside": { inside: inside(KEYED, { cvv: "123" }), error: "not sealed for this payment" },
    "no padding": { length: 0, error: "ciphertext" },
    "another key": { keys: await makeKeys(), error: "cannot be decrypted" },
  };
  const envelopes = await Promise.all(
    Object.values(cases).map((one) =>
      theirs(one.header ?? header, one.inside ?? inside(KEYED), one.keys ?? keys, one.length ?? PLAINTEXT_BYTES),
    ),
  );
  const refusals = open(envelopes);
  for (const [index, [name, { error }]] of Object.entries(cases).entries()) {
    await check(`the server's opener refuses an envelope of jose with ${name}`, () => {
      if (!refusals[index].error?.includes(error)) throw new Error(`it said ${JSON.stringify(refusals[index])}`);
    });
  }
}

/** An envelope made by jose; for a header that jose would not write, but a hostile sender could, by WebCrypto. */
async function theirs(header, inside, keys, length = PLAINTEXT_BYTES) {
  const json = Buffer.from(JSON.stringify(inside));
  const plaintext = Buffer.concat([json, Buffer.alloc(Math.max(0, length - json.length), " ")]);
  const known = new Set(["alg", "enc", "kid", "pos"]);
  const ordinary = Object.entries(header).every(([name, value]) => known.has(name) && value !== undefined);
  if (ordinary) {
    const publicKey = await jose.importJWK({ ...keys.jwk, alg: header.alg }, header.alg);
    return new jose.CompactEncrypt(plaintext).setProtectedHeader(header).encrypt(publicKey);
  }
  const protectedHeader = Buffer.from(JSON.stringify(header)).toString("base64url");
  const contentKey = crypto.getRandomValues(new Uint8Array(32));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const aes = await crypto.subtle.importKey("raw", contentKey, "AES-GCM", false, ["encrypt"]);
  const additionalData = Buffer.from(protectedHeader);
  const sealed = Buffer.from(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, aes, plaintext));
  const encryptedKey = await crypto.subtle.encrypt({ name: "RSA-OAEP" }, keys.publicKey, contentKey);
  const parts = [encryptedKey, iv, sealed.subarray(0, -16), sealed.subarray(-16)];
  return [protectedHeader, ...parts.map((part) => Buffer.from(part).toString("base64url"))].join(".");
}

async function makeKeys(modulusLength = 3072) {
  const { publicKey, privateKey } = await jose.generateKeyPair("RSA-OAEP-256", { modulusLength, extractable: true });
  const { n, e, kty } = await jose.exportJWK(publicKey);
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", privateKey)).toString("base64url");
  return { publicKey, privateKey, jwk: { kty, n, e }, pkcs8 };
}

function decrypt(envelope, keys) {
  return jose.compactDecrypt(envelope, keys.privateKey, {
    keyManagementAlgorithms: ["RSA-OAEP-256"],
    contentEncryptionAlgorithms: ["A256GCM"],
  });
}

async function unwrap(encryptedKey, keys) {
  const raw = await crypto.subtle.decrypt({ name: "RSA-OAEP" }, keys.privateKey, bytes(encryptedKey));
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
}

/** Builds the till's sealing code and its node bindings into ./pkg; returns cargo's target directory. */
function buildWasm() {
  const target = targetDirectory();
  cargo("build", "--quiet", "--package", "holdfast-envelope-wasm", "--target", "wasm32-unknown-unknown");
  const wasm = path.join(target, "wasm32-unknown-unknown", "debug", "holdfast_envelope_wasm.wasm");
  run(tool("wasm-bindgen"), ["--target", "nodejs", "--out-dir", path.join(here, "pkg"), wasm]);
  return target;
}

/** A function that has the server's opener answer a list of envelopes. */
function opener(target, keys) {
  cargo("build", "--quiet", "--package", "holdfast-crypto", "--features", "native", "--example", "open-jwe");
  const binary = path.join(target, "debug", "examples", "open-jwe");
  return (envelopes) => {
    const input = envelopes.map((jwe) => `${JSON.stringify({ pkcs8: keys.pkcs8, jwe })}\n`).join("");
    const answers = run(binary, [], { input }).trim().split("\n").map((line) => JSON.parse(line));
    same(answers.length, envelopes.length);
    return answers;
  };
}

function targetDirectory() {
  if (process.env.CARGO_TARGET_DIR) return path.resolve(root, process.env.CARGO_TARGET_DIR);
  return JSON.parse(cargo("metadata", "--format-version", "1", "--no-deps")).target_directory;
}

function tool(name) {
  const own = process.env.HOLDFAST_TOOLS && path.join(process.env.HOLDFAST_TOOLS, name);
  return own && existsSync(own) ? own : name;
}

function cargo(...args) {
  return run("cargo", args);
}

function run(program, args, options = {}) {
  return execFileSync(program, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["pipe", "pipe", "inherit"],
    ...options,
  });
}

async function check(name, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error.message}`);
  }
}

function same(actual, expected) {
  if (!isDeepStrictEqual(actual, expected)) throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

async function refused(body, what = "it") {
  try {
    await body();
  } catch {
    return;
  }
  throw new Error(`${what} was not refused`);
}

function bytes(text) {
  return Buffer.from(text, "base64url");
}

function lengths(envelope) {
  return envelope.split(".").map((part) => part.length);
}
