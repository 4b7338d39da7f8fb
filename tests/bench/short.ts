/**
 * The short run around first contact: what a domain costs the first time, and beside it what is answered from memory, a
 * flood of unknown names, and memory. Under two minutes, for whoever changes something there.
 *
 * @module
 */

import { memoryOf } from "../fakes/memory.ts";
import { ABSENT_ONCE, KNOWN_LOADS, NONE_LOADS, runLoads } from "./answers.ts";
import { type Contest, learnKnown, startContest } from "./contest.ts";
import { runNewDomains } from "./first_contact.ts";
import { lastForm, runNewNames } from "./growth.ts";
import { pause } from "./process.ts";
import type { Bench } from "./race.ts";
import { bareServers, pythonCaches } from "./servers.ts";

/** Rounds and the length of each load, seconds. */
export const SHORT = { rounds: 3, seconds: 0.3 };

/** Unknown names a second. */
const FLOOD = 2000;

/** Length of a load with a flood, seconds: the first garbage is to be collected in it. */
const FLOOD_SECONDS = 2;

/** A server is idle when it has had so long, ms. */
const IDLE_MS = 3000;

const SCENARIOS = ["1 connection", "10 connections", "100 connections"];

/** Runs the races on this host; `runDistance` is another part. */
export async function runShort(bench: Bench): Promise<void> {
  const entrants = { daemons: [lastForm()], pythons: pythonCaches().slice(0, 1) };
  await runNewDomains(bench, { ...entrants, connections: [1, 50] });
  {
    const bare = bareServers(bench.programs.echo).slice(0, 1);
    await using contest = await startContest(bench, { ...entrants, bare });
    const { servers } = contest;
    await pause(IDLE_MS);
    noteMemory(bench, contest, "idle");
    await learnKnown(bench, contest);
    const known = SCENARIOS.map((name) => [name, KNOWN_LOADS[name]!] as const);
    await runLoads(bench, servers, { loads: Object.fromEntries(known), expected: "ok" });
    for (const server of servers) await bench.programs.load(server, ABSENT_ONCE);
    await runLoads(bench, servers, { loads: NONE_LOADS, expected: "notfound" });
    noteMemory(bench, contest, "after the run");
  }
  const free = { ...bench, seconds: FLOOD_SECONDS, place: { ...bench.place, pin: [] } };
  await runNewNames(free, [0, FLOOD]);
}

function noteMemory({ figures }: Bench, { servers }: Contest, scenario: string): void {
  for (const { name, pid } of servers) {
    figures.add({ scenario, server: name }, { rss: memoryOf(pid) });
  }
}
