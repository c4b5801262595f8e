// The live receipt's one script. It seals the customer's card for the server, sends it until there is an answer, and turns the page when the
// payment has moved. What it makes is the envelope of docs/protocol.md section 5: a compact JWE, RSA-OAEP-256 and A256GCM, by WebCrypto.
// A card is in this page's memory between the key press and the seal. It is stored nowhere and is part of no address.

const PLAINTEXT_BYTES = 512;
const TAG_BYTES = 16;
const SENDS_MAX = 30;
const SEND_WAIT_MS = { least: 500, most: 8_000 };
const LOOK_WAIT_MS = { least: 700, most: 15_000 };
/** How long a sent payment is waited for before the page shows that it is being processed. */
const RESULT_MS_MAX = 20_000;
const HALF_A_DAY_MS = 12 * 3_600_000;
const YEARS_AHEAD_MAX = 20;
const OPEN = ['stored', 'processing'];

const slip = document.querySelector('.slip');
const pay = document.querySelector('.pay');
const address = location.pathname;
const encoder = new TextEncoder();
let isSending = false;

const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** What people type, with the digits of other scripts as ASCII ones. */
const ascii = (text) => text.replace(/\p{Nd}/gu, (digit) => {
  const code = digit.codePointAt(0);
  const zero = [0x30, 0x660, 0x6f0, 0xff10].find((at) => code >= at && code < at + 10);
  return zero === undefined ? digit : String(code - zero);
});

