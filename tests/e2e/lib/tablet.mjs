// A tablet without a browser, written from docs/protocol.md alone and with nothing of Holdfast's code: it enrols, checks
// the key set from the root down, seals, signs, uploads and checks acknowledgements. It can also do each of these wrongly.

import { constants, createHash, createPrivateKey, createPublicKey, createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXPIRY_YYMM } from "./cards.mjs";
import { assert, need } from "./run.mjs";

const b64u = (data) => Buffer.from(data).toString("base64url");
const sha256 = (data, encoding) => createHash("sha256").update(data).digest(encoding);
const json = (text) => JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
const p1363 = (key) => ({ key, dsaEncoding: "ieee-p1363" });

export const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

/** A compact JWS, ES256. */
export function jws(typ, kid, payload, privateKey) {
  const head = b64u(JSON.stringify({ alg: "ES256", kid, typ }));
  const signed = `${head}.${b64u(JSON.stringify(payload))}`;
  return `${signed}.${b64u(sign("sha256", signed, p1363(privateKey)))}`;
}

/** The payload of a JWS, when one of `keys` (kid to JWK) signed it and it is of type `typ`; else throws. */
export function openJws(text, typ, keys) {
  const [head, payload, signature] = text.split(".");
  const header = json(head);
  assert(header.alg === "ES256" && header.typ === typ, `a JWS of type ${header.typ}, ${header.alg} instead of ${typ}`);
  const jwk = keys[header.kid];
  assert(jwk, `signed by ${header.kid}, which is none of ${Object.keys(keys)}`);
  const key = createPublicKey({ key: jwk, format: "jwk" });
  assert(verify("sha256", `${head}.${payload}`, p1363(key), Buffer.from(signature, "base64url")), "the signature is wrong");
  return json(payload);
}

/** A UUIDv7 (RFC 9562 section 5.7). */
export function uuid7() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/** The headers of a signed request (RFC 9421, docs/protocol.md section 2). */
export function signedHeaders({ method, path, body = "", keyid, privateKey, created = Math.floor(Date.now() / 1000) }) {
  const [bare, query] = path.split("?");
  const digest = `sha-256=:${sha256(body, "base64")}:`;
  const params = `("@method" "@path" "@query" "content-digest");created=${created};keyid="${keyid}";alg="ecdsa-p256-sha256"`;
  const base = [
    `"@method": ${method}`,
    `"@path": ${bare}`,
    `"@query": ?${query ?? ""}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${params}`,
  ].join("\n");
  const headers = {
    "content-digest": digest,
    "signature-input": `holdfast=${params}`,
    signature: `holdfast=:${sign("sha256", base, p1363(privateKey)).toString("base64")}:`,
  };
  if (method !== "GET") headers["content-type"] = "application/json";
  return headers;
}

/** Enrols a fresh tablet with the demo shop. */
export async function enrolTablet(server, { code, name = "a tablet of the tests" } = {}) {
  const { privateKey, publicKey } = newKey();
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  const body = JSON.stringify({ v: 1, code: code ?? (await server.enrolmentCode()), device_name: name, jwk: { kty, crv, x, y } });
  const path = "/api/v1/enrolments";
  const headers = signedHeaders({ method: "POST", path, body, keyid: "enrol", privateKey });
  const answer = await fetch(server.origin + path, { method: "POST", headers, body });
  const enrolled = await answer.json();
  assert(answer.status === 201, `enrolment answered ${answer.status} ${JSON.stringify(enrolled)}`);
  return makeTablet(server, enrolled, privateKey);
}

