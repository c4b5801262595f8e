// Sealing, as the table tells it.

import { contenders, lines } from "../lib/report.mjs";
import { ratio, summary } from "../lib/stats.mjs";

const NAMES = {
  whole: "Holdfast, whole seal",
  ahead: "Holdfast, content key wrapped ahead (at the tap)",
  jose: "npm jose CompactEncrypt over WebCrypto",
};

export async function seal({ browser, settings }) {
  const warmups = settings.smoke ? 1 : 12;
  const { samples, isolated } = await browser.measure("seal", { rounds: settings.sealRounds, batch: settings.sealBatch, warmups });
  const of = Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, summary(list)]));
  return {
    about: "one card sealed: compact JWE, RSA-3072-OAEP-256, A256GCM, 512 bytes",
    unit: "ms",
    rounds: settings.sealRounds,
    batch: settings.sealBatch,
    clock_us: isolated ? 5 : 100,
    contenders: Object.entries(NAMES).map(([key, name]) => ({ key, name, ...of[key] })),
    ratios: { "ahead / jose": of.ahead.median / of.jose.median, "whole / jose": of.whole.median / of.jose.median },
    print(result) {
      contenders(result.contenders, "ms");
      lines([
        `at the tap: ${ratio(of.ahead.median, of.jose.median)} of jose's time;   whole: ${ratio(of.whole.median, of.jose.median)} of jose's time`,
        `${settings.sealRounds} rounds in turns, ${settings.sealBatch} seals of each kind a round`,
      ]);
    },
  };
}
