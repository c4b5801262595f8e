// The page that measures. Each part runs all contenders in this one page, in turns, so that what else the machine does
// falls on all of them alike.

import initialise from "/pkg/till.js";
import { seal } from "./seal.js";

globalThis.bench = { seal };
await initialise();
globalThis.bench.ready = true;
