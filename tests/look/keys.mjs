// What keys do: a reader's keys go nowhere but to the sale, a person's keys do what docs/driving-the-till.md says.

import { typeStripe } from '../e2e/lib/keyboard.mjs';
import { CARDS, SCREENS, openTill, swipe } from './till.mjs';

/** Notes, from the first moment on, whether digits of a card ever show up in the DOM or in an input. */
const WATCH = () => {
  window.leaks = [];
  const runs = /\d{5,}/;
  const look = () => {
    const inputs = [...document.querySelectorAll('input')].map((i) => i.value).join(' ');
    const text = `${document.documentElement.outerHTML} ${inputs}`.replace(/[\s•]+/g, '');
    for (const pan of ['4242424242', '4000000000']) if (text.includes(pan)) window.leaks.push(pan);
    for (const input of document.querySelectorAll('input')) if (runs.test(input.value)) window.leaks.push(input.id);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  document.addEventListener('input', look, true);
};

export async function keys(browser, origin, check) {
  const till = await openTill(browser, origin, { size: { width: 1180, height: 820 } });
  const { page } = till;
  const eventually = async (name, holds) => {
    for (let tries = 0; tries < 100; tries += 1) {
      if (await holds()) return check(`keys: ${name}`, []);
      await page.waitForTimeout(50);
    }
    return check(`keys: ${name}`, ['it did not come about']);
  };
  const lines = () => page.locator('.line').count();
  const query = () => page.locator('#search').inputValue();
  const shows = (selector) => async () => (await page.locator(selector).count()) > 0;

  await SCREENS[0][1](page);
  await SCREENS[1][1](page);
  await page.evaluate(WATCH);

  await page.keyboard.type('flat');
  await eventually('letters go to the search', async () => (await query()) === 'flat');
  await page.keyboard.press('Enter');
  await eventually('Enter adds the first hit and empties the search', async () => (await lines()) === 1 && (await query()) === '');
  await page.locator('#search').focus();
  await page.keyboard.type('50%');
  await eventually('a sentinel typed by hand still arrives', async () => (await query()) === '50%');
  await page.keyboard.press('Escape');
  await eventually('Escape empties the search', async () => (await query()) === '');

  await page.locator('.item').nth(1).click();
  await page.keyboard.press('Enter');
  await eventually('Enter after a tapped item charges', shows('.tender[data-step=swipe]'));
  await page.keyboard.press('Escape');
  await eventually('Escape goes back to the sale', async () => !(await shows('.tender')()) && (await lines()) === 2);

  await page.locator('#search').focus();
  await swipe(page, CARDS.approved);
  await eventually('a swipe into a focused field takes the card', shows('.result[data-state=approved]'));
  await swipe(page, CARDS.approved);
  await page.waitForTimeout(600);
  await eventually('a second swipe takes nothing', shows('.result[data-state=approved]'));
  await page.locator('.result-actions .primary').click();
  await eventually('the next sale is empty', async () => (await lines()) === 0 && (await query()) === '');
  await swipe(page, CARDS.approved);
  await eventually('a swipe without a sale says so', async () => (await page.locator('.toast').innerText()) !== '');

  await page.locator('.item').first().click();
  await typeStripe(page, ';4242424242424241=3012101?', { enter: false });
  await eventually('a stripe that cannot be read is told, without Enter', shows('.tender .bad'));
  await page.locator('.tender-actions .button').click();
  await page.keyboard.type(`${CARDS.noFunds}1230`);
  await eventually('a keyed number is masked', async () => (await page.locator('.keyed-value').first().innerText()) === '•••• •••• •••• 9995');
  await page.keyboard.press('Enter');
  await eventually('Enter charges a keyed card', shows('.result[data-state=declined]'));
  await swipe(page, CARDS.approved);
  await eventually('after a decline the next card is swiped right there', shows('.result[data-state=approved]'));

  await page.reload();
  await page.locator('.item').first().waitFor();
  await eventually('a finished sale is gone after a reload', async () => (await lines()) === 0);
  await page.locator('.item').first().click();
  await page.waitForTimeout(300);
  await page.reload();
  await eventually('an open sale survives a reload', async () => (await lines()) === 1);

  check('keys: the browser reports nothing', [...new Set(till.problems)]);
  await till.context.close();

  const second = await openTill(browser, origin, { size: { width: 1180, height: 820 } });
  await SCREENS[0][1](second.page);
  await SCREENS[1][1](second.page);
  await second.page.evaluate(WATCH);
  await second.page.locator('.item').first().click();
  await second.page.locator('#search').focus();
  await swipe(second.page, CARDS.approved);
  await second.page.locator('.result').waitFor();
  await second.page.locator('.result-actions .primary').click();
  await second.page.locator('.item').first().click();
  await second.page.locator('.charge').click();
  await second.page.locator('.tender-actions .button').click();
  await second.page.keyboard.type(`${CARDS.approved}1230`);
  await second.page.keyboard.press('Enter');
  await second.page.locator('.result').waitFor();
  check('keys: no card number was ever in the page', [...new Set(await second.page.evaluate(() => window.leaks))]);
  await second.context.close();
}
