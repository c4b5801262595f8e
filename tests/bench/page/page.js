// The page that measures. Each part runs all contenders in this one page, in turns, so that what else the machine does
// falls on all of them alike.

import initialise from "/pkg/till.js";
import { fill, send } from "./drain.js";
import { save } from "./save.js";
import { seal } from "./seal.js";

globalThis.bench = { seal, save, fill, send, span: (name, ms) => globalThis.benchSpan?.(name, ms) };
await initialise();
globalThis.bench.ready = true;
