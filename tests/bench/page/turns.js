// Contenders in turns: A B C, then B C A, then C A B … Nobody is always first, nobody is always after the slowest.

/** Calls every contender once per round; each returns the milliseconds that count. Gives samples by name. */
export async function inTurns({ contenders, rounds, warmups, what }) {
  const names = Object.keys(contenders);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -warmups; round < rounds; round++) {
    const first = (((round % names.length) + names.length) % names.length);
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const took_ms = await contenders[name]();
      if (round >= 0) samples[name].push(took_ms);
    }
    await globalThis.benchSays(round < 0 ? `${what}: warming up` : `${what}: round ${round + 1} of ${rounds}`);
  }
  return samples;
}
