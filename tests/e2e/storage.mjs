// What a tablet's storage does to money: it is full, it is damaged, it is emptied. A payment is either stored or it is not, and
// the till says which; what was stored is captured once, whatever became of the database.

import { makeNetwork } from "./lib/netns.mjs";
import { assertEqual, check, main } from "./lib/run.mjs";
import { captures, startServer } from "./lib/server.mjs";
import { full } from "./storage/full.mjs";
import { wiped } from "./storage/wiped.mjs";

main("storage", async () => {
  const network = makeNetwork();
  const server = await startServer({ host: network.hostIp, name: "storage-server" });
  await full(network, server);
  await wiped(network, server);
  await check("over the whole run no payment was captured twice", async () => {
    const { counts } = await captures(server);
    const twice = [...counts].filter(([, count]) => count !== 1);
    assertEqual(twice, [], "captured more than once");
    return `${counts.size} payments`;
  });
});
