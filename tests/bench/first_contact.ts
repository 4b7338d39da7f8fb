/**
 * First contact: domains that nobody has asked for before, with a TXT lookup, the policy over HTTPS, and
 * whatever else is looked up for the answer. And the day of a mail host, in which there are a few of them.
 *
 * @module
 */

import { KNOWN, learnKnown, startContest } from "./contest.ts";
import type { Entrants } from "./contest.ts";
import { DOMAINS } from "./peers.ts";
import type { Load } from "./programs.ts";
import { type Bench, race, warmUp } from "./race.ts";
import { bareFetch, daemonForms, pythonCaches } from "./servers.ts";

/** New domains in a round, many at a time. */
const NEW_IN_ROUND = 200;

/** New domains in a round, one at a time. */
const NEW_ALONE = 40;

/** Domains before the first round, with which connections are opened and code is compiled. */
const NEW_BEFORE = 200;

/** Requests of the mixed day in a round, of which one in a hundred is for a new domain. */
const MIXED_IN_ROUND = 10_000;

/** Domains that are new in a round of the mixed day, with room for chance. */
const NEW_IN_MIX = 150;

/** Rounds for which the policy host has domains. */
const MAX_ROUNDS = Math.floor(
  Math.min(
    (DOMAINS - KNOWN) / NEW_IN_MIX,
    (DOMAINS - NEW_BEFORE) / (2 * NEW_IN_ROUND + NEW_ALONE),
  ),
);

/** What each packet to and from resolver and policy hosts takes in {@link runDistance}, ms: a round trip is twice that. */
export const DISTANCE_MS = 10;

/** New domains in a round of {@link runDistance}. */
const NEW_AT_DISTANCE = 15;

/** Runs the races. */
export async function runFirstContact(bench: Bench): Promise<void> {
  const bounded = { ...bench, rounds: Math.min(bench.rounds, MAX_ROUNDS) };
  await runNewDomains(bounded, {
    daemons: daemonForms(),
    pythons: pythonCaches(),
    connections: [1, 20, 50],
  });
  await runMixedDay(bounded);
}

/** The name of the scenario. */
export function contactName(connections: number): string {
  return `first contact, ${connections === 1 ? "one" : connections} at a time`;
}

/** Has new domains asked for over so many connections, one domain each at a time. */
export async function runNewDomains(
  bench: Bench,
  { connections: steps, ...entrants }: Entrants & { connections: readonly number[] },
): Promise<void> {
  await using contest = await startContest(bench, { ...entrants, bare: [bareFetch(bench.place)] });
  const { servers } = contest;
  for (const server of servers) {
    await warmUp(bench, server, newDomains({ first: 0, count: NEW_BEFORE, connections: 20 }));
  }
  let next = NEW_BEFORE;
  for (const connections of steps) {
    const first = next;
    const count = connections === 1 ? NEW_ALONE : NEW_IN_ROUND;
    await race(bench, {
      scenario: contactName(connections),
      servers,
      expected: "ok",
      load: (round) => newDomains({ first: first + round * count, count, connections }),
    });
    next += bench.rounds * count;
  }
}

function newDomains(
  { first, count, connections }: { first: number; count: number; connections: number },
): Load {
  const keys = [`1,d%.bench.test,${count},each`];
  return { keys, requests: count, seconds: 60, first, connections };
}

/**
 * How often a first contact waits for the other end, with resolver and policy hosts far away: a first contact takes
 * so many round trips and next to nothing else.
 */
export async function runDistance(bench: Bench): Promise<void> {
  await using contest = await startContest(bench, {
    daemons: [daemonForms().at(-1)!],
    bare: [bareFetch(bench.place)],
    pythons: pythonCaches().slice(0, 1),
  });
  const scenario = "first contact at a distance";
  const before = newDomains({ first: 0, count: NEW_AT_DISTANCE, connections: NEW_AT_DISTANCE });
  for (const server of contest.servers) await warmUp(bench, server, before);
  const rounds = Math.min(bench.rounds, 3);
  await race({ ...bench, rounds }, {
    scenario,
    servers: contest.servers,
    expected: "ok",
    load: (round) =>
      newDomains({
        first: (round + 1) * NEW_AT_DISTANCE,
        count: NEW_AT_DISTANCE,
        connections: 1,
      }),
  });
  for (const { name: server } of contest.servers) {
    for (const p50 of bench.figures.values({ scenario, server }, "p50")) {
      bench.figures.add({ scenario, server }, { trips: p50 / (2 * DISTANCE_MS * 1000) });
    }
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
