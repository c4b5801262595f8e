// What is printed: progress while it runs, and at the end of each part a table that can be read aloud.

import { shown } from "./stats.mjs";

const isTerminal = process.stdout.isTTY === true;
const LINE_EVERY_MS = 5_000;

/** A progress line: rewritten in place on a terminal, now and then a new line elsewhere. */
export class Progress {
  #last = 0;

  say(text) {
    if (isTerminal) return void process.stdout.write(`\r\u001b[2K  ${text}`);
    const now = Date.now();
    if (now - this.#last < LINE_EVERY_MS) return;
    this.#last = now;
    console.log(`  ${text}`);
  }

  end() {
    if (isTerminal) process.stdout.write("\r\u001b[2K");
  }
}

/** Rows of cells; the first column is text, the others are numbers and stand to the right. */
export function table(head, rows) {
  const all = [head, ...rows];
  const widths = head.map((_, at) => Math.max(...all.map((row) => String(row[at] ?? "").length)));
  const line = (row) =>
    `  ${row.map((cell, at) => (at === 0 ? String(cell).padEnd(widths[at]) : String(cell ?? "").padStart(widths[at]))).join("   ")}`.trimEnd();
  console.log(line(head));
  console.log(`  ${widths.map((width) => "─".repeat(width)).join("───")}`);
  for (const row of rows) console.log(line(row));
}

/** One row per contender of a measurement in milliseconds. */
export function contenders(results, unit) {
  table(
    ["", `median ${unit}`, "min", "max", "samples"],
    results.map(({ name, median, min, max, samples }) => [name, shown(median), shown(min), shown(max), samples]),
  );
}

export function lines(texts) {
  for (const text of texts) console.log(`  ${text}`);
}
