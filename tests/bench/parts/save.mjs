// Saving a payment, as the table tells it.

import { contenders, lines, table } from "../lib/report.mjs";
import { ratio, shown, summary } from "../lib/stats.mjs";

const NAMES = {
  till: "Holdfast, sealed, signed, stored twice, read back",
  bare: "bare IndexedDB put, strict, nothing else",
  workbox: "workbox-background-sync pushRequest (relaxed)",
};

export async function save({ browser, server, settings }) {
  const rounds = settings.saveRounds;
  const { samples, anatomy, bytes } = await browser.measure("save", { roots: server.roots, rounds, warmups: settings.smoke ? 1 : 10 });
  const of = Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, summary(list)]));
  return {
    about: `one payment from the tap to stored; the record has ${bytes} bytes`,
    unit: "ms",
    rounds,
    record_bytes: bytes,
    contenders: Object.entries(NAMES).map(([key, name]) => ({ key, name, ...of[key] })),
    ratios: { "till / bare": of.till.median / of.bare.median, "till / workbox": of.till.median / of.workbox.median },
    anatomy: parts(anatomy),
    print(result) {
      contenders(result.contenders, "ms");
      lines([
        `Holdfast takes ${ratio(of.till.median, of.bare.median)} of a bare strict put, ${ratio(of.till.median, of.workbox.median)} of Workbox's push`,
        "",
        "where Holdfast's time goes (watched in payments of their own, which costs a little):",
      ]);
      table(
        ["", "median ms", "min", "max"],
        result.anatomy.map(({ name, median, min, max }) => [name, shown(median), shown(min), shown(max)]),
      );
    },
  };
}

/** Milliseconds by kind of work over all payments watched; what no kind claims is the rest. */
function parts(anatomy) {
  const names = [...new Set(anatomy.flatMap(({ spans }) => Object.keys(spans)))];
  const rest = ({ total_ms, spans }) => Math.max(0, total_ms - Object.values(spans).reduce((a, b) => a + b, 0));
  return [
    ...names.map((name) => ({ name, ...summary(anatomy.map(({ spans }) => spans[name] ?? 0)) })),
    { name: "the rest (decisions, waiting for turns)", ...summary(anatomy.map(rest)) },
    { name: "all", ...summary(anatomy.map(({ total_ms }) => total_ms)) },
  ];
}
