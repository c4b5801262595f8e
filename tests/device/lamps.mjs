// Three lamps. When only the bank is away the server stands in, and everything comes back by itself.

import { AMEX, MASTERCARD, VISA, is, must, shop } from './shop.mjs';

export async function lamps(browser, server, check) {
  const till = await shop(browser, server.origin);
  const script = (text) => fetch(`${server.origin}/demo/acquirer/script`, {
    method: 'PUT', headers: { 'content-type': 'application/json' }, body: text,
  });
  const lamp = (name, state) => till.page.locator(`[data-lamp=${name}][data-state=${state}]`).waitFor();
  await till.go('settings');
  await Promise.all([lamp('network', 'up'), lamp('server', 'up')]);
  check('lamps: network and server are reached', []);

  await script('{"always":{"kind":"unreachable"}}');
  await till.go('');
  check('the bank fails during a sale: it is stored', is(await till.swipe(VISA, 500), 'stored'));
  await till.next();
  await till.go('settings');
  await lamp('acquirer', 'down');
  await Promise.all([lamp('network', 'up'), lamp('server', 'up')]);
  check('complaint 10: the third lamp says that only the bank is away', []);
  await till.shot('lamps-bank-away');
  await till.go('');
  const bar = await till.page.locator('.lamp').innerText();
  check('the bar says it in words', must(bar.includes('bank does not answer'), bar));
  const started = Date.now();
  const stood = await till.swipe(MASTERCARD, 700);
  check('the server stands in: stored, in its own words', is(stood, 'stored', 'with the server', 'as soon as the bank answers'));
  check('nobody waits for an answer that will not come', must(Date.now() - started < 8_000, `${Date.now() - started} ms`));
  await till.shot('stored-stand-in');
  await till.next();
  check('the caps hold meanwhile', is(await till.swipe(AMEX, 50_001), 'refused', '€500.00'));
  await till.next();

  await script('{}');
  await till.go('settings');
  await lamp('acquirer', 'up');
  check('complaint 10: the lamp turns back by itself', []);
  await till.go('history');
  await till.page.locator('.entry[data-state=captured]').nth(1).waitFor();
  check('what the server stood in for is charged without a tap', []);
  await till.go('');
  check('and sales are answered again', is(await till.swipe(VISA, 900), 'approved'));
  await till.next();

  await till.offline();
  await till.go('settings');
  await lamp('network', 'down');
  await lamp('server', 'unknown');
  check('lamps: without a network that is what is said', []);
  await till.shot('lamps-no-network');
  check('lamps: the page reports nothing', till.till.problems);
  await till.context.close();
}
