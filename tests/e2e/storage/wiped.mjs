// The database of a tablet is lost while payments wait: its files are damaged between two starts, as after a failing disk, or it is
// deleted. With it goes the device's key. The till starts all the same, finds the payments in its journal, asks to be set up
// anew and carries them up.

import { closeSync, openSync, readdirSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEqual, check, seconds, until } from "../lib/run.mjs";
import { openTill, stores } from "../lib/till.mjs";
import { captured, goOffline, newTablet, sellOffline, settled } from "../outage/steps.mjs";

const SALES = 3;
const DATABASE = "holdfast-money";

export async function wiped(network, server) {
  const tablet = await newTablet(network, server, "wiped");
  await lose(network, server, tablet, "its files are damaged", async () => {
    await tablet.browser.close();
    const damaged = damage(tablet.browser.profile);
    tablet.browser = await tablet.start();
    const started_ms = Date.now();
    tablet.till = await openTill(tablet.browser, server.origin);
    await tablet.till.asksToBeSetUp();
    return `${damaged} files, ${seconds(Date.now() - started_ms)} from the browser's start`;
  });
  await lose(network, server, tablet, "the database is deleted", async () => {
    await tablet.till.page.evaluate(deleteDatabase, DATABASE);
    await tablet.till.page.reload();
    await tablet.till.asksToBeSetUp();
  });
  await tablet.browser.close();
}

/** Takes payments offline, loses the database by `how`, and demands every payment back. */
async function lose(network, server, tablet, how, lost) {
  tablet.name = `wiped, ${how}`;
  await goOffline(network, tablet);
  const sold = await sellOffline(tablet, SALES);
  await check(`${tablet.name}: the till starts offline and asks to be set up`, async () => {
    return lost();
  });
  await check(`${tablet.name}: every payment is back in the queue, from the journal`, async () => {
    const ids = sold.map((p) => p.id).sort();
    await until("all are back", async () => {
      const { outbox, journal } = await stores(tablet.till.page);
      assertEqual(outbox.map((row) => row.id).sort(), ids, "rows");
      assertEqual(journal.length, ids.length, "records in the journal");
      return true;
    });
  });
  const up_ms = Date.now();
  network.linkUp();
  await check(`${tablet.name}: it is set up again when the link is back`, async () => {
    await tablet.till.enrol();
    return seconds(Date.now() - up_ms);
  });
  await captured(tablet.name, server, sold, up_ms, "by the device that took its place");
  await settled(tablet, sold);
}

/** Overwrites 64 bytes in the middle of every file of the browser's databases; gives how many files there were. */
function damage(profile) {
  const databases = join(profile, "Default", "IndexedDB");
  const folders = readdirSync(databases).filter((name) => name.endsWith(".indexeddb.leveldb"));
  const files = folders.flatMap((folder) => readdirSync(join(databases, folder)).map((name) => join(databases, folder, name)));
  const hit = files.filter((path) => /(\.log|\.ldb|MANIFEST-\d+)$/.test(path) && statSync(path).size > 0);
  assert(hit.length > 0, `no database was found under ${databases}`);
  for (const path of hit) {
    const file = openSync(path, "r+");
    writeSync(file, Buffer.alloc(64, 0xa5), 0, 64, Math.max(0, Math.floor(statSync(path).size / 2) - 32));
    closeSync(file);
  }
  return hit.length;
}

/** Runs in the page. The till's own connection gives way when it is told. */
function deleteDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve(true);
    request.onerror = () => reject(request.error);
  });
}
