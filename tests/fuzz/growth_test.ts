import { assert } from "@std/assert";
import { threadTime } from "../fakes/cpu_time.ts";
import { GROWTH_TABLE } from "./growth_table.ts";
import type { GrowthRow } from "./growth_table.ts";

/** From a quarter of the input to all of it: 4 in proportion, 16 where time grows with the square. */
const MAX_GROWTH = 8;

/** Enough to tell from the grain of the time, ms. */
const MIN_BATCH_MS = 2;

/** What takes less than this at its limit does no harm, however it grows, ms. */
const HARMLESS_MS = 0.25;

/** The least of several counts, since the collector of garbage and a busy machine only add. */
const ROUNDS = 3;

/** Tries of a row that seems to grow too fast. */
const TRIES = 4;

async function timeOf(run: () => unknown, times: number): Promise<number> {
  const start = threadTime();
  for (let left = times; left > 0; left--) {
    const result = run();
    if (result instanceof Promise) await result;
  }
  return (threadTime() - start) / times;
}

/** The least time of one run, over batches that are long enough to be measured. */
async function least(run: () => unknown): Promise<number> {
  let times = 1;
  let found = await timeOf(run, times);
  while (found * times < MIN_BATCH_MS) {
    times *= 4;
    found = await timeOf(run, times);
  }
  for (let left = ROUNDS - 1; left > 0; left--) found = Math.min(found, await timeOf(run, times));
  return found;
}

/** Time of one run at a quarter, half and all of the limit, ms. */
async function measure({ limit, prepare }: GrowthRow): Promise<number[]> {
  const times: number[] = [];
  for (const size of [limit / 4, limit / 2, limit]) {
    times.push(await least(prepare(Math.floor(size))));
  }
  return times;
}

function isInProportion([quarter = 0, half = 0, full = 0]: number[]): boolean {
  return full < HARMLESS_MS || full / quarter < MAX_GROWTH || full / half < MAX_GROWTH / 4;
}

const report = Deno.env.has("GROWTH_REPORT");

for (const row of GROWTH_TABLE) {
  Deno.test(`time grows in proportion: ${row.name}`, async () => {
    let times: number[] = [];
    for (let left = TRIES; left > 0; left--) {
      times = await measure(row);
      if (isInProportion(times)) break;
    }
    const told = times.map((time) => time.toFixed(3)).join(", ");
    if (report) console.log(`${row.name} (${row.limit}): ${told} ms`);
    assert(isInProportion(times), `a quarter, half and all of ${row.limit}: ${told} ms`);
  });
}
