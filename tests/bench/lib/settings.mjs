// What may be set, by flag or by environment: `--seal-rounds 20` or HOLDFAST_BENCH_SEAL_ROUNDS=20. `cargo xtask bench` hands on
// parts and --json only, so everything else can be said in the environment too.

export const PARTS = ["seal", "save", "drain"];

const BROWSERS = ["chromium", "firefox"];

/** name: [default, smoke, what it is] */
const COUNTS = {
  "seal-rounds": [60, 3, "rounds of the sealing measurement"],
  "seal-batch": [8, 2, "seals of each kind in a round; the round's time is divided by it"],
  "save-rounds": [60, 3, "payments that each way of saving stores"],
  "drain-count": [1000, 6, "payments that wait before a drain"],
  "drain-delayed-count": [100, 4, "payments that wait before a drain over the delayed line; 0 leaves it out"],
  "drain-watched-count": [50, 3, "payments of the drain that is watched to see where its time goes; 0 leaves it out"],
  "drain-delay-ms": [50, 20, "delay in each direction of that line"],
};

export const USAGE = `node tests/bench/run.mjs [seal] [save] [drain] [--json FILE] [--smoke] [--NAME N …]

  --smoke                   tiny counts: shows that the bench works, measures nothing
  --browser NAME            chromium or firefox (chromium)
${Object.entries(COUNTS)
  .map(([name, [usual, , about]]) => `  --${name} N`.padEnd(28) + `${about} (${usual})`)
  .join("\n")}

Every flag can be given as an environment variable: HOLDFAST_BENCH_SMOKE=1, HOLDFAST_BENCH_BROWSER=firefox, HOLDFAST_BENCH_SEAL_ROUNDS=20.`;

/** Reads flags, then environment, then the defaults. */
export function settings(argv, env) {
  const words = argv.flatMap((word) => (/^--[^=]+=/.test(word) ? split(word) : [word]));
  const found = { parts: [], json: undefined, smoke: isSet(env.HOLDFAST_BENCH_SMOKE), help: false };
  found.browser = env.HOLDFAST_BENCH_BROWSER ?? BROWSERS[0];
  const given = {};
  while (words.length > 0) {
    const word = words.shift();
    const name = word.replace(/^--/, "");
    if (word === "--smoke") found.smoke = true;
    else if (word === "--help" || word === "-h") found.help = true;
    else if (word === "--json") found.json = value(word, words);
    else if (word === "--browser") found.browser = value(word, words);
    else if (word.startsWith("--") && name in COUNTS) given[name] = count(word, value(word, words));
    else if (PARTS.includes(word)) found.parts.push(word);
    else throw new Error(`\`${word}\` is neither a part (${PARTS.join(", ")}) nor an option; see --help`);
  }
  if (!BROWSERS.includes(found.browser)) throw new Error(`\`${found.browser}\` is none of ${BROWSERS.join(", ")}`);
  if (found.parts.length === 0) found.parts = PARTS;
  for (const [name, [usual, smoke]] of Object.entries(COUNTS)) {
    const variable = `HOLDFAST_BENCH_${name.replaceAll("-", "_").toUpperCase()}`;
    const fromEnv = env[variable] === undefined ? undefined : count(variable, env[variable]);
    found[camel(name)] = given[name] ?? fromEnv ?? (found.smoke ? smoke : usual);
  }
  return found;
}

function split(word) {
  const at = word.indexOf("=");
  return [word.slice(0, at), word.slice(at + 1)];
}

function value(word, words) {
  if (words.length === 0) throw new Error(`${word} needs a value`);
  return words.shift();
}

function count(name, text) {
  if (!/^\d{1,6}$/.test(text)) throw new Error(`\`${text}\` is not a number for ${name}`);
  return Number(text);
}

const isSet = (text) => text !== undefined && text !== "" && text !== "0";
const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
