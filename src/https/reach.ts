/**
 * The steps before a request: look up the addresses of the policy host, wait for a place among the fetches, and
 * connect to one of the addresses.
 *
 * A failed step is an outcome. Nothing here throws.
 *
 * @module
 */

import { findAddresses, type FindOptions, type FoundAddresses } from "./addresses.ts";
import { type Connected, connectToFirst, type Dial } from "./connect.ts";
import type { FetchLimits } from "./fetch_limits.ts";
import type { FailedFetch, FetchTrace } from "./types.ts";

/** What a fetch waits for, in words. */
export type Phase = "DNS" | "a free place" | "a connection" | "an answer" | "the body";

/** One fetch that runs. */
export interface Run {
  /** The policy host, or the host of a report's URL. */
  readonly host: string;
  /** Filled in as the fetch goes on. */
  readonly trace: FetchTrace;
  /** Aborted when the fetch must end; the reason is text for a person. */
  readonly signal: AbortSignal;
  /** Aborts {@link signal}. */
  readonly end: (reason: string) => void;
  /** Ends the fetch in favour of others. */
  readonly giveWay: () => void;
  /** Place in the order of fetches; later ones have higher numbers. `undefined`: the order of the calls. */
  readonly turn: number | undefined;
  /** The step under way, for the detail of a time-out. */
  phase: Phase;
  /** Whether only the end of the connection ends the body. */
  isUnframed?: boolean;
  /** Why it failed, if the error that `fetch` throws does not say so. */
  failure?: FailedFetch;
  /** Give back the places that it has. */
  readonly releases: (() => void)[];
  /** Whether the fetch has ended and may take no further place. */
  isOver: boolean;
}

/** What {@link findPlace} needs. */
export interface ReachOptions extends FindOptions {
  /** Gives places at addresses. */
  readonly limits: FetchLimits;
}

/**
 * Looks the host up and waits for a place at its addresses.
 *
 * Late addresses count like the others, and they are of no use until there is a place for them. If they show that
 * the host must be refused, the fetch ends with that, however far it has come.
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

/** Takes all steps up to the connection. */
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