/** Luhn, the check digit of ISO/IEC 7812-1. */
function isCardNumber(digits) {
  if (!/^\d{12,19}$/.test(digits) || /^0+$/.test(digits)) return false;
  const sum = [...digits].reverse().reduce((all, digit, at) => {
    const value = Number(digit) * (at % 2 === 0 ? 1 : 2);
    return all + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** `YYMM` of a date on a card as people and browsers write it; nothing for one that is over or is none. */
function expiryOf(text, now_ms) {
  const [, month, year] = /^(\d{1,2})\s*[/.-]?\s*((?:20)?\d{2})$/.exec(text)
    ?? ((found) => found && [null, found[2], found[1]])(/^(20\d{2})-(\d{2})$/.exec(text)) ?? [];
  const [m, y] = [Number(month), Number(year) % 100];
  // Somewhere it is still the last day of the month.
  const now = new Date(now_ms - HALF_A_DAY_MS);
  const left = (2000 + y) * 12 + m - 1 - (now.getUTCFullYear() * 12 + now.getUTCMonth());
  const isRight = m >= 1 && m <= 12 && left >= 0 && left <= YEARS_AHEAD_MAX * 12;
  return isRight ? String(y).padStart(2, '0') + String(m).padStart(2, '0') : undefined;
}

const brandOf = (digits, brands) =>
  brands.find(([length, from, to]) => {
    const prefix = Number(digits.slice(0, length));
    return prefix >= from && prefix <= to;
  })?.[3] ?? 'unknown';

/** A payment's id (UUIDv7), and its number: the last 52 bits, which a JavaScript number holds exactly. */
function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let ms = Date.now();
  for (let at = 5; at >= 0; at -= 1) {
    bytes[at] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { id, seq: Number.parseInt(hex.slice(-13), 16) };
}

/** The body of the request: everything that is to be sent, under an id that was never used before. */
async function sealed(offer, pan, exp) {
  const { id, seq } = freshId();
  const { mid, did, amt, cur, kid, ksv } = offer;
  const pos = { v: 1, mid, did, pid: id, seq, amt, cur, ksv };
  const header = base64url(encoder.encode(JSON.stringify({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid, pos })));
  const plaintext = new Uint8Array(PLAINTEXT_BYTES).fill(0x20);
  encoder.encodeInto(JSON.stringify({ pan, exp, entry: 'keyed', amt, cur, pid: id }), plaintext);
  const jwk = { kty: 'RSA', alg: 'RSA-OAEP-256', n: offer.n, e: 'AQAB', ext: true };
  const cardKey = await crypto.subtle.importKey('jwk', jwk, { name: 'RSA-OAEP', hash: 'SHA-256' }, false, ['wrapKey']);
  const contentKey = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
  const wrapped = await crypto.subtle.wrapKey('raw', contentKey, cardKey, { name: 'RSA-OAEP' });
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const how = { name: 'AES-GCM', iv, additionalData: encoder.encode(header), tagLength: TAG_BYTES * 8 };
  const both = new Uint8Array(await crypto.subtle.encrypt(how, contentKey, plaintext));
  plaintext.fill(0);
  const parts = [wrapped, iv, both.subarray(0, -TAG_BYTES), both.subarray(-TAG_BYTES)].map(base64url);
  const jwe = [header, ...parts].join('.');
  return JSON.stringify({
    v: 1, id, attempt: offer.attempt, jwe, brand: brandOf(pan, offer.brands), last4: pan.slice(-4),
  });
}

/** The answer's status. The very same body goes out until there is one: however often it arrives, it is one payment. */
async function send(body, onTrouble) {
  for (let tries = 1, wait_ms = SEND_WAIT_MS.least; ; tries += 1, wait_ms = Math.min(wait_ms * 2, SEND_WAIT_MS.most)) {
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body, cache: 'no-store' };
    const status = await fetch(`${address}/payments`, request).then((answer) => answer.status, () => 0);
    const isAnswer = status >= 200 && status < 500 && status !== 408 && status !== 429;
    if (isAnswer) return status;
    await onTrouble(tries < SENDS_MAX ? wait_ms : undefined);
  }
}

/** Looks until the sale stands as `isOver` says. A page that nobody sees does not look. */
async function watch(isOver) {
  for (let wait_ms = LOOK_WAIT_MS.least; ; wait_ms = Math.min(wait_ms * 1.5, LOOK_WAIT_MS.most)) {
    await pause(wait_ms);
    if (document.visibilityState === 'hidden') {
      await new Promise((resolve) => { document.addEventListener('visibilitychange', resolve, { once: true }); });
    }
    const now = await fetch(`${address}/state`, { cache: 'no-store' }).then((answer) => answer.json(), () => undefined);
    if (now?.v === 1 && isOver(now)) return;
  }
}

function offerToPay() {
  const offer = JSON.parse(pay.dataset.offer);
  const opened_ms = performance.now();
  const [form, again] = [pay.querySelector('form'), pay.querySelector('[data-testid=pay-again]')];
  const [number, expiry] = [form.querySelector('#pay-number'), form.querySelector('#pay-expiry')];
  const words = pay.querySelector('.say');
  const say = (what) => { words.textContent = what ? words.dataset[what] : ''; };
  const wrong = (field, what) => {
    field.setAttribute('aria-invalid', 'true');
    say(what);
    field.focus();
  };
  pay.hidden = false;
  if (!globalThis.crypto?.subtle) {
    // A page that did not come over an encrypted line must not take a card.
    form.hidden = true;
    say('later');
    return;
  }
  const atEnd = (field) => field.selectionStart === field.value.length;
  number.addEventListener('input', () => {
    if (atEnd(number)) number.value = number.value.replaceAll(' ', '').replace(/(.{4})(?=.)/g, '$1 ');
  });
  expiry.addEventListener('input', (event) => {
    const isTyped = event.inputType === 'insertText' && atEnd(expiry);
    if (isTyped && /^\d\d$/.test(ascii(expiry.value))) expiry.value += '/';
  });
  for (const field of [number, expiry]) field.addEventListener('input', () => field.removeAttribute('aria-invalid'));
  const onTrouble = (wait_ms) => {
    say('offline');
    again.hidden = false;
    const asked = new Promise((resolve) => { again.addEventListener('click', resolve, { once: true }); });
    const waits = wait_ms === undefined ? [asked] : [asked, pause(wait_ms)];
    return Promise.race(waits).then(() => { again.hidden = true; });
  };
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isSending) return;
    const digits = ascii(number.value).replace(/[\s-]/g, '');
    if (!isCardNumber(digits)) return wrong(number, 'badNumber');
    const yymm = expiryOf(ascii(expiry.value).trim(), offer.now_ms + performance.now() - opened_ms);
    if (!yymm) return wrong(expiry, 'badExpiry');
    [isSending, form.hidden] = [true, true];
    say('sending');
    const body = await sealed(offer, digits, yymm);
    [number.value, expiry.value] = ['', ''];
    const status = await send(body, onTrouble);
    if (status >= 300 && status !== 409 && status !== 404) {
      isSending = false;
      return say('later');
    }
    say('sending');
    if (status < 300) {
      await Promise.race([watch((now) => !OPEN.includes(now.state)), pause(RESULT_MS_MAX)]);
    }
    location.reload();
  });
}

if (pay) offerToPay();
const shown = { state: slip.dataset.state, attempt: Number(slip.dataset.attempt) };
// Somebody else with this receipt may pay it as well.
watch((now) => now.state !== shown.state || now.attempt !== shown.attempt).then(() => {
  if (!isSending) location.reload();
});
