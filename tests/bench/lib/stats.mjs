// Medians, because one slow round on a busy machine should not move a figure; smallest and largest, so that noise is seen.

export function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), samples: samples.length };
}

/** Three significant digits, never in exponents. */
export function shown(number) {
  if (!Number.isFinite(number)) return "-";
  if (number === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(number))));
  return number.toFixed(Math.min(digits, 4));
}

export const ratio = (a, b) => `${shown(a / b)}×`;
