// Judges every screen of the till: axe-core by the rules of WCAG 2.2 AA (contrast included), size of every target, no sideways
// scrolling, nothing reported by the browser (Content-Security-Policy and Trusted Types among it).

import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { ends } from './ends.mjs';
import { extremes } from './extremes.mjs';
import { guards } from './guards.mjs';
import { keys } from './keys.mjs';
import { receipts } from './receipts.mjs';
import { refunds } from './refunds.mjs';
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
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const TARGET_PX = 48;
const KEYPAD_PX = 64;

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let [passed, failed] = [0, 0];
const check = (name, wrong) => {
  if (wrong.length === 0) {
    passed += 1;
    console.log(`ok    ${name}`);
  } else {
    failed += 1;
    console.log(`WRONG ${name}`);
    for (const line of wrong) console.log(`        ${line}`);
  }
};

/** Through the debugger's door, which a Content-Security-Policy does not close. */
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(
    (rules) => window.axe.run(document, { runOnly: { type: 'tag', values: rules } }).then((r) => r.violations),
    RULES,
  );
  return found.flatMap((v) => v.nodes.map((n) => {
    const data = n.any[0]?.data;
    const ratio = data?.contrastRatio ? ` ${data.contrastRatio}:1 ${data.fgColor} on ${data.bgColor}` : '';
    return `${v.id}: ${n.target.join(' ')}${ratio}`;
  }));
}

const smallTargets = (page) => page.evaluate(([target, keypad]) => {
  const small = [];
  for (const element of document.querySelectorAll('button, input, select, a[href]')) {
    if (!element.checkVisibility({ visibilityProperty: true }) || element.closest('[inert]')) continue;
    const { width, height } = element.getBoundingClientRect();
    const isKey = element.closest('.pad') !== null;
    const least = isKey ? keypad : target;
    if (height < least - 0.5 || width < target - 0.5) {
      small.push(`${element.className || element.id}: ${Math.round(width)} x ${Math.round(height)}, at least ${least} is wanted`);
    }
  }
  return small;
}, [TARGET_PX, KEYPAD_PX]);

const sideways = (page) => page.evaluate(() => {
  const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  return over > 0 ? [`the page is ${over} px wider than the screen`] : [];
});

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
    for (const rare of [extremes, ends, receipts, refunds, voids]) {
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
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
