// The public test cards, and how a keyboard-wedge reader types them (ISO/IEC 7813). The canary looks for these numbers.

/** An expiry that is far off, as on the stripe: YYMM. */
export const EXPIRY_YYMM = "3012";
/** And as a person types it: MMYY. */
export const EXPIRY_MMYY = "1230";

export const VISA = "4242424242424242";
export const MASTERCARD = "5555555555554444";
export const AMEX = "378282246310005";
export const DECLINED_05 = "4000000000000002";
export const DECLINED_51 = "4000000000009995";
export const DECLINED_54 = "4000000000000069";
export const DECLINED_91 = "4000000000000119";

/** Every number that any test here types. */
export const ALL_PANS = [VISA, MASTERCARD, AMEX, DECLINED_05, DECLINED_51, DECLINED_54, DECLINED_91];

export const track1 = (pan, name = "LOVELACE/ADA") => `%B${pan}^${name}^${EXPIRY_YYMM}2011000000000000?`;
export const track2 = (pan) => `;${pan}=${EXPIRY_YYMM}20110000123456?`;

/** The ways a stripe arrives: both tracks, only the second, and with noise before the start sentinel. */
export const stripes = {
  both: (pan) => track1(pan) + track2(pan),
  second: (pan) => track2(pan),
  noisy: (pan) => `\u0000~+E?${track2(pan)}`.replace("\u0000", ""),
  badFirst: (pan) => `%E?${track2(pan)}`,
};
