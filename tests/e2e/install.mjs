// What a browser demands of a page before it may be installed, asked of the browser itself; the icons, which it only names; and
// that the installed till starts with no network.

import { startBrowser } from "./lib/browser.mjs";
import { assert, assertEqual, check, main, until, workPath } from "./lib/run.mjs";
import { startServer } from "./lib/server.mjs";
import { openTill } from "./lib/till.mjs";

main("install", async () => {
  const server = await startServer({ name: "install-server" });
  await brokenLoading(server);
  const browser = await startBrowser({ origin: server.origin, profile: workPath("install", "profile"), name: "install" });
  const till = await openTill(browser, server.origin);
  await till.enrol();
  await till.readyForOutage();
  const session = await browser.context.newCDPSession(till.page);
  const inPage = (address) => new URL(address, `${server.origin}/`).href;
  const size = (address) => till.page.evaluate(sizeOf, inPage(address));

  await check("Chromium finds nothing that forbids installing", async () => {
    await until("no complaint", async () => {
      const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
      assertEqual(installabilityErrors.map((e) => e.errorId), [], "complaints");
      return true;
    }, { every_ms: 500 });
  });
  let manifest;
  await check("Chromium reads the manifest without an error", async () => {
    const { errors, data, url } = await session.send("Page.getAppManifest");
    assertEqual(errors, [], "errors");
    manifest = JSON.parse(data);
    assertEqual([inPage(manifest.start_url), inPage(manifest.scope)], [inPage("/"), inPage("/")], "start and scope");
    assert(["standalone", "fullscreen"].includes(manifest.display), `display ${manifest.display}`);
    return new URL(url).pathname;
  });
  await check("every icon loads and is as large as the manifest says", async () => {
    for (const { src, sizes } of manifest.icons) {
      const [width, height] = await size(src);
      assert(width > 0, `${src} does not load`);
      if (sizes !== "any") assertEqual(`${width}x${height}`, sizes, src);
    }
    const has = (purpose, wanted) => manifest.icons.some((icon) => (icon.purpose ?? "any").includes(purpose) && icon.sizes === wanted);
    const missing = ["192x192", "512x512"].flatMap((s) => ["any", "maskable"].filter((p) => !has(p, s)).map((p) => `${p} ${s}`));
    assertEqual(missing, [], "icons that are missing");
    return `${manifest.icons.length} icons`;
  });
  await check("an iPad has its icon too: square, large enough, and nothing of it transparent", async () => {
    const href = await till.page.locator("link[rel=apple-touch-icon]").getAttribute("href");
    const [width, height, transparent] = await size(href);
    assert(width === height && width >= 180, `${href} is ${width}x${height}`);
    assertEqual(transparent, 0, "transparent pixels, which iPadOS paints black");
  });
  await offline(server, till, manifest, inPage);
  await browser.close();
});

/** A first visit while the network comes and goes: whatever does not arrive is asked for again, and nobody has to reload. */
async function brokenLoading(server) {
  const files = [
    ["a stylesheet", /\/sell-\w+\.css$/, 3],
    ["the app", /\/holdfast-till-\w+\.wasm$/, 3],
    ["the service worker's engine", /\/holdfast-service-worker_bg\.wasm$/, 2],
    ["everything", /\.(css|js|wasm)$/, 1],
  ];
  for (const [index, [what, pattern, failures]] of files.entries()) {
    await check(`a first visit goes on by itself when ${what} did not arrive at first`, async () => {
      const name = `broken-${index}`;
      const browser = await startBrowser({ origin: server.origin, profile: workPath(name, "profile"), name });
      const failed = new Map();
      await browser.context.route(pattern, (route) => {
        const url = route.request().url();
        const times = failed.get(url) ?? 0;
        failed.set(url, times + 1);
        return times < failures ? route.abort("connectionfailed") : route.continue();
      });
      const till = await openTill(browser, server.origin);
      await till.enrol();
      await till.readyForOutage();
      assert([...failed.values()].some((times) => times > failures), "nothing was made to fail, or nothing was asked for again");
      const unstyled = await till.page.evaluate(() => [...document.styleSheets].filter((sheet) => sheet.cssRules.length === 0).length);
      assertEqual(unstyled, 0, "stylesheets without rules");
      await browser.close();
    });
  }
}

/** The server dies: what the installed till is started with must come from the service worker. */
async function offline(server, till, manifest, inPage) {
  await server.kill();
  for (const address of new Set([manifest.start_url, manifest.scope, "/?source=home", "/any/page/of/the/till"])) {
    await check(`with the server dead, ${address} is answered by the service worker`, async () => {
      const answer = await till.page.goto(inPage(address));
      assert(answer.ok() && answer.fromServiceWorker(), `status ${answer.status()}, ${answer.fromServiceWorker()}`);
      await till.ready();
    });
  }
  await check("and so are the manifest and its icons", async () => {
    const files = ["/manifest.webmanifest", ...manifest.icons.map((icon) => icon.src)];
    const statuses = await till.page.evaluate((all) => Promise.all(all.map(async (file) => (await fetch(file)).status)), files);
    assertEqual(statuses, files.map(() => 200), "statuses");
  });
}

/** Runs in the page: width, height and how many pixels are not opaque. */
async function sizeOf(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth || 1, image.naturalHeight || 1);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return [image.naturalWidth, image.naturalHeight, data.filter((value, at) => at % 4 === 3 && value < 255).length];
}
