// A device that cannot lose money: what a till takes while nobody answers, and what its lamps say. Lines that begin with "complaint" stand for one
// that sellers make about other tills.

import { caps } from './caps.mjs';
import { clock } from './clock.mjs';
import { lamps } from './lamps.mjs';
import { judge } from '../look/judge.mjs';
import { startBrowser, startServer } from '../look/till.mjs';

const { check, end } = judge();
const only = process.argv.slice(2);
const browser = await startBrowser();
try {
  for (const part of [caps, clock, lamps]) {
    if (only.length && !only.includes(part.name)) continue;
    // Each on books of its own: what one till takes is no matter of the next.
    const server = await startServer();
    try {
      await part(browser, server, check);
    } catch (error) {
      check(`${part.name}: comes to its end`, [error.stack ?? String(error)]);
    } finally {
      await server.stop();
    }
  }
} finally {
  await browser.close();
}
end();
