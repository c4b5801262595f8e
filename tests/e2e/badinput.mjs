// Bad input, both ways: what a broken or hostile tablet sends to the real server over real HTTP, and what a broken or
// hostile network answers to the real page. Nothing bad is believed, nothing good is held up, nothing is charged twice.

import { main } from "./lib/run.mjs";
import { serverSide } from "./badinput/server-side.mjs";
import { pageSide } from "./badinput/page-side.mjs";

main("badinput", async () => {
  await serverSide();
  await pageSide();
});
