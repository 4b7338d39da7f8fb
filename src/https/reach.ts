/**
 * What comes before a request: the addresses of the policy host, a place among the fetches, and a
 * connection to one of them.
 *
 * Each step's failure is an outcome; nothing here throws.
 *
 * @module
 */

import { findAddresses, type FindOptions, type FoundAddresses } from "./addresses.ts";
import { type Connected, connectToFirst, type Dial } from "./connect.ts";
import type { FetchLimits } from "./fetch_limits.ts";
import type { FailedFetch, FetchTrace } from "./types.ts";

/** What a fetch waits for, in words. */
export type Phase = "DNS" | "a free place" | "a connection" | "an answer" | "the body";

/** One fetch on its way. */
export interface Run {
  readonly host: string;
  readonly trace: FetchTrace;
  /** Aborted when the fetch must end; the reason is text for a person. */
  readonly signal: AbortSignal;
  /** Aborts it. */
  readonly end: (reason: string) => void;
  /** Ends the fetch in favour of others. */
  readonly giveWay: () => void;
  readonly turn: number | undefined;
  phase: Phase;
  /** Whether the body has no end but that of the connection. */
  isUnframed?: boolean;
  /** Why it failed, where what `fetch` throws does not tell. */
  failure?: FailedFetch;
  /** Gives back the places that it has. */
  readonly releases: (() => void)[];
  /** Whether all is over, and no further place may be taken. */
  isOver: boolean;
}

/** What {@link findPlace} needs. */
export interface ReachOptions extends FindOptions {
  readonly limits: FetchLimits;
}

/**
 * Looks the host up and waits for a place at its addresses.
 *
 * Addresses that come late count like the others, and none is connected to unless there is room. If they
 * show that the host must be refused, the fetch ends with that, however far it has got.
 */
export async function findPlace(
  run: Run,
  options: ReachOptions,
): Promise<FoundAddresses | FailedFetch> {
  const { limits } = options;
  run.phase = "DNS";
  const found = await findAddresses(run, options);
  if (found.kind === "failed") return found;
  run.phase = "a free place";
  if (!await takePlace(found.addresses, run, limits)) {
    return { kind: "failed", reason: "timeout", detail: "too many fetches wait already" };
  }
  const late = found.late?.then(async (more) => {
    if ("kind" in more) {
      run.failure = more;
      run.end("refused");
      return [];
    }
    return more.length > 0 && await takePlace(more, run, limits) ? more : [];
  });
  return { kind: "found", addresses: found.addresses, ...(late && { late }) };
}

/** Goes all the way to a connection. */
export async function reachHost(
  run: Run,
  options: ReachOptions & { readonly dial: Dial },
): Promise<Connected> {
  const outcome = await connectTo(await findPlace(run, options), run, options);
  if (outcome.kind === "connected") {
    run.trace.connected = outcome.address;
    run.phase = "an answer";
  } else if (!run.signal.aborted) run.failure = outcome;
  return outcome;
}

async function connectTo(
  found: FoundAddresses | FailedFetch,
  run: Run,
  options: ReachOptions & { readonly dial: Dial },
): Promise<Connected> {
  if (found.kind === "failed") return found;
  run.phase = "a connection";
  return await connectToFirst(found.addresses, { ...options, ...run, late: found.late });
}

async function takePlace(
  addresses: readonly string[],
  run: Run,
  limits: FetchLimits,
): Promise<boolean> {
  const release = await limits.acquire(addresses, run);
  if (release === undefined) return false;
  if (run.isOver) release();
  else run.releases.push(release);
  return !run.isOver;
}
