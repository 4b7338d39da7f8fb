/**
 * The entries of postfix-mta-sts-resolver as lines of `cache export`, so that the daemon judges both in the same way.
 *
 * The other program keeps when it last saw the TXT record and not when it fetched the policy, so each is fetched again
 * soon: within an hour, not all at once.
 *
 * @module
 */

import { quoteRemote } from "../base/quote_text.ts";
import { SPREAD_MS } from "../daemon/fleet_copy.ts";
import type { RivalEntry, RivalReading, RivalSource } from "../fleet/rival_entries.ts";

/** A part of a cache. */
export interface RivalPart {
  /** One for each entry that holds a policy. */
  readonly lines: readonly string[];
  /** Entries whose policy asks for nothing. */
  readonly none: number;
  /** Entries whose `max_age` is over. */
  readonly expired: number;
  /** A sentence for each entry that is left out because it is not valid. */
  readonly invalid: readonly string[];
}

/**
 * Reads a cache to its end.
 *
 * @param options `now`: the time, ms; `random`: a number in [0, 1).
 * @throws {EngineError} If it cannot be read.
 */
export async function* rivalParts(
  source: RivalSource,
  options: { readonly now: () => number; readonly random: () => number },
): AsyncGenerator<RivalPart> {
  for await (const readings of source.list()) {
    const count = (problem: string) =>
      readings.filter((one) => one.kind === "left-out" && one.problem === problem).length;
    yield {
      lines: readings.flatMap((one) => one.kind === "entry" ? [lineOf(one.entry, options)] : []),
      none: count("none"),
      expired: count("expired"),
      invalid: readings.flatMap(sentenceOf),
    };
  }
}

function sentenceOf(reading: RivalReading): string[] {
  if (reading.kind === "entry") return [];
  const { key, problem } = reading;
  if (problem === "none" || problem === "expired") return [];
  const why = problem === "no domain" ? "it is not a domain" : "it is not valid";
  return [`the entry of ${quoteRemote(key, 100)} skipped: ${why}`];
}

function lineOf(
  { domain, id, text, checkedAt }: RivalEntry,
  { now, random }: { readonly now: () => number; readonly random: () => number },
): string {
  const fetched = new Date(checkedAt).toISOString();
  const refresh = new Date(now() + Math.floor(random() * SPREAD_MS)).toISOString();
  return JSON.stringify({ domain, id, text, fetched, refresh, last_used: fetched });
}
