// Every page of the back office: a name, and what leads to it.

const REPORTS = ['day', 'hour', 'item', 'category', 'tender', 'staff', 'device', 'tax', 'path', 'losses', 'accounts'];

const at = (path) => (page, shop) => page.goto(`${shop.origin}${path}`);
const pressed = (path, button) => async (page, shop) => {
  await page.goto(`${shop.origin}${path}`);
  await Promise.all([page.waitForLoadState('load'), page.getByRole('button', { name: button, exact: true }).first().click()]);
};
/** With every menu of the page open. */
const opened = (path) => async (page, shop) => {
  await page.goto(`${shop.origin}${path}`);
  for (const summary of await page.locator('summary').all()) await summary.click();
};

/** The letter's editor, with a sample in its sandbox; the frame's own page is read there, so that it must have come. */
const previewed = async (page, shop) => {
  await page.goto(`${shop.origin}/office/letters`);
  await page.locator('#sample').selectOption('declined');
  await page.getByRole('button', { name: 'Preview', exact: true }).click();
  await page.frameLocator('iframe[name=letter]').getByText('Declined: not paid').waitFor();
};
const refused = async (page, shop) => {
  await page.goto(`${shop.origin}/office/letters`);
  await page.locator('#html').fill('<p>{{ shop.name }}</p>\n<p>{{ recipt.total }}</p>');
  await page.getByRole('button', { name: 'Keep', exact: true }).click();
  await page.getByText('The HTML, line 2').waitFor();
};

/** Those that a picture is taken of in every size and theme. */
export const pages = (shop) => [
  ['today', at('/office')],
  ['payments', at('/office/payments')],
  ['payments-lost', at('/office/payments?state=lost')],
  ...Object.entries(shop.payments).map(([name, id]) => [`payment-${name}`, at(`/office/payments/${id}`)]),
  ...REPORTS.map((kind) => [`report-${kind}`, at(`/office/reports/${kind}`)]),
  ['cash', at('/office/cash')],
  ['reconciliation', at('/office/reconciliation')],
  ['reconciliation-day', at(`/office/reconciliation/${shop.day}`)],
  ['quarantine', opened('/office/quarantine')],
  ['quarantine-decided', at('/office/quarantine?decided=1')],
  ['missing', at('/office/missing')],
  ['devices', opened('/office/devices')],
  ['devices-code', pressed('/office/devices', 'Make a code')],
  ['staff', opened('/office/staff')],
  ['letters', previewed],
  ['letters-refused', refused],
  ['policy', at('/office/policy')],
  ['people', opened('/office/people')],
  ['webhooks', at('/office/webhooks')],
  ['webhook', opened(`/office/webhooks/${shop.webhooks[1]}`)],
  ['shops', at('/office/shops')],
  ['docs', at('/api/v1/docs')],
];

/** The menu, where there is no room for a rail. */
export const menu = async (page, shop) => {
  await page.goto(`${shop.origin}/office`);
  await page.getByRole('button', { name: 'Menu' }).click();
};

/** What somebody sees who only looks at payments and keeps the drawer. */
export const ofCashier = (shop) => [
  ['today', at('/office')],
  ['payment', at(`/office/payments/${shop.payments.paid}`)],
  ['cash', at('/office/cash')],
];

/** Those for whoever is not in. */
export const outside = (shop) => [
  ['sign-in', at('/office/sign-in')],
  ['welcome', at(shop.welcome)],
  ['link-over', at('/office/welcome/of-nobody')],
];
