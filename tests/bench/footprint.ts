/**
 * What the daemon takes while it does little: time to start, memory, and what its cache file costs.
 *
 * @module
 */

import type { CacheFile } from "../../src/cache/cache_file.ts";
import { freePort } from "../fakes/free_port.ts";
import { memoryOf } from "../fakes/memory.ts";
import { KNOWN_KEYS, learnKnown, startContest } from "./contest.ts";
import { DOMAIN_STEPS, seedPath, stepName } from "./growth.ts";
import { pause, writtenToDisk } from "./process.ts";
import type { Bench } from "./race.ts";
import { openSeed, policyOf } from "./seed.ts";
import {
  bareServers,
  daemonForms,
  prepareDaemon,
  preparePython,
  pythonCaches,
  type Runnable,
} from "./servers.ts";

/** Domains on disk at the start. */
export const START_STEPS = [0, 100_000, 1_000_000] as const;

/** A request that every server answers from nothing. */
const PARENT_KEY = ".bench.test";

/** The daemon is idle when it has had so long, ms. */
const IDLE_MS = 4000;

/** Connections that are held open and ask nothing. */
const HELD = 2000;

/** Length of the load under which memory is looked at, seconds. */
const LOAD_SECONDS = 3;

/** Rounds for memory, which hardly varies. */
const MEMORY_ROUNDS = 3;

/** Requests sent ahead, by the name of the scenario. */
const MEMORY_LOADS = {
  "under load, 100 connections": 1,
  "under load, 100 connections × 32 ahead": 32,
};

/** Policies written to see what one costs. */
const WRITES = 1000;

/** Starts programs and measures how long it is to the first answer. */
export async function runStarts(bench: Bench): Promise<void> {
  const { directory } = bench.place;
  for (const domains of START_STEPS) {
    const cache = `${directory}/start-${domains}.db`;
    if (domains > 0) await Deno.copyFile(seedPath(bench, domains), cache);
    const key = domains > 0 ? "d7.bench.test" : PARENT_KEY;
    for (let round = 0; round < bench.rounds; round++) {
      for (const form of daemonForms()) {
        const port = freePort();
        const command = prepareDaemon(bench.place, { ...form, address: String(port), cache });
        const { name } = form;
        await start(bench, { scenario: stepName("start", domains), name, port, key, command });
      }
      if (domains === 0) await startOthers(bench);
    }
  }
}

async function startOthers(bench: Bench): Promise<void> {
  const scenario = stepName("start", 0);
  const key = PARENT_KEY;
  for (const { name, command } of bareServers(bench.programs.echo)) {
    const port = freePort();
    await start(bench, { scenario, name, port, key, command: [...command, String(port)] });
  }
  for (const cache of pythonCaches()) {
    const port = freePort();
    const python = preparePython(bench.place, { cache, address: String(port) });
    await start(bench, { ...python, scenario, port, key });
  }
}

async function start(
  { figures, programs }: Bench,
  what: Runnable & { scenario: string; port: number; key: string },
): Promise<void> {
  const { scenario, name, port, key, command } = what;
  const { ms, cpu, rss } = await programs.start(port, key, command);
  figures.add({ scenario, server: name }, { start: ms, startCpu: cpu, rss });
}

/** Looks at the memory of servers that are idle, that have answered as fast as they can, and with many clients. */
export async function runMemory(bench: Bench): Promise<void> {
  for (let round = 0; round < Math.min(bench.rounds, MEMORY_ROUNDS); round++) {
    await using contest = await startContest(bench, {
      daemons: daemonForms(),
      bare: bareServers(bench.programs.echo).slice(0, 1),
      pythons: pythonCaches().slice(0, 1),
    });
    await pause(IDLE_MS);
    for (const { name, pid } of contest.servers) {
      bench.figures.add({ scenario: "idle", server: name }, { rss: memoryOf(pid) });
    }
    await learnKnown(bench, contest);
    for (const [scenario, depth] of Object.entries(MEMORY_LOADS)) {
      for (const server of contest.servers) {
        const { name, pid } = server;
        const written = writtenToDisk(pid);
        const load = { keys: KNOWN_KEYS, connections: 100, seconds: LOAD_SECONDS, depth };
        await bench.programs.load(server, load);
        bench.figures.add({ scenario, server: name }, {
          rss: memoryOf(pid, "VmHWM"),
          written: writtenToDisk(pid) - written,
        });
      }
    }
    for (const server of contest.servers) {
      const { name, pid } = server;
      const load = { keys: KNOWN_KEYS, connections: 10, rate: 1000, idle: HELD };
      const loading = bench.programs.load(server, { ...load, seconds: LOAD_SECONDS });
      await pause(LOAD_SECONDS * 1000 * 2 / 3);
      bench.figures.add({ scenario: `${HELD} held connections`, server: name }, {
        rss: memoryOf(pid),
      });
      await loading;
    }
  }
}

/** Measures the cache file by itself: opening it, and writing one by one and many at once. */
export function runFileCosts(bench: Bench): void {
  const { figures, place } = bench;
  const server = "cache file";
  for (let round = 0; round < bench.rounds; round++) {
    for (const domains of DOMAIN_STEPS) {
      const started = performance.now();
      const file = openSeed(seedPath(bench, domains));
      file.getPolicy("d7.bench.test");
      figures.add({ scenario: stepName("cache file", domains), server }, {
        open: performance.now() - started,
      });
      file.close();
    }
    const path = `${place.directory}/writes-${round}.db`;
    const file = openSeed(path);
    const alone = timeWrites(file, 0);
    figures.add({ scenario: "policies written one by one", server }, { write: alone });
    file.transaction(() => {
      const together = timeWrites(file, WRITES);
      figures.add({ scenario: "policies written in one transaction", server }, { write: together });
    });
    file.close();
  }
}

/** @returns µs per write. */
function timeWrites(file: CacheFile, first: number): number {
  const started = performance.now();
  for (let number = first; number < first + WRITES; number++) file.putPolicy(policyOf(number));
  return (performance.now() - started) * 1000 / WRITES;
}
