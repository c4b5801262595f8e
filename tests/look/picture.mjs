// Takes the README's picture: node picture.mjs FILE

import { CARDS, SCREENS, openTill, startBrowser, startServer, swipe } from './till.mjs';

const [file] = process.argv.slice(2);
if (!file) {
  console.error('usage: node picture.mjs FILE.png');
  process.exit(2);
}
const server = await startServer();
const browser = await startBrowser();
try {
  const { page, context } = await openTill(browser, server.origin, { size: { width: 1180, height: 820 } });
  await SCREENS[0][1](page);
  await SCREENS[1][1](page);
  await context.setOffline(true);
  await page.locator('.bar[data-link=offline]').waitFor();
  for (const basket of [[1, 2], [0, 3, 3], [2, 2, 5]]) {
    for (const n of basket) await page.locator('.item').nth(n).click();
    await swipe(page, CARDS.approved);
    await page.locator('.result[data-state=stored]').waitFor();
    await page.locator('.result-actions .primary').click();
  }
  await page.locator('.strip[data-count="3"]').waitFor();
  for (const n of [2, 2]) await page.locator('.item').nth(n).click();
  await page.locator('.tab').nth(1).click();
  await page.locator('.item').first().click();
  await page.locator('.tab').first().click();
  await page.mouse.move(0, 0);
  await page.waitForTimeout(200);
  await page.screenshot({ path: file });
} finally {
  await browser.close();
  await server.stop();
}
