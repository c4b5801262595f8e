// Sealing one card: the till's WebAssembly, whole and with a content key wrapped ahead, and npm jose over WebCrypto. All make the
// same: a compact JWE, RSA-3072-OAEP-256 and A256GCM, with the same header over 512 bytes.

import { CompactEncrypt, compactDecrypt, exportJWK, generateKeyPair, importJWK } from "jose";
import { Sealer } from "/pkg/till.js";
import { inTurns } from "./turns.js";

const KID = "card-2026-11-23";
const POS = {
  v: 1,
  mid: "7f0c2f7e-4f63-4b7e-9a77-0d2f5ad1a001",
  did: "7f0c2f7e-4f63-4b7e-9a77-0d2f5ad1d001",
  pid: "0193573e-8f00-7000-8000-000000000001",
  amt: 1060,
  cur: "EUR",
  ksv: 7,
};
const CARD = { pan: "4242424242424242", exp: "3012", track2: "4242424242424242=30121011000012345678" };
const PLAINTEXT_BYTES = 512;

export async function seal({ rounds, batch, warmups }) {
  const { publicKey, privateKey } = await generateKeyPair("RSA-OAEP-256", { modulusLength: 3072, extractable: true });
  const { n, e } = await exportJWK(publicKey);
  const sealer = new Sealer(KID, n, e, CARD.pan, CARD.exp, CARD.track2, POS.mid, POS.did, POS.pid);
  const theirs = await joseSealer(n, e);

  const contenders = {
    whole: () => timed(batch, () => sealer.seal_whole()),
    ahead: () => {
      for (let i = 0; i < batch; i++) sealer.wrap();
      return timed(batch, () => sealer.seal_ahead());
    },
    jose: () => timed(batch, theirs),
  };
  await sameWork({ whole: () => sealer.seal_whole(), ahead: () => (sealer.wrap(), sealer.seal_ahead()), jose: theirs }, privateKey);
  return { samples: await inTurns({ contenders, rounds, warmups, what: "seal" }), isolated: globalThis.crossOriginIsolated };
}

/** The public key is imported once, as a page would; the plaintext's bytes are ready. */
async function joseSealer(n, e) {
  const key = await importJWK({ kty: "RSA", n, e, alg: "RSA-OAEP-256" }, "RSA-OAEP-256");
  const card = { ...CARD, entry: "swipe", amt: POS.amt, cur: POS.cur, pid: POS.pid };
  const plaintext = new TextEncoder().encode(JSON.stringify(card).padEnd(PLAINTEXT_BYTES));
  let seq = 1;
  return () => {
    seq += 1;
    const header = { alg: "RSA-OAEP-256", enc: "A256GCM", kid: KID, pos: { ...POS, seq } };
    return new CompactEncrypt(plaintext).setProtectedHeader(header).encrypt(key);
  };
}

/** Opens one of each before anything is measured: a contender that seals something else would win for nothing. */
async function sameWork(makers, privateKey) {
  const seen = new Set();
  for (const make of Object.values(makers)) {
    const { plaintext, protectedHeader } = await compactDecrypt(await make(), privateKey);
    const { seq, ...pos } = protectedHeader.pos;
    const card = Object.entries(JSON.parse(new TextDecoder().decode(plaintext))).sort();
    const rest = { ...protectedHeader, pos: Object.entries(pos).sort() };
    seen.add(JSON.stringify([plaintext.length, card, Object.entries(rest).sort()]));
  }
  if (seen.size !== 1) throw new Error(`the contenders do not seal the same:\n${[...seen].join("\n")}`);
}

async function timed(batch, act) {
  const from = performance.now();
  for (let i = 0; i < batch; i++) await act();
  return (performance.now() - from) / batch;
}
