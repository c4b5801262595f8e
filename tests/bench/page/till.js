// The one till of this page.

import { Till } from "/pkg/till.js";

let till;

/** `roots`: the JSON of the root keys' public halves. */
export async function openTill(roots) {
  till ??= await Till.open(roots);
  return till;
}
