// What a card number looks like on a disk, in every form that we could think of leaving it in.

import { ALL_PANS, EXPIRY_YYMM, track2 } from "./cards.mjs";

/** `[{pan, form, bytes}]`; `pan` is shown as its last four digits only, also in a failing report. */
export function makeNeedles(pans = ALL_PANS) {
  return pans.flatMap((pan) => {
    const forms = [
      ["raw", pan],
      ["spaced", grouped(pan, " ")],
      ["dashed", grouped(pan, "-")],
      ["no-break spaced", grouped(pan, "\u00a0")],
      ["reversed", [...pan].reverse().join("")],
      ["hex", Buffer.from(pan).toString("hex")],
      ["UTF-16LE", Buffer.from(pan, "utf16le")],
      ["UTF-16BE", Buffer.from(pan, "utf16le").swap16()],
      ["a list of numbers", [...Buffer.from(pan)].join(",")],
      // Digits in base64 use no character in which base64url differs: this finds both.
      ...[0, 1, 2].map((shift) => [`base64 at ${shift}`, base64At(pan, shift)]),
      ...[0, 1, 2].map((shift) => [`base64 of UTF-16 at ${shift}`, base64At(Buffer.from(pan, "utf16le"), shift)]),
      ...bcdForms(pan),
      ...digitPerByte(pan),
    ];
    return forms.map(([form, bytes]) => ({ pan: `…${pan.slice(-4)}`, form, bytes: Buffer.from(bytes) }));
    // The tail of track 2 names no number, but must not lie about either.
  }).concat({ pan: "any", form: "the tail of track 2", bytes: Buffer.from(track2("").slice(2, 20)) });
}

/** As people write it: by four, or 4-6-5 for fifteen digits. */
function grouped(pan, separator) {
  const groups = pan.length === 15 ? [pan.slice(0, 4), pan.slice(4, 10), pan.slice(10)] : pan.match(/.{4}/g);
  return groups.join(separator);
}

/** The characters of base64 that depend on nothing but `data`, when it starts `shift` bytes into a group of three. */
function base64At(data, shift) {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(data)]);
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString("base64");
  return whole.slice(shift === 0 ? 0 : 4);
}

/** A digit per byte. Not for numbers that are mostly zeros: as bytes they are a small integer, and lie everywhere. */
function digitPerByte(pan) {
  if (/0{5}/.test(pan)) return [];
  const digits = Buffer.from([...pan].map(Number));
  return [["a digit per byte", digits], ["a digit per byte, hex", digits.toString("hex")]];
}

/**
 * Packed decimal as in ISO 8583 field 35: the number, D, the expiry. The number alone would not do: packed, one test
 * card reads BBBBBBBB and another is a common floating point number.
 */
function bcdForms(pan) {
  return ["D", "F", ""].flatMap((separator) => {
    const digits = `${pan}${separator}${EXPIRY_YYMM}`;
    // Whole bytes only: what follows an odd digit is not ours to know.
    const whole = digits.slice(0, digits.length - (digits.length % 2));
    const swapped = whole.replace(/(.)(.)/g, "$2$1");
    const name = `packed decimal with ${separator || "nothing"} between`;
    return [
      [name, Buffer.from(whole, "hex")],
      [`${name}, hex`, digits.toLowerCase()],
      [`${name}, swapped`, Buffer.from(swapped, "hex")],
    ];
  });
}
