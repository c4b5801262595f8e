// The tablet's clock neither cheats nor costs a sale: set to 1970 or 2040 while the till runs, and before a start without a network.

import { VISA, is, must, shop } from './shop.mjs';

/** Gives the page another clock, from now on and after every reload. */
const CLOCK = (shift) => {
  const real = Date.now.bind(Date);
  let by = Number(localStorage.getItem('clock-shift') ?? 0);
  Date.now = () => real() + by;
  window.setClock = (to) => {
    by = to - real();
    localStorage.setItem('clock-shift', String(by));
  };
  if (shift) window.setClock(real() + shift);
};

export async function clock(browser, server, check) {
  for (const [name, at] of [['1970', 0], ['2040', Date.UTC(2040, 0, 1)]]) {
    const prepare = (context) => context.addInitScript(CLOCK, 0);
    const till = await shop(browser, server.origin, { prepare });
    // The time is kept for the next start with the policy.
    await till.page.waitForTimeout(1_000);
    await till.offline();
    await till.page.evaluate((to) => window.setClock(to), at);
    check(`clock: set to ${name} while the till runs, a sale is stored`, is(await till.swipe(VISA, 500), 'stored'));
    await till.next();
    await till.page.reload();
    await till.page.locator('.tab.plain').waitFor();
    await till.page.locator('.bar[data-link=offline]').waitFor();
    const stored = await till.swipe(VISA, 700);
    check(`clock: after a start without a network at ${name}, a sale is stored`, is(stored, 'stored'));
    await till.next();
    const left = await till.page.locator('.strip-facts').innerText();
    check(`clock: ${name} does not move the end of its window`, must(/7[12] h left/.test(left), left));
    await till.online();
    await till.go('history');
    await till.page.locator('.entry[data-state=captured]').nth(1).waitFor();
    check(`clock: what was taken at ${name} is charged`, []);
    await till.context.close();
  }
}
