/**
 * Entries: what a host tells the others about a domain, sealed and opened.
 *
 * | Kind | Members beside `v` |
 * | --- | --- |
 * | `p` policy | `d` domain, `i` id, `t` text, `f` when it was fetched, `w` the same by the writer's clock, `h` host, `c` settings |
 * | `f` failure | `d`, `i`, `r` reason, `m` detail, `n` count, `f` when it failed, `u` no attempt before, `h`, `c` |
 * | `t` tombstone | `d`, `f` when it was purged, `h` |
 * | `x` MX view | `d` next hop, `j` JSON, `f` when the lookups ended, `w`, `h`, `c` |
 *
 * Times are in the engine's time, ms. What is read is validated as hostile input, and never counts as later than now.
 * Kinds `f`, `t` and `x` count only if they are signed.
 *
 * @module
 */

import { unwrap, wrap } from "./envelope.ts";
import type { Mac } from "./mac.ts";
import {
  DETAIL_MAX_LENGTH,
  readEntry,
  type Reading,
  type Times,
  TOMBSTONE_LIFE_MS,
  VIEW_LIFE_MS,
} from "./read_entry.ts";
import type { EntryKey, FleetFailure, FleetPolicy, FleetView, OwnPolicy } from "./types.ts";

/** What a host knows, to be sealed. Times in ms of its own `Clock.now`. */
export type Fact =
  | { readonly kind: "p"; readonly policy: OwnPolicy }
  | { readonly kind: "f"; readonly failure: FleetFailure }
  | { readonly kind: "t"; readonly domain: string; readonly at: number }
  | { readonly kind: "x"; readonly view: FleetView };

/** What all entries of a host are sealed and opened with. */
export interface SealOptions {
  /** The secrets; `undefined` in a fleet without. */
  readonly mac: Mac | undefined;
  /** This host's name: printable ASCII without spaces, 1 to 255 characters. */
  readonly host: string;
  /** The mark of what this host may fetch, see `digestSettings`. */
  readonly settings: string;
}

/** The domain or next hop of a fact. */
export function nameOf(fact: Fact): string {
  if (fact.kind === "p") return fact.policy.domain;
  if (fact.kind === "f") return fact.failure.domain;
  return fact.kind === "x" ? fact.view.nextHop : fact.domain;
}

/** When a fact was established, ms of `Clock.now`. */
export function timeOf(fact: Fact): number {
  if (fact.kind === "p") return fact.policy.fetchedAt;
  if (fact.kind === "f") return fact.failure.failedAt;
  return fact.kind === "x" ? fact.view.checkedAt : fact.at;
}

/** From when on nobody needs it, ms of `Clock.now`. A failure keeps its count for a day after the back-off. */
export function endOf(fact: Fact): number {
  if (fact.kind === "p") return fact.policy.expiresAt;
  if (fact.kind === "f") return fact.failure.retryAt + 24 * 3600_000;
  return fact.kind === "x" ? fact.view.checkedAt + VIEW_LIFE_MS : fact.at + TOMBSTONE_LIFE_MS;
}

/**
 * Seals a fact.
 *
 * @param offset The engine's time less this host's, ms.
 * @returns Printable ASCII; `undefined` if it is too long to be shared.
 */
export function sealFact(
  fact: Fact,
  offset: number,
  { mac, host: h, settings: c }: SealOptions,
): string | undefined {
  const d = nameOf(fact);
  // Rounded down, so that nothing seems newer than itself.
  const w = Math.floor(timeOf(fact));
  const f = w + Math.round(offset);
  switch (fact.kind) {
    case "p":
      return wrap("p", { d, i: fact.policy.id, t: fact.policy.text, f, w, h, c }, { mac });
    case "f": {
      const { id: i, reason: r, detail, count: n, retryAt } = fact.failure;
      const m = detail.slice(0, DETAIL_MAX_LENGTH).replace(/[^ -~]/g, "?");
      return wrap("f", { d, i, r, m, n, f, u: Math.floor(retryAt) + Math.round(offset), h, c }, {
        mac,
      });
    }
    case "t":
      return wrap("t", { d, f, h }, { mac });
    case "x":
      return wrap("x", { d, j: fact.view.json, f, w, h, c }, { mac });
  }
}

/**
 * Puts a policy of the other program's cache into the form of an entry. It is not signed: nobody knows who wrote it.
 *
 * @param policy `fetchedAt` in ms of the engine's time; `host` says where it was read.
 */
export function sealForeign(
  { domain: d, id: i, text: t, fetchedAt: f, host: h }: Pick<
    FleetPolicy,
    "domain" | "id" | "text" | "fetchedAt" | "host"
  >,
): string | undefined {
  return wrap("p", { d, i, t, f, h }, { mac: undefined });
}

/**
 * Opens an entry.
 *
 * @param sealed Any text.
 * @param times The two clocks.
 * @param options `key` is what was asked for; without it, the entry came with the news and may be of any domain.
 * @returns What it says, in this host's time.
 */
export function openEntry(
  sealed: string,
  times: Times,
  options: Pick<SealOptions, "mac" | "settings"> & { readonly key?: EntryKey },
): Reading {
  const content = unwrap(sealed, options.mac);
  return content.kind === "refused" ? content : readEntry(content, times, options);
}
