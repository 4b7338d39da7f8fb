/**
 * How latency and memory grow: with the domains in the cache, with the connections, and with the rate of
 * names that were never asked for. Each at a steady rate, which leaves the server half idle: what is looked
 * at is how long an answer takes, not how many there could be. For the same reason servers are not tied to
 * one processor, where the engine's collector of garbage would stand in its own way.
 *
 * @module
 */

import { memoryOf } from "../fakes/memory.ts";
import { type Contest, KNOWN_KEYS, learnKnown, NEW_NAME_KEYS, startContest } from "./contest.ts";
import { type Bench, race } from "./race.ts";
import { seed } from "./seed.ts";
import { daemonForms, pythonCaches, type Runnable, type Server, startDaemon } from "./servers.ts";

/** Domains in the cache. */
export const DOMAIN_STEPS = [500, 1000, 10_000, 100_000, 1_000_000] as const;

/** Connections that ask in turn. */
export const CONNECTION_STEPS = [1, 10, 100, 500, 1000, 2000] as const;

/** Names a second that were never asked for. */
export const NEW_NAME_STEPS = [0, 100, 500, 1000, 2000, 4000] as const;

/** Requests for known domains a second. */
const RATE = 2000;

/** Seconds of load that bring the memory of the daemon to where it stays. */
const SETTLING_SECONDS = 5;

/** The name of a scenario. @param what Such as `zipf`. */
export function stepName(what: string, step: number): string {
  return `${what} ${step}`;
}

/** The seeded cache file of so many domains. */
export function seedPath({ place: { directory } }: Bench, domains: number): string {
  return `${directory}/seed-${domains}.db`;
}

/** Makes the cache files of {@link DOMAIN_STEPS}, noting what that costs. */
export function makeSeeds(bench: Bench): void {
  for (const domains of DOMAIN_STEPS) {
    const { seconds, octets } = seed(seedPath(bench, domains), domains);
    const scenario = stepName("cache file", domains);
    bench.figures.add({ scenario, server: "cache file" }, {
      load: seconds,
      octets: octets / domains,
    });
  }
}

/** The form of the daemon that is looked at closely. */
export function lastForm(): Runnable {
  return daemonForms().at(-1)!;
}

/** Answers from files with more and more domains; the large ones do not fit into memory. */
async function runDomainGrowth(bench: Bench): Promise<void> {
  for (const order of ["zipf", "uniform"]) {
    await using stack = new AsyncDisposableStack();
    const entrants: { server: Server; domains: number; keys: string[] }[] = [];
    for (const domains of DOMAIN_STEPS) {
      const cache = `${bench.place.directory}/${order}-${domains}.db`;
      await Deno.copyFile(seedPath(bench, domains), cache);
      stack.defer(() => Deno.remove(cache));
      const server = stack.use(await startDaemon(bench.place, { ...lastForm(), cache }));
      const keys = [`1,d%.bench.test,${domains},${order}`];
      const settling = { keys, connections: 10, rate: RATE, seconds: SETTLING_SECONDS };
      await bench.programs.load(server, settling);
      entrants.push({ server, domains, keys });
    }
    for (let round = 0; round < bench.rounds; round++) {
      for (const { server, domains, keys } of entrants) {
        await race({ ...bench, rounds: 1 }, {
          scenario: stepName(order, domains),
          servers: [server],
          expected: "ok",
          load: () => ({ keys, connections: 10, rate: RATE, seed: round + 1 }),
        });
      }
    }
  }
}

/** Runs everything that grows. */
export async function runGrowth(bench: Bench): Promise<void> {
  const free = { ...bench, place: { ...bench.place, pin: [] } };
  await runConnectionGrowth(free);
  await runNewNames(free, NEW_NAME_STEPS);
  await runDomainGrowth(free);
}

/** Answers over more and more connections. */
async function runConnectionGrowth(bench: Bench): Promise<void> {
  await using contest = await startFew(bench);
  for (const connections of CONNECTION_STEPS) {
    await race(bench, {
      scenario: stepName("connections", connections),
      servers: contest.servers,
      expected: "ok",
      load: () => ({ keys: KNOWN_KEYS, connections, rate: RATE }),
    });
  }
}

/** Answers for known domains while others are asked for that nobody has heard of. */
export async function runNewNames(bench: Bench, steps: readonly number[]): Promise<void> {
  await using contest = await startFew(bench);
  for (const names of steps) {
    const scenario = stepName("new names", names);
    for (let round = 0; round < bench.rounds; round++) {
      for (const server of contest.servers) {
        const [known] = await Promise.all([
          bench.programs.load(server, {
            keys: KNOWN_KEYS,
            connections: 10,
            rate: RATE,
            seconds: bench.seconds,
          }),
          names === 0 ? undefined : bench.programs.load(server, {
            keys: NEW_NAME_KEYS,
            connections: 100,
            rate: names,
            seconds: bench.seconds,
            seed: names + round,
          }),
        ]);
        const { p50, p99 } = known;
        const subject = { scenario, server: server.name };
        bench.figures.add(subject, { p50, p99, rss: memoryOf(server.pid) });
      }
    }
  }
}

async function startFew(bench: Bench): Promise<Contest> {
  const pythons = pythonCaches().slice(0, 1);
  const contest = await startContest(bench, { daemons: [lastForm()], pythons });
  await learnKnown(bench, contest);
  return contest;
}
