/**
 * `cache push` and `cache pull`: all policies of this host to the engine, and all of the engine to this host. At 500 a
 * second that takes longer than a request may, so it is started by one request and asked about by others.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import type { DomainStore } from "../cache/types.ts";
import type { Fleet, FleetCopy } from "../fleet/status.ts";
import type { FleetPolicy } from "../fleet/types.ts";
import { isSameFetch } from "./fleet_entry.ts";
import { importPolicy, type ImportResult } from "./import_entry.ts";

/** Over this time the refreshes of many policies that came at once are spread, ms. */
export const SPREAD_MS = 3_600_000;

/** What became of the policies that were pulled, beside those that the engine's side refused. */
export interface PullCounts extends Record<ImportResult, number> {
  /** Not signed, and left out. */
  unsigned: number;
  /** The store could not be read. */
  failed: number;
}

/** The state of a copy. */
export type CopyState =
  | { readonly state: "running"; readonly direction: "push" | "pull" }
  | {
    readonly state: "done";
    readonly direction: "push" | "pull";
    readonly copy: FleetCopy;
    /** With `pull`. */
    readonly counts?: PullCounts;
  };

/** What is copied from and to. */
export interface CopyTarget {
  readonly fleet: Pick<Fleet, "push" | "pull">;
  readonly store: Pick<DomainStore, "getPolicy" | "putPolicy">;
  /** The time, ms. */
  readonly now: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** One copy at a time. */
export interface FleetCopies {
  /** Starts a copy; `isUnsignedToo` takes policies that are not signed, too. @returns Whether none was under way. */
  start(
    direction: "push" | "pull",
    target: CopyTarget,
    options?: { readonly isUnsignedToo?: boolean },
  ): boolean;
  /** The last copy; `undefined` before the first. */
  state(): CopyState | undefined;
}

/** Creates the record of copies. */
export function createFleetCopies(): FleetCopies {
  let last: CopyState | undefined;

  async function run(
    direction: "push" | "pull",
    target: CopyTarget,
    isUnsignedToo: boolean,
  ): Promise<void> {
    const counts: PullCounts = {
      ...{ added: 0, replaced: 0, kept: 0, expired: 0 },
      ...{ unsigned: 0, failed: 0 },
    };
    let copy: FleetCopy;
    try {
      copy = direction === "push"
        ? await target.fleet.push()
        : await target.fleet.pull((policy) => {
          if (policy.isSigned || isUnsignedToo) counts[take(policy, target)]++;
          else counts.unsigned++;
        });
    } catch (error) {
      copy = { sent: 0, kept: 0, refused: 0, fault: messageOf(error) };
    }
    last = { state: "done", direction, copy, ...(direction === "pull" && { counts }) };
  }

  return {
    start(direction, target, { isUnsignedToo = false } = {}) {
      if (last?.state === "running") return false;
      last = { state: "running", direction };
      void run(direction, target, isUnsignedToo);
      return true;
    },
    state: () => last,
  };
}

/** Takes a policy as `cache import` does: only a newer one replaces what is held. */
function take(shared: FleetPolicy, { store, now, random }: CopyTarget): keyof PullCounts {
  const { domain, id, text, policy, strings, fetchedAt, expiresAt } = shared;
  const held = store.getPolicy(domain);
  if (held.kind === "found" && isSameFetch(held.policy, shared)) return "kept";
  const time = now();
  const refreshAt = Math.min(time + random() * SPREAD_MS, expiresAt);
  const stored = { domain, id, text, policy, strings, fetchedAt, expiresAt, refreshAt };
  const result = importPolicy({ ...stored, lastUsedAt: fetchedAt }, { store, now: time });
  return typeof result === "string" ? result : "failed";
}
