// What an owner does in the back office, step by step: the menu on a phone, a figure that opens what it is made of, money paid back, a page that
// keeps itself up to date, the table for a spreadsheet.

export async function habits(shop, state, open, check) {
  const attempt = async (name, body) => {
    try {
      await body();
      check(name, []);
    } catch (error) {
      check(name, [error.message.split('\n')[0]]);
    }
  };
  const is = (holds, words) => {
    if (!holds) throw new Error(words);
  };

  await attempt('the menu of a phone leads to every page', async () => {
    const { context, page } = await open('phone', 'light', state);
    await page.goto(`${shop.origin}/office`);
    is(!await page.locator('.office-tabs').isVisible(), 'the menu is open before it is asked for');
    await page.getByRole('button', { name: 'Menu' }).click();
    is(await page.locator('.office-tab').count() >= 9, 'tabs are missing');
    await page.getByRole('link', { name: 'Webhooks' }).click();
    await page.getByRole('heading', { name: 'Webhooks', level: 1 }).waitFor();
    await context.close();
  });

  await attempt('a key leads past the rail to the page', async () => {
    const { context, page } = await open('landscape', 'light', state);
    await page.goto(`${shop.origin}/office/payments`);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    is(await page.evaluate(() => window.location.hash === '#page'), 'the first key is not the way to the page');
    await context.close();
  });

  await attempt('every figure of today opens what it is made of', async () => {
    const { context, page } = await open('landscape', 'light', state);
    await page.goto(`${shop.origin}/office`);
    const links = await page.locator('#today a').evaluateAll((all) => all.map((a) => [a.getAttribute('href'), Number(a.querySelector('b')?.textContent)]));
    is(links.length >= 7, `only ${links.length} of them are links`);
    for (const [href, count] of links.filter(([href, counted]) => counted > 0 && /payments|quarantine|missing/.test(href))) {
      await page.goto(`${shop.origin}${href}`);
      const rows = await page.locator('.office-list > li').count();
      is(rows === count, `${href} shows ${rows} and not ${count}`);
    }
    await context.close();
  });

  await attempt('money that is paid back shows up by itself, and the page stays the same', async () => {
    // The bank is there again.
    const script = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"next":[],"always":null}' };
    await fetch(`${shop.origin}/demo/acquirer/script`, script);
    const { context, page } = await open('landscape', 'light', state);
    await page.goto(`${shop.origin}/office/payments/${shop.payments.paid}`);
    await page.locator('#amount').fill('1.00');
    await page.getByRole('button', { name: 'Pay this amount back' }).click();
    await page.locator('#head').waitFor();
    await page.evaluate(() => { document.documentElement.dataset.same = 'yes'; });
    await page.locator('#head .office-state', { hasText: 'Paid back in part' }).waitFor({ timeout: 30_000 });
    is(await page.evaluate(() => document.documentElement.dataset.same === 'yes'), 'the page was loaded anew');
    await context.close();
  });

  await attempt('a report is had as a table for a spreadsheet', async () => {
    const { context, page } = await open('landscape', 'light', state);
    await page.goto(`${shop.origin}/office/reports/item`);
    const href = await page.getByRole('link', { name: 'CSV' }).getAttribute('href');
    const answer = await page.request.get(`${shop.origin}${href}`);
    const text = await answer.text();
    is(answer.headers()['content-type'].startsWith('text/csv') && text.includes('Flat white'), `it begins with ${text.slice(0, 40)}`);
    is(await page.getByRole('button', { name: 'Print' }).isVisible(), 'nothing prints it');
    await context.close();
  });

  await attempt('the way in runs no script, and the pages run ours only', async () => {
    const { context, page } = await open('landscape', 'light', state);
    const policy = async (path) => (await page.goto(`${shop.origin}${path}`)).headers()['content-security-policy'];
    is(!(await policy('/office/sign-in')).includes('script-src'), 'the sign-in allows scripts');
    const inside = await policy('/office');
    is(inside.includes("script-src 'self'") && inside.includes("trusted-types 'none'"), inside);
    await context.close();
  });
}
