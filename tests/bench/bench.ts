/**
 * The bench: measures the daemon beside what is possible at all and beside postfix-mta-sts-resolver.
 *
 *   deno task bench [--rounds N] [--seconds S] [--only PART,…] [--json FILE] [--svg DIRECTORY]
 *   deno task bench --first-contact [--rounds N] [--seconds S] [--json FILE]
 *   deno task bench --quick
 *
 * Without `--quick` it needs root, and what `missingForPeers()` names. Parts: answers, contact, growth,
 * footprint, distance; `--first-contact` has one of its own, see `short.ts`, and distance. Where `TLSPOL` names a
 * postfix-tlspol, it takes part.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { runAnswers } from "./answers.ts";
import { Figures } from "./figures.ts";
import { DISTANCE_MS, runDistance, runFirstContact } from "./first_contact.ts";
import { runFileCosts, runMemory, runStarts } from "./footprint.ts";
import { makeSeeds, runGrowth } from "./growth.ts";
import floors from "./floor.json" with { type: "json" };
import { enterNamespace, isInside, missingForPeers, startPeers } from "./peers.ts";
import { processorPins } from "./process.ts";
import { buildPrograms } from "./programs.ts";
import { runQuick } from "./quick.ts";
import type { Bench } from "./race.ts";
import { runShort, SHORT } from "./short.ts";
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

/** Needs peers of its own. */
const DISTANCE = "distance";

/** What can be named. */
const PART_NAMES = [...Object.keys(PARTS), DISTANCE];

/** Of the whole bench, where nothing else is said. */
const WHOLE = { rounds: 5, seconds: 1 };

/** Many short rounds: among them are some in which nobody else wanted the processors. Seconds. */
const QUICK = { rounds: 15, seconds: 0.2 };

interface Options {
  readonly quick: boolean;
  readonly "first-contact": boolean;
  readonly rounds: string;
  readonly seconds: string;
  readonly only: string;
  readonly json: string;
  readonly svg: string;
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseArgs([...args], {
    boolean: ["quick", "first-contact"],
    string: ["rounds", "seconds", "only", "json", "svg"],
    default: { rounds: "", seconds: "", only: "", json: "", svg: "" },
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
  const short = options["first-contact"];
  const usual = short ? SHORT : WHOLE;
  const rounds = parseInt(options.rounds || String(usual.rounds), 10);
  const seconds = parseFloat(options.seconds || String(usual.seconds));
  if (!(rounds >= 1 && seconds > 0)) throw new Error("--rounds and --seconds must be positive");
  const parts = short ? [DISTANCE] : (options.only || PART_NAMES.join()).split(",");
  const unknown = parts.find((part) => !PART_NAMES.includes(part));
  if (unknown !== undefined) throw new Error(`No part '${unknown}': ${PART_NAMES}`);
  await using bench = await prepare({ rounds, seconds });
  const near = parts.filter((part) => part !== DISTANCE);
  if (short || near.length > 0) {
    await withPeers(bench, undefined, async (inside) => {
      // The parts that need the files, need the same ones.
      if (near.some((part) => part === "growth" || part === "footprint")) makeSeeds(inside);
      if (short) await runShort(inside);
      for (const part of near) {
        console.error(`measuring: ${part}`);
        await PARTS[part]!(inside);
      }
    });
  }
  if (parts.includes(DISTANCE)) await withPeers(bench, DISTANCE_MS, runDistance);
  writeReport(bench.figures, options);
}

/** @param delay What each packet to the peers takes, ms; `undefined` has them on loopback. */
async function withPeers(
  bench: Bench,
  delay: number | undefined,
  measure: (inside: Bench) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ dir: bench.place.directory });
  const wire = delay === undefined ? undefined : { program: bench.programs.wire, delay };
  await using peers = await startPeers({ directory, pin: processorPins().others, wire });
  const { authority, address } = peers;
  await measure({ ...bench, place: { ...bench.place, authority, names: address } });
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
