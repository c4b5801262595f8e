// What every screen is judged by: axe-core by the rules of WCAG 2.2 AA (contrast included), size of every target, no sideways scrolling.

import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const TARGET_PX = 48;
const KEYPAD_PX = 64;

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Counts checks: each has a name, and a list of what is wrong. `end` says how many there were, as the last line. */
export function judge() {
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
  const end = () => {
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed === 0 ? 0 : 1);
  };
  return { check, end };
}

/** Through the debugger's door, which a Content-Security-Policy does not close. */
export async function violations(page) {
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

/** A box to tick is as large as its label; a link in the middle of a sentence is as tall as the sentence (WCAG 2.5.8, inline). */
export const smallTargets = (page) => page.evaluate(([target, keypad]) => {
  const small = [];
  const isInSentence = (element) => element.matches('a')
    && [...element.parentElement.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && /\w/.test(node.data));
  for (const element of document.querySelectorAll('button, input, select, summary, a[href]')) {
    if (!element.checkVisibility({ visibilityProperty: true }) || element.closest('[inert]') || isInSentence(element)) continue;
    if (element.matches('.office-skip:not(:focus-visible)')) continue;
    const label = element.matches('[type=checkbox], [type=radio]') ? element.closest('label') : null;
    const { width, height } = (label ?? element).getBoundingClientRect();
    const isKey = element.closest('.pad') !== null;
    const least = isKey ? keypad : target;
    if (height < least - 0.5 || width < target - 0.5) {
      small.push(`${element.className || element.id || element.textContent}: ${Math.round(width)} x ${Math.round(height)}, at least ${least} is wanted`);
    }
  }
  return small;
}, [TARGET_PX, KEYPAD_PX]);

export const sideways = (page) => page.evaluate(() => {
  const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  return over > 0 ? [`the page is ${over} px wider than the screen`] : [];
});
