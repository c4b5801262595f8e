// Judges every screen of the till: axe-core by the rules of WCAG 2.2 AA (contrast included), size of every target, no sideways
// scrolling, nothing reported by the browser (Content-Security-Policy and Trusted Types among it).

import { ends } from './ends.mjs';
import { extremes } from './extremes.mjs';
import { guards } from './guards.mjs';
import { judge, sideways, smallTargets, violations } from './judge.mjs';
import { keys } from './keys.mjs';
import { letters } from './letters.mjs';
import { receipts } from './receipts.mjs';
import { refunds } from './refunds.mjs';
import { staff } from './staff.mjs';
import { SCREENS, openTill, startBrowser, startServer } from './till.mjs';
import { voids } from './voids.mjs';

const ALL_RUNS = [
  { size: { width: 1180, height: 820 }, scheme: 'light', lang: 'en', name: 'landscape light en' },
  { size: { width: 1180, height: 820 }, scheme: 'dark', lang: 'de', name: 'landscape dark de' },
  { size: { width: 820, height: 1180 }, scheme: 'light', lang: 'ar', name: 'portrait light ar' },
  { size: { width: 390, height: 844 }, scheme: 'dark', lang: 'en', name: 'phone dark en' },
  { size: { width: 390, height: 844 }, scheme: 'light', lang: 'de', name: 'phone light de' },
];
// `node run.mjs keys` checks only what keys do and what the page must not do.
const RUNS = process.argv.includes('keys') ? [] : ALL_RUNS;
const { check, end } = judge();
const server = await startServer();
const browser = await startBrowser();
try {
  for (const run of RUNS) {
    const till = await openTill(browser, server.origin, run);
    for (const [screen, go] of SCREENS) {
      const name = `${run.name}: ${screen}`;
      try {
        await go(till.page);
      } catch (error) {
        check(name, [`not reached: ${error.message.split('\n')[0]}`]);
        break;
      }
      check(name, [...await violations(till.page), ...await smallTargets(till.page), ...await sideways(till.page)]);
    }
    check(`${run.name}: the browser reports nothing`, [...new Set(till.problems)]);
    await till.context.close();
    for (const rare of [extremes, ends, receipts, refunds, voids, letters, staff]) {
      try {
        for await (const [screen, page] of rare(browser, server.origin, run)) {
          check(`${run.name}: ${screen}`, [...await violations(page), ...await smallTargets(page), ...await sideways(page)]);
        }
      } catch (error) {
        check(`${run.name}: ${rare.name}`, [`not reached: ${error.message.split('\n')[0]}`]);
      }
    }
  }
  await keys(browser, server.origin, check);
  await guards(browser, server.origin, check);
} finally {
  await browser.close();
  await server.stop();
}
end();
