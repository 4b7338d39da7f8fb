/**
 * The short run that watches over the answer path: the daemon from source beside the bare server on the same
 * Deno. A machine's speed is no matter then, nor who else is busy on it, and neither root nor any peer is needed.
 *
 * @module
 */

import { startFakeDnsServer, txt } from "../fakes/fake_dns_server.ts";
import type { FakeDnsReply } from "../fakes/fake_dns_server.ts";
import { KNOWN_LOADS, runLoads } from "./answers.ts";
import { KNOWN, learnKnown } from "./contest.ts";
import type { Bench } from "./race.ts";
import { seed } from "./seed.ts";
import { bareServers, daemonForms, startBare, startDaemon } from "./servers.ts";

/** A ratio that is lower than what was recorded by more than this share is a fault of the daemon. */
const TOLERANCE = 0.25;

/** On a busy machine there may be no round that was left in peace: then there are more. */
const TRIES = 3;

/** The ratio to the bare server that was measured when the answer path was last changed. */
export type Floors = Readonly<Record<string, number>>;

/** What became of one scenario. */
export interface Verdict {
  readonly scenario: string;
  readonly ratio: number;
  readonly recorded: number;
  readonly holds: boolean;
}

/** Runs the races of cached answers, until the ratios hold or it has been tried often enough. */
export async function runQuick(bench: Bench, floors: Floors): Promise<Verdict[]> {
  for (let round = 1;; round++) {
    await runRaces(bench);
    const verdicts = compare(bench, floors);
    if (round === TRIES || verdicts.every(({ holds }) => holds)) return verdicts;
  }
}

async function runRaces(bench: Bench): Promise<void> {
  const { place, programs: { echo } } = bench;
  await using names = await startFakeDnsServer(namesOf(KNOWN));
  const directory = await Deno.makeTempDir({ dir: place.directory });
  const cache = `${directory}/cache.db`;
  seed(cache, KNOWN);
  const [source] = daemonForms();
  const [bare] = bareServers(echo);
  const seeded = { ...place, nameServer: names.address };
  await using daemon = await startDaemon(seeded, { ...source!, cache });
  await using other = await startBare(place, bare!);
  const servers = [daemon, other];
  await learnKnown(bench, { servers });
  await runLoads(bench, servers, { loads: KNOWN_LOADS, expected: "ok" });
}

/** The TXT records, for the check that a domain's first query brings about. */
function namesOf(count: number): Record<string, FakeDnsReply> {
  const table: Record<string, FakeDnsReply> = {};
  for (let number = 0; number < count; number++) {
    table[`TXT _mta-sts.d${number}.bench.test`] = txt("v=STSv1; id=20250101T000000;");
  }
  return table;
}

/**
 * Compares the ratios with the recorded ones. The best rounds count: what makes one slower than another is
 * never the program.
 *
 * @throws {Error} If a scenario was not measured.
 */
export function compare({ figures }: Pick<Bench, "figures">, floors: Floors): Verdict[] {
  return Object.entries(floors).map(([scenario, recorded]) => {
    const best = (server: string) => Math.max(...figures.values({ scenario, server }, "rate"));
    const ratio = best("source") / best("Deno echo");
    if (!(ratio > 0)) throw new Error(`Not measured: ${scenario}`);
    return { scenario, ratio, recorded, holds: ratio >= recorded * (1 - TOLERANCE) };
  });
}
