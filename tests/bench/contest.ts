/**
 * Starting several servers side by side and having them learn what they will be asked for.
 *
 * @module
 */

import { type Bench, warmUp } from "./race.ts";
import { startBare, startDaemon, startPython, startTlspol, tlspols } from "./servers.ts";
import type { PythonCache, Runnable, Server } from "./servers.ts";

/** Domains that servers are made to know, `d0.bench.test` and so on. */
export const KNOWN = 500;

/** Any of the known domains, the first ones most often. */
export const KNOWN_KEYS: readonly string[] = [`1,d%.bench.test,${KNOWN},zipf`];

/** Names without a record, as many as nobody comes to ask for twice. */
export const NEW_NAME_KEYS: readonly string[] = ["1,n%.none.test,10000000,uniform"];

/** Running servers. */
export interface Contest extends AsyncDisposable {
  readonly servers: readonly Server[];
}

/** Who takes part. */
export interface Entrants {
  /** Forms of the daemon. */
  readonly daemons: readonly Runnable[];
  readonly bare?: readonly Runnable[];
  /** Caches of postfix-mta-sts-resolver, one server for each. */
  readonly pythons: readonly PythonCache[];
  /** They listen on unix sockets. */
  readonly unix?: boolean;
}

/** Starts the servers, the resolvers with empty caches. */
export async function startContest({ place }: Bench, entrants: Entrants): Promise<Contest> {
  const servers: Server[] = [];
  await using stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ dir: place.directory });
  const nextAddress = () => entrants.unix ? { address: `${directory}/${servers.length}.sock` } : {};
  const add = async (starting: Promise<Server>) => servers.push(stack.use(await starting));
  for (const form of entrants.daemons) {
    const cache = `${directory}/${form.name}.db`;
    await add(startDaemon(place, { ...form, ...nextAddress(), cache }));
  }
  for (const bare of entrants.bare ?? []) {
    await add(startBare(place, { ...bare, ...nextAddress() }));
  }
  for (const cache of entrants.pythons) await add(startPython(place, { ...nextAddress(), cache }));
  for (const program of tlspols()) await add(startTlspol(place, { ...nextAddress(), program }));
  const all = stack.move();
  return { servers, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Has all servers learn the known domains. */
export async function learnKnown(
  bench: Bench,
  { servers }: Pick<Contest, "servers">,
): Promise<void> {
  const each = { keys: [`1,d%.bench.test,${KNOWN},each`], requests: KNOWN };
  for (const server of servers) await warmUp(bench, server, each);
}
