/**
 * TXT records by `Deno.resolveDns`. What it finds is there; `NotFound` may mean anything from
 * "no such name" to a failure, so it says nothing here.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/wait.ts";
import type { ServerAddress } from "./resolv_conf.ts";

/** The part of `Deno.resolveDns` in use: one inner array for each record, one string for each character-string. */
export type ResolveTxt = (
  name: string,
  options: { nameServer: { ipAddr: string; port: number } },
) => Promise<string[][]>;

/** Options of {@link findTxt}. */
export interface FindTxtOptions {
  /** `Deno.resolveDns`, or what stands in for it in tests. */
  readonly resolveTxt: ResolveTxt;
  /** The DNS resolver to ask: the one that answered on the wire, so that both see the same data. */
  readonly server: ServerAddress;
  /** Bounds the wait. */
  readonly clock: Clock;
  /** Time to wait, ms. The lookup itself may go on for up to 15 s; its result is then ignored. */
  readonly timeout: number;
  /** Ends the wait early; there are no records then. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks up the TXT records of a name.
 *
 * @param name Without the final dot. One is added, to rule out search domains.
 * @returns The records, their character-strings joined. None if there are none, if they do not come in time, or if
 *   the lookup fails. Never rejects.
 */
export async function findTxt(name: string, options: FindTxtOptions): Promise<string[]> {
  const { resolveTxt, server, clock, timeout, signal } = options;
  if (signal?.aborted) return [];
  const nameServer = { ipAddr: server.hostname, port: server.port };
  // Deno would give each try 1 s only if it had the signal.
  const lookup = resolveTxt(`${name}.`, { nameServer }).catch(() => []);
  const records = await withDeadline<string[][]>(lookup, { ms: timeout, clock, signal });
  return (records ?? []).map((strings) => strings.join(""));
}
