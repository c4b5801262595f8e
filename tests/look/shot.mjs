// Photographs every screen: node shot.mjs FOLDER [landscape|portrait|phone …] [light|dark …] [en|de|ar …]

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ends } from './ends.mjs';
import { extremes } from './extremes.mjs';
import { letters } from './letters.mjs';
import { refunds } from './refunds.mjs';
import { staff } from './staff.mjs';
import { SCREENS, openTill, startBrowser, startServer } from './till.mjs';
import { voids } from './voids.mjs';

const SIZES = {
  landscape: { width: 1180, height: 820 },
  portrait: { width: 820, height: 1180 },
  phone: { width: 390, height: 844 },
};

const [folder, ...words] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node shot.mjs FOLDER [landscape portrait phone] [light dark] [en de ar] [only=NAME]');
  process.exit(2);
}
const chosen = (all) => {
  const some = all.filter((name) => words.includes(name));
  return some.length ? some : all;
};

const only = words.find((word) => word.startsWith('only='))?.slice(5);
const screens = only ? [] : SCREENS;
const rares = [extremes, ends, refunds, voids, letters, staff].filter((rare) => !only || rare.name === only);

await mkdir(folder, { recursive: true });
const server = await startServer();
const browser = await startBrowser();
try {
  for (const size of chosen(Object.keys(SIZES))) {
    for (const scheme of chosen(['light', 'dark'])) {
      for (const lang of chosen(['en', 'de', 'ar'])) {
        const till = await openTill(browser, server.origin, { size: SIZES[size], scheme, lang });
        for (const [name, go] of screens) {
          try {
            await go(till.page);
          } catch (error) {
            await till.page.screenshot({ path: join(folder, `STUCK-${name}-${size}-${scheme}-${lang}.png`) });
            console.error(`stuck before ${name} (${size} ${scheme} ${lang}): ${error.message.split('\n')[0]}`);
            break;
          }
          await till.page.waitForTimeout(80);
          await till.page.screenshot({ path: join(folder, `${name}-${size}-${scheme}-${lang}.png`) });
        }
        for (const problem of new Set(till.problems)) console.error(`  ${size} ${scheme} ${lang}: ${problem}`);
        await till.context.close();
        for (const rare of rares) {
          for await (const [name, page] of rare(browser, server.origin, { size: SIZES[size], scheme, lang })) {
            await page.waitForTimeout(80);
            await page.screenshot({ path: join(folder, `${name}-${size}-${scheme}-${lang}.png`) });
          }
        }
        console.log(`${size} ${scheme} ${lang}`);
      }
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
