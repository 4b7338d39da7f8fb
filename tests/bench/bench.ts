/**
 * The bench: measures the daemon beside what is possible at all and beside postfix-mta-sts-resolver.
 *
 *   deno task bench [--rounds N] [--seconds S] [--only PART,…] [--json FILE] [--svg DIRECTORY]
 *   deno task bench --quick
 *
 * Without `--quick` it needs root, and what `missingForPeers()` names. Parts: answers, contact, growth,
 * footprint.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { runAnswers } from "./answers.ts";
import { Figures } from "./figures.ts";
import { runFirstContact } from "./first_contact.ts";
import { runFileCosts, runMemory, runStarts } from "./footprint.ts";
import { makeSeeds, runGrowth } from "./growth.ts";
import floors from "./floor.json" with { type: "json" };
import { enterNamespace, isInside, missingForPeers, startPeers } from "./peers.ts";
import { processorPins } from "./process.ts";
import { buildPrograms } from "./programs.ts";
import { runQuick } from "./quick.ts";
import type { Bench } from "./race.ts";
import { writeReport } from "./report.ts";

/** The parts of the whole bench, in their order. */
const PARTS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  answers: runAnswers,
  contact: runFirstContact,
  growth: runGrowth,
  footprint: async (bench) => {
    await runStarts(bench);
    await runMemory(bench);
    runFileCosts(bench);
  },
};

/** Many short rounds: among them are some in which nobody else wanted the processors. Seconds. */
const QUICK = { rounds: 15, seconds: 0.2 };

interface Options {
  readonly quick: boolean;
  readonly rounds: string;
  readonly seconds: string;
  readonly only: string;
  readonly json: string;
  readonly svg: string;
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseArgs([...args], {
    boolean: ["quick"],
    string: ["rounds", "seconds", "only", "json", "svg"],
    default: { rounds: "5", seconds: "1", only: Object.keys(PARTS).join(), json: "", svg: "" },
    unknown: (argument) => {
      throw new Error(`Unknown: '${argument}'. See the head of bench.ts`);
    },
  }) as unknown as Options;
  if (options.quick) return await runQuickly();
  const missing = missingForPeers();
  if (missing !== "") throw new Error(`Needs ${missing}`);
  if (!isInside()) return await enterNamespace(import.meta.filename!, args);
  await runWhole(options);
  return 0;
}

async function runQuickly(): Promise<number> {
  await using bench = await prepare(QUICK);
  const verdicts = await runQuick(bench, floors);
  for (const { scenario, ratio, recorded, holds } of verdicts) {
    const word = holds ? "ok  " : "FAIL";
    console.log(
      `${word} ${scenario}: ${ratio.toFixed(2)} of the bare server, recorded ${recorded}`,
    );
  }
  const failed = verdicts.filter(({ holds }) => !holds).length;
  console.log(`${verdicts.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function runWhole(options: Options): Promise<void> {
  const rounds = parseInt(options.rounds, 10);
  const seconds = parseFloat(options.seconds);
  if (!(rounds >= 1 && seconds > 0)) throw new Error("--rounds and --seconds must be positive");
  const parts = options.only.split(",");
  const unknown = parts.find((part) => !Object.hasOwn(PARTS, part));
  if (unknown !== undefined) throw new Error(`No part '${unknown}': ${Object.keys(PARTS)}`);
  await using bench = await prepare({ rounds, seconds });
  await using peers = await startPeers(bench.place.directory, processorPins().others);
  const inside = { ...bench, place: { ...bench.place, authority: peers.authority } };
  // The parts that need the files, need the same ones.
  if (parts.some((part) => part === "growth" || part === "footprint")) makeSeeds(inside);
  for (const part of parts) {
    console.error(`measuring: ${part}`);
    await PARTS[part]!(inside);
  }
  writeReport(bench.figures, options);
}

async function prepare(
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Bench & AsyncDisposable> {
  const directory = await Deno.makeTempDir();
  const pins = processorPins();
  return {
    figures: new Figures(),
    programs: await buildPrograms(directory, pins.others),
    place: { directory, pin: pins.measured },
    rounds,
    seconds,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
