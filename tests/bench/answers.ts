/**
 * Answers to what is known already: over TCP at several numbers of connections, one request at a time and
 * many sent ahead, over a unix socket, for parent domains, and for names without a record.
 *
 * @module
 */

import { KNOWN, KNOWN_KEYS, learnKnown, NEW_NAME_KEYS, startContest } from "./contest.ts";
import type { Load } from "./programs.ts";
import { type Bench, type Expected, race } from "./race.ts";
import { bareServers, daemonForms, pythonCaches, type Server } from "./servers.ts";

/** How a known domain is asked for, by the name of the scenario. */
export const KNOWN_LOADS: Readonly<Record<string, Load>> = {
  "1 connection": { keys: KNOWN_KEYS, connections: 1 },
  "10 connections": { keys: KNOWN_KEYS, connections: 10 },
  "100 connections": { keys: KNOWN_KEYS, connections: 100 },
  "10 connections × 32 ahead": { keys: KNOWN_KEYS, connections: 10, depth: 32 },
};

const UNIX_LOADS: Readonly<Record<string, Load>> = {
  "unix socket, 10 connections": { keys: KNOWN_KEYS, connections: 10 },
};

/** How a domain is asked for that is known to have no record, by the name of the scenario. */
export const NONE_LOADS: Readonly<Record<string, Load>> = Object.fromEntries(
  [1, 10, 100].map((connections) => [
    `no record, asked before, ${connections} connection${connections === 1 ? "" : "s"}`,
    { keys: [`1,n%.none.test,${KNOWN},uniform`], connections },
  ]),
);

const NAME_LOADS: Readonly<Record<string, Load>> = {
  "parent domains, 10 connections": {
    keys: [`1,.d%.bench.test,${KNOWN},uniform`],
    connections: 10,
  },
  ...NONE_LOADS,
};

/** Has the absence of the records noticed. */
export const ABSENT_ONCE: Load = {
  keys: [`1,n%.none.test,${KNOWN},each`],
  requests: KNOWN,
  connections: 10,
};

const NEW_NAME_LOADS: Readonly<Record<string, Load>> = {
  "no record, never asked before, 50 connections": {
    keys: NEW_NAME_KEYS,
    connections: 50,
  },
};

/** Runs the races. */
export async function runAnswers(bench: Bench): Promise<void> {
  const entrants = {
    daemons: daemonForms(),
    bare: bareServers(bench.programs.echo),
    pythons: pythonCaches(),
  };
  {
    await using contest = await startContest(bench, entrants);
    const { servers } = contest;
    await learnKnown(bench, contest);
    await runLoads(bench, servers, { loads: KNOWN_LOADS, expected: "ok" });
    for (const server of servers) await bench.programs.load(server, ABSENT_ONCE);
    await runLoads(bench, servers, { loads: NAME_LOADS, expected: "notfound" });
    const resolvers = servers.filter(({ name }) => !name.endsWith(" echo"));
    await runLoads(bench, resolvers, { loads: NEW_NAME_LOADS, expected: "notfound" });
  }
  await using contest = await startContest(bench, { ...entrants, unix: true });
  await learnKnown(bench, contest);
  await runLoads(bench, contest.servers, { loads: UNIX_LOADS, expected: "ok" });
}

/** Runs the loads by the name of their scenario, one race after the other. */
export async function runLoads(
  bench: Bench,
  servers: readonly Server[],
  { loads, expected }: { loads: Readonly<Record<string, Load>>; expected: Expected },
): Promise<void> {
  for (const [scenario, load] of Object.entries(loads)) {
    await race(bench, { scenario, servers, expected, load: () => load });
  }
}
