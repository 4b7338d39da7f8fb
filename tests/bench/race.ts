/**
 * Races: one load after the other on the servers in turn, so that whatever slows the machine for a while
 * slows all of them.
 *
 * @module
 */

import { memoryOf } from "../fakes/memory.ts";
import type { Figures } from "./figures.ts";
import { cpuTime } from "./process.ts";
import type { Load, LoadResult, Programs } from "./programs.ts";
import type { Place, Server } from "./servers.ts";

/** What all parts of the bench share. */
export interface Bench {
  readonly figures: Figures;
  readonly programs: Programs;
  readonly place: Place;
  /** Rounds of each race. */
  readonly rounds: number;
  /** Length of a load, seconds. */
  readonly seconds: number;
}

/** The right answer to each request of a load; `any` where a load mixes several, or a bare server answers. */
export type Expected = "ok" | "notfound" | "any";

/** A load for a number of servers. */
export interface Race {
  readonly scenario: string;
  readonly servers: readonly Server[];
  readonly expected: Expected;
  /** The load of a round, from 0. */
  load(round: number): Load;
}

/**
 * Runs a race and notes rate, latency, CPU time and memory.
 *
 * @throws {Error} If a server answers wrongly: how fast it does so is of no interest.
 */
export async function race(
  bench: Bench,
  { scenario, servers, expected, load }: Race,
): Promise<void> {
  for (let round = 0; round < bench.rounds; round++) {
    for (const server of servers) {
      const cpu = cpuTime(server.pid);
      const result = await bench.programs.load(server, {
        seconds: bench.seconds,
        seed: round + 1,
        ...load(round),
      });
      requireAnswers(result, { scenario, server: server.name, expected });
      bench.figures.add({ scenario, server: server.name }, {
        rate: result.rate,
        p50: result.p50,
        p99: result.p99,
        cpu: (cpuTime(server.pid) - cpu) * 1000 / result.requests,
        rss: memoryOf(server.pid),
      });
    }
  }
}

function requireAnswers(
  result: LoadResult,
  { scenario, server, expected }: { scenario: string; server: string; expected: Expected },
): void {
  const wrong = expected === "any" || server.endsWith(" echo")
    ? 0
    : result.requests - result[expected];
  if (wrong > 0) {
    throw new Error(`${server}: ${wrong} of ${result.requests} wrong answers: ${scenario}`);
  }
}

/**
 * Has a server learn or load its domains, and the engine warm up.
 *
 * @param load What to ask, until all is answered with `OK`.
 * @throws {Error} If it does not learn them.
 */
export async function warmUp(bench: Bench, server: Server, load: Load): Promise<void> {
  const once = { connections: 10, seconds: 60, ...load };
  await bench.programs.load(server, once);
  const result = await bench.programs.load(server, once);
  requireAnswers(result, { scenario: "warm-up", server: server.name, expected: "ok" });
}
