/**
 * First contact: domains that nobody has asked for before, with a TXT lookup, the policy over HTTPS, and
 * whatever else is looked up for the answer. And the day of a mail host, in which there are a few of them.
 *
 * @module
 */

import { KNOWN, learnKnown, startContest } from "./contest.ts";
import { DOMAINS } from "./peers.ts";
import type { Load } from "./programs.ts";
import { type Bench, race, warmUp } from "./race.ts";
import { bareFetch, daemonForms, pythonCaches } from "./servers.ts";

/** New domains in a round. */
const NEW_IN_ROUND = 200;

/** Requests of the mixed day in a round, of which one in a hundred is for a new domain. */
const MIXED_IN_ROUND = 10_000;

/** Domains that are new in a round of the mixed day, with room for chance. */
const NEW_IN_MIX = 150;

/** Rounds for which the policy host has domains. */
const MAX_ROUNDS = Math.floor(
  Math.min((DOMAINS - KNOWN) / NEW_IN_MIX, (DOMAINS / NEW_IN_ROUND - 1) / 2),
);

/** Runs the races. */
export async function runFirstContact(bench: Bench): Promise<void> {
  const bounded = { ...bench, rounds: Math.min(bench.rounds, MAX_ROUNDS) };
  await runNewDomains(bounded);
  await runMixedDay(bounded);
}

async function runNewDomains(bench: Bench): Promise<void> {
  await using contest = await startContest(bench, {
    daemons: daemonForms(),
    bare: [bareFetch(bench.place)],
    pythons: pythonCaches(),
  });
  const { servers } = contest;
  const loadFrom = (first: number, connections: number): Load => ({
    keys: [`1,d%.bench.test,${NEW_IN_ROUND},each`],
    requests: NEW_IN_ROUND,
    seconds: 60,
    first,
    connections,
  });
  let next = 0;
  for (const server of servers) await warmUp(bench, server, loadFrom(next, 20));
  for (const connections of [20, 50]) {
    await race(bench, {
      scenario: `first contact, ${connections} at a time`,
      servers,
      expected: "ok",
      load: (round) => loadFrom(next + (round + 1) * NEW_IN_ROUND, connections),
    });
    next += bench.rounds * NEW_IN_ROUND;
  }
}

async function runMixedDay(bench: Bench): Promise<void> {
  await using contest = await startContest(bench, {
    daemons: daemonForms(),
    pythons: pythonCaches(),
  });
  await learnKnown(bench, contest);
  await race(bench, {
    scenario: "mixed day, 10 connections",
    servers: contest.servers,
    expected: "any",
    load: (round) => ({
      keys: [
        `90,d%.bench.test,${KNOWN},zipf`,
        `9,n%.none.test,${KNOWN},zipf`,
        `1,d%.bench.test,${NEW_IN_MIX},each`,
      ],
      requests: MIXED_IN_ROUND,
      seconds: 60,
      first: KNOWN + round * NEW_IN_MIX,
      connections: 10,
    }),
  });
}
