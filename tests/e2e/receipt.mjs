// The customer's side of a declined payment: the live receipt on a phone, where it is paid again by card. A real browser, the real server; the
// sale and its decline come from a tablet without a browser. What goes over the line is looked at for card numbers.

import { join } from "node:path";
import { chromium } from "playwright-core";
import { ALL_PANS, DECLINED_05, DECLINED_51, MASTERCARD, VISA } from "./lib/cards.mjs";
import { LIMIT_MS, assert, assertEqual, check, main, onEnd, until, workPath } from "./lib/run.mjs";
import { startServer } from "./lib/server.mjs";
import { enrolTablet } from "./lib/tablet.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"];
const SHOTS = workPath("shots");

/** Everything that the page sent, and what the browser complained of. */
function listen(page) {
  const heard = { requests: [], problems: [] };
  page.on("request", (request) => heard.requests.push({ method: request.method(), url: request.url(), body: request.postData() ?? "" }));
  page.on("pageerror", (error) => heard.problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/net::ERR_|Failed to load resource/.test(message.text())) heard.problems.push(message.text());
  });
  return heard;
}

const posts = (heard) => heard.requests.filter((request) => request.method === "POST");
const shows = (page, state) => page.locator(`[data-testid=live-receipt][data-state=${state}]`).waitFor({ timeout: LIMIT_MS });
const shot = async (page, name) => {
  await page.waitForTimeout(60);
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
};

async function type(page, pan, expiry = "12/30") {
  await page.locator("#pay-number").pressSequentially(pan);
  await page.locator("#pay-expiry").pressSequentially(expiry.replace("/", ""));
}