function makeTablet(server, enrolled, privateKey) {
  const did = enrolled.device_id;
  const mid = enrolled.merchant_id;
  let seq = 0;
  let prev = "";

  const tablet = {
    did,
    mid,
    privateKey,
    enrolled,
    keyset: null,
    /** A signed request: status, headers and the body as text. `sign` may change what is signed or who signs. */
    async request(method, path, body = "", { keyid = did, key = privateKey, headers = {}, send = body } = {}) {
      const signed = signedHeaders({ method, path, body, keyid, privateKey: key });
      const options = { method, headers: { ...signed, ...headers }, signal: AbortSignal.timeout(60_000) };
      if (method !== "GET") options.body = send;
      const answer = await fetch(server.origin + path, options);
      const text = await answer.text();
      return { status: answer.status, type: answer.headers.get("content-type") ?? "", headers: answer.headers, text };
    },
    /** Fetches the key set and checks it from the root that is kept beside the server. */
    async learnKeys() {
      const { cert, keyset } = await server.ask("/api/v1/keyset");
      const file = join(need("HOLDFAST_ROOT_DIR", "the root keys"), "root.public.json");
      const roots = Object.fromEntries(JSON.parse(readFileSync(file, "utf8")).roots.map((r) => [r.kid, r.jwk]));
      const signer = openJws(cert, "holdfast-cert+jws", roots);
      assert(signer.not_before_ms <= Date.now() && Date.now() < signer.not_after_ms, "the signer's certificate is not current");
      tablet.keyset = openJws(keyset, "holdfast-keyset+jws", { [signer.kid]: signer.jwk });
      return tablet.keyset;
    },
    cardKey() {
      const now = Date.now();
      const key = tablet.keyset.card_keys.find((k) => k.not_before_ms <= now && now < k.use_until_ms);
      assert(key, "no usable card key");
      return key;
    },
    /** Seals and signs one payment. `twist` changes the parts before they are put together: header, plain, record, typ, kid. */
    payment({ pan, amount = 1060, id = uuid7(), chain = true, twist = {} }) {
      if (chain) seq += 1;
      const key = tablet.cardKey();
      const pos = { v: 1, mid, did, pid: id, seq, amt: amount, cur: "EUR", ksv: tablet.keyset.version };
      const header = { alg: "RSA-OAEP-256", enc: "A256GCM", kid: key.kid, pos, ...twist.header };
      const plain = { pan, exp: EXPIRY_YYMM, entry: "keyed", amt: amount, cur: "EUR", pid: id, ...twist.plain };
      const now = Date.now();
      const record = {
        v: 1, id, mid, did, seq, prev,
        jwe: seal(header, plain, key),
        created_ms: now, mono_ms: 1000, server_ms: 0, server_mono_ms: 0, offline: true,
        card: { brand: "visa", last4: pan.slice(-4), entry: "keyed", chip: false },
        sale: {
          number: `${enrolled.device_number}-${String(seq).padStart(4, "0")}`, currency: "EUR", total_minor: amount, tax_minor: 0,
          lines: [{ name: "Amount", qty: 1, unit_minor: amount, total_minor: amount, tax_bp: 0, tax_minor: 0 }],
        },
        ...twist.record,
      };
      const text = jws(twist.typ ?? "holdfast-record+jws", twist.kid ?? did, record, twist.key ?? privateKey);
      const hash = sha256(text, "base64url");
      if (chain) prev = hash;
      return { id, text, hash, amount };
    },
    upload: (records) => tablet.request("POST", "/api/v1/batches", JSON.stringify({ v: 1, records })),
    /** The acknowledgements of an answer, each with its signature checked. */
    acks(answer) {
      assert(answer.status === 200, `the batch was answered ${answer.status}: ${answer.text.slice(0, 200)}`);
      const keys = Object.fromEntries(tablet.keyset.ack_keys.map((k) => [k.kid, k.jwk]));
      return JSON.parse(answer.text).acks.map((text) => openJws(text, "holdfast-ack+jws", keys));
    },
    async payments() {
      const out = [];
      for (let cursor = "", more = true; more; ) {
        const answer = await tablet.request("GET", `/api/v1/payments?after=${cursor}&limit=200`);
        assert(answer.status === 200, `history answered ${answer.status}: ${answer.text.slice(0, 200)}`);
        const page = JSON.parse(answer.text);
        out.push(...page.payments);
        ({ cursor, more } = page);
      }
      return out;
    },
    async state(id, wait_ms = 10_000) {
      const answer = await tablet.request("GET", `/api/v1/payments/${id}?wait_ms=${wait_ms}`);
      return answer.status === 200 ? JSON.parse(answer.text) : { state: `http ${answer.status}` };
    },
  };
  return tablet;
}

/** A compact JWE, RSA-OAEP-256 and A256GCM, the header as the additional data (docs/protocol.md section 5). */
function seal(header, plain, { n, e }) {
  const protectedHeader = b64u(JSON.stringify(header));
  const contentKey = randomBytes(32);
  const iv = randomBytes(12);
  const rsa = createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
  const wrapped = publicEncrypt({ key: rsa, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }, contentKey);
  const cipher = createCipheriv("aes-256-gcm", contentKey, iv).setAAD(Buffer.from(protectedHeader));
  const text = Buffer.concat([cipher.update(JSON.stringify(plain).padEnd(512)), cipher.final()]);
  return [protectedHeader, ...[wrapped, iv, text, cipher.getAuthTag()].map(b64u)].join(".");
}

/** A private key from a JWK, for a test that signs with a key it should not have. */
export const privateFromJwk = (jwk) => createPrivateKey({ key: jwk, format: "jwk" });
