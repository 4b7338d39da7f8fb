/**
 * Feeds every reader of remote octets with inputs made at random from good ones:
 *
 *     deno task fuzz SECONDS [SEED [TARGET]]
 *
 * so long for each target. What fails is printed and kept in `tests/fuzz/cases/`, which the test suite
 * replays; put it into the commit that repairs it. The same seed makes the same inputs.
 *
 * Last line: `N passed, N failed`, one for each target.
 *
 * @module
 */

import { createRandom } from "../fakes/random.ts";
import { minimize, mutate } from "./mutate.ts";
import { explain, type Target, TARGETS } from "./targets.ts";

const CASES = new URL("./cases/", import.meta.url);

/** Inputs that the next ones are made of, beside the good ones: those that went another way through the reader. */
const MAX_KEPT = 500;

/** @returns Whether nothing failed. */
async function fuzz(target: Target, { seconds, seed }: { seconds: number; seed: number }) {
  const random = createRandom(seed);
  const corpus = [...target.corpus];
  const seen = new Set<string>();
  const end = performance.now() + seconds * 1000;
  let runs = 0;
  for (; performance.now() < end; runs++) {
    const input = runs < target.corpus.length
      ? target.corpus[runs]!
      : mutate(random.pick(corpus), { random, corpus });
    const { problem, outcome } = await explain(target, input);
    if (problem !== undefined) {
      await keep(target, input, problem);
      return false;
    }
    // A new outcome is worth to go on from.
    if (seen.has(outcome) || corpus.length >= target.corpus.length + MAX_KEPT) continue;
    seen.add(outcome);
    corpus.push(input);
  }
  console.log(`${target.name}: ${runs} inputs, ${seen.size} outcomes`);
  return true;
}

async function keep(target: Target, input: Uint8Array, problem: string): Promise<void> {
  const least = await minimize(
    input,
    async (bytes) => (await explain(target, bytes)).problem !== undefined,
  );
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", least.slice()));
  const file = new URL(`${target.name}.${digest.toHex().slice(0, 12)}.hex`, CASES);
  await Deno.mkdir(CASES, { recursive: true });
  await Deno.writeTextFile(file, `${least.toHex()}\n`);
  console.error(`${target.name}: ${problem}`);
  console.error(`  input, ${least.length} octets in hexadecimal: ${least.toHex()}`);
  console.error(`  kept as ${file.pathname}`);
}

if (import.meta.main) {
  const [seconds = "10", given, name] = Deno.args;
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : parseInt(given, 10);
  const chosen = TARGETS.filter((target) => name === undefined || target.name === name);
  if (!(parseFloat(seconds) > 0) || !Number.isInteger(seed) || chosen.length === 0) {
    console.error("Usage: deno task fuzz SECONDS [SEED [TARGET]]");
    Deno.exit(2);
  }
  console.log(`seed ${seed}`);
  let passed = 0;
  for (const target of chosen) {
    if (await fuzz(target, { seconds: parseFloat(seconds), seed })) passed++;
  }
  console.log(`${passed} passed, ${chosen.length - passed} failed`);
  Deno.exit(passed === chosen.length ? 0 : 1);
}