await main("receipt", async () => {
  const server = await startServer();
  const tablet = await enrolTablet(server);
  await tablet.learnKeys();
  const browser = await chromium.launch({ executablePath: process.env.HOLDFAST_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  onEnd("the browser", () => browser.close());

  /** A sale whose card was declined, and the address of its receipt. */
  const sale = async (pan = DECLINED_51) => {
    const payment = tablet.payment({ pan });
    tablet.acks(await tablet.upload([payment.text]));
    const { state, receipt } = await until("the payment is settled", async () => {
      const view = await tablet.state(payment.id);
      return ["captured", "declined"].includes(view.state) && view;
    });
    return { id: payment.id, state, address: server.origin + receipt };
  };
  const open = async (address, settings = {}) => {
    const context = await browser.newContext({ ...PHONE, locale: "en-GB", timezoneId: "Europe/Dublin", ...settings });
    context.setDefaultTimeout(LIMIT_MS);
    const page = await context.newPage();
    const heard = listen(page);
    await page.goto(address);
    return { context, page, heard };
  };
  /** Captures of a sale: of the payment that was declined, and of all that were made in its place. */
  const captured = async (id) => {
    const [{ captures_per_reference: of }, all] = [await server.ledger(), await tablet.payments()];
    const chain = [id];
    for (let next = all.find((p) => p.id === id).replaced_by; next; next = all.find((p) => p.id === next).replaced_by) chain.push(next);
    return { count: chain.reduce((sum, one) => sum + (of[one] ?? 0), 0), chain, last: all.find((p) => p.id === chain.at(-1)) };
  };

  await check("a declined payment is paid on a phone, by a double click, and the page turns to paid by itself", async () => {
    const { id, address } = await sale();
    const { context, page, heard } = await open(address);
    await shows(page, "declined");
    await page.locator("[data-testid=pay] form").waitFor();
    await shot(page, "phone-declined");
    await page.locator("[data-testid=pay] button[type=submit]").click();
    await page.locator("#pay-number[aria-invalid=true]").waitFor();
    await type(page, "4242424242424241");
    await page.locator("[data-testid=pay] button[type=submit]").click();
    await page.locator(".say:has-text('Check the card number')").waitFor();
    await shot(page, "phone-wrong-number");
    await page.locator("#pay-number").fill("");
    await page.locator("#pay-expiry").fill("");
    await type(page, VISA, "01/20");
    await page.locator("[data-testid=pay] button[type=submit]").click();
    await page.locator("#pay-expiry[aria-invalid=true]").waitFor();
    await page.locator("#pay-expiry").fill("");
    await page.locator("#pay-expiry").pressSequentially("1230");
    assertEqual(await page.locator("#pay-number").inputValue(), "4242 4242 4242 4242", "the number in groups");
    assertEqual(await page.locator("#pay-expiry").inputValue(), "12/30", "the date with its stroke");
    assertEqual(posts(heard).length, 0, "nothing was sent before it was right");
    await page.locator("[data-testid=pay] button[type=submit]").dblclick({ noWaitAfter: true });
    await shows(page, "paid");
    await shot(page, "phone-paid");
    const { count, chain, last } = await captured(id);
    assertEqual([count, chain.length, last.state, last.entry, last.offline], [1, 2, "captured", "keyed", false], "one capture");
    assertEqual(last.replaces, id, "it names the payment that it was made in place of");
    assertEqual([...new Set(posts(heard).map((p) => JSON.parse(p.body).id))], [last.id], "one id, made in the browser");
    for (const text of ["Visa ending 4242", "Visa ending 9995: not paid"]) await page.getByText(text, { exact: true }).waitFor();
    const said = JSON.stringify(heard.requests);
    for (const pan of [...ALL_PANS, "4242 4242 4242 4242"]) assert(!said.includes(pan), "a card number went over the line");
    assertEqual(heard.problems, [], "the browser's complaints");
    const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
    assertEqual(kept, [0, 0, ""], "what the page left in the browser");
    await context.close();
  });

  await check("of two who pay one receipt at once one is charged, and both pages show it", async () => {
    const { id, address } = await sale();
    const [one, two] = [await open(address), await open(address)];
    await Promise.all([type(one.page, VISA), type(two.page, MASTERCARD)]);
    await Promise.all([one, two].map(({ page }) => page.locator("[data-testid=pay] button[type=submit]").click({ noWaitAfter: true })));
    await Promise.all([shows(one.page, "paid"), shows(two.page, "paid")]);
    assertEqual((await captured(id)).count, 1, "captures");
    assertEqual([...one.heard.problems, ...two.heard.problems], [], "the browsers' complaints");
    await Promise.all([one.context.close(), two.context.close()]);
  });

  await check("an answer that is lost is asked for with the very same body", async () => {
    const { id, address } = await sale();
    const { context, page, heard } = await open(address);
    let lost = 0;
    await page.route("**/payments", async (route) => {
      if (lost >= 2) return route.continue();
      lost += 1;
      await route.fetch();
      return route.abort("connectionreset");
    });
    await type(page, VISA);
    await page.locator("[data-testid=pay] button[type=submit]").click({ noWaitAfter: true });
    await page.locator("[data-testid=pay-again]").waitFor();
    await shot(page, "phone-no-connection");
    await page.locator("[data-testid=pay-again]").click({ noWaitAfter: true, timeout: 5_000 }).catch(() => {});
    await shows(page, "paid");
    assert(posts(heard).length >= 3, `${posts(heard).length} requests`);
    assertEqual(new Set(posts(heard).map((p) => p.body)).size, 1, "bodies");
    assertEqual((await captured(id)).count, 1, "captures");
    await context.close();
  });

  await check("without a connection it waits, and goes when there is one", async () => {
    const { id, address } = await sale();
    const { context, page } = await open(address);
    await type(page, VISA);
    await context.setOffline(true);
    await page.locator("[data-testid=pay] button[type=submit]").click({ noWaitAfter: true });
    await page.locator("[data-testid=pay-again]").waitFor();
    assertEqual([await page.locator("#pay-number").inputValue(), await page.locator("#pay-expiry").inputValue()], ["", ""], "the fields");
    await context.setOffline(false);
    await shows(page, "paid");
    assertEqual((await captured(id)).count, 1, "captures");
    await context.close();
  });

  await check("a card that is declined is said, and another one may be tried", async () => {
    const { id, address } = await sale();
    const { context, page } = await open(address, { colorScheme: "dark" });
    await shot(page, "phone-declined-dark");
    await type(page, DECLINED_05);
    await page.locator("[data-testid=pay] button[type=submit]").click({ noWaitAfter: true });
    await page.locator("[data-testid=live-receipt][data-attempt='1'][data-state=declined]").waitFor();
    await page.getByText("Visa ending 9995: not paid", { exact: true }).waitFor();
    await shot(page, "phone-declined-again-dark");
    await type(page, MASTERCARD);
    await page.locator("[data-testid=pay] button[type=submit]").click({ noWaitAfter: true });
    await shows(page, "paid");
    await page.getByText("Mastercard ending 4444", { exact: true }).waitFor();
    const { count, chain, last } = await captured(id);
    assertEqual([count, chain.length, last.brand, last.last4], [1, 3, "mastercard", "4444"], "the third payment");
    await context.close();
  });

  await check("a page that is loaded anew while the bank is asked turns by itself, and so does one that only looks on", async () => {
    const { id, address } = await sale();
    const { context, page } = await open(address);
    const watcher = await open(address);
    await server.script([{ kind: "delay", ms: 6_000 }]);
    await type(page, VISA);
    await page.locator("[data-testid=pay] button[type=submit]").click({ noWaitAfter: true });
    await page.locator(".say:has-text('on its way')").waitFor();
    await shot(page, "phone-sending");
    await until("the server has it", async () => (await captured(id)).chain.length === 2);
    await page.reload();
    await shows(page, "processing");
    assertEqual(await page.locator("[data-testid=pay]").count(), 0, "it is not offered meanwhile");
    await shot(page, "phone-processing");
    await shows(page, "paid");
    await shows(watcher.page, "paid");
    assertEqual((await captured(id)).count, 1, "captures");
    await Promise.all([context.close(), watcher.context.close()]);
  });

  await check("the page turns no text into markup or script, and its form goes nowhere by itself", async () => {
    const { address } = await sale();
    const { context, page } = await open(address);
    const said = await page.evaluate(() => {
      const attempt = (run) => { try { run(); return "it went through"; } catch (error) { return error.name; } };
      return [
        attempt(() => { document.body.innerHTML = "<p>text</p>"; }),
        attempt(() => { trustedTypes.createPolicy("any", {}); }),
        attempt(() => { setTimeout("window.wasRun = true", 0); }),
      ];
    });
    assertEqual(said, ["TypeError", "TypeError", "TypeError"], "what was tried");
    await page.locator("#pay-number").fill(VISA);
    await page.evaluate(() => HTMLFormElement.prototype.submit.call(document.querySelector("form")));
    await page.waitForTimeout(500);
    assertEqual(page.url(), address, "the address");
    assertEqual(await page.evaluate(() => [window.wasRun === undefined, [...new FormData(document.querySelector("form"))].length]), [true, 0], "what a form would hold");
    await context.close();
  });

  await check("what is paid, or was declined for ever, offers nothing and needs no script", async () => {
    for (const pan of [VISA, "4000000000000044"]) {
      const { address } = await sale(pan);
      const { context, page } = await open(address, { javaScriptEnabled: false });
      assertEqual([await page.locator("[data-testid=pay]").count(), await page.locator("script").count()], [0, 0], "on the page");
      await context.close();
    }
    const { address } = await sale();
    const { context, page } = await open(address, { javaScriptEnabled: false });
    assert(!(await page.locator("[data-testid=pay]").isVisible()), "a form that cannot seal is shown");
    await context.close();
  });
});
