/**
 * TXT records by `Deno.resolveDns`, as far as it can be relied on: what it finds is there.
 * `NotFound` may mean anything, from "no such name" to a failure, so it says nothing here.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { ServerAddress } from "./resolv_conf.ts";

/** What is used of `Deno.resolveDns`: one inner array for each record, one string for each of its character-strings. */
export type ResolveTxt = (
  name: string,
  options: { nameServer: { ipAddr: string; port: number } },
) => Promise<string[][]>;

/** Options of {@link findTxt}. */
export interface FindTxtOptions {
  readonly resolveTxt: ResolveTxt;
  /** The resolver to ask, the same as on the wire, so that both see the same data. */
  readonly server: ServerAddress;
  readonly clock: Clock;
  /** ms; the lookup itself goes on for up to 15 s, unheeded. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks a name's TXT records up.
 *
 * @param name Without the final dot. One is added, so that no search domain is.
 * @param options The way to ask and its limits.
 * @returns The records, character-strings joined; none when there are none, or none in time, or the lookup fails.
 */
export function findTxt(name: string, options: FindTxtOptions): Promise<string[]> {
  const { resolveTxt, server, clock, timeout, signal } = options;
  return new Promise((resolve) => {
    const finish = (records: string[]): void => {
      cancelTimer();
      signal?.removeEventListener("abort", giveUp);
      resolve(records);
    };
    const giveUp = () => finish([]);
    const cancelTimer = clock.setTimer(giveUp, timeout);
    if (signal?.aborted) return giveUp();
    signal?.addEventListener("abort", giveUp, { once: true });
    // Not with the signal: Deno then gives each try 1 s only.
    const nameServer = { ipAddr: server.hostname, port: server.port };
    resolveTxt(`${name}.`, { nameServer }).then(
      (records) => finish(records.map((strings) => strings.join(""))),
      giveUp,
    );
  });
}
