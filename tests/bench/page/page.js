// The page that measures. Each part runs all contenders in this one page, in turns, so that what else the machine does
// falls on all of them alike.

import initialise from "/pkg/till.js";
import { fill, send, watchSend } from "./drain.js";
import { save } from "./save.js";
import { seal } from "./seal.js";

globalThis.bench = { seal, save, fill, send, watchSend, span: (name, ms) => globalThis.benchSpan?.(name, ms) };
// Whoever listens to what is being done has said so before the page was loaded.
globalThis.benchSays ??= async () => {};
await initialise();
globalThis.bench.ready = true;
