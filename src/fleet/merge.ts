/**
 * The merge rule: what becomes of a policy that another host fetched, beside the one that is held.
 *
 * | # | Candidate | Held | Result |
 * | --- | --- | --- | --- |
 * | 1 | expired, from the future, or not younger than a purge | any | `refused` |
 * | 2 | valid | none, expired, or not younger than a purge | `adopt` |
 * | 3 | newer | same id and text | `confirm`: only the times move |
 * | 4 | newer | another id or text | `adopt`, whatever its mode (RFC 8461 §3.1, §5.1) |
 * | 5 | the same or older | valid | `keep` |
 *
 * Newer is who fetched later; of two that fetched in the same millisecond, the host whose name is greater in the order
 * of its characters; of two of one host, the greater id and text. That is a total order, so that hosts converge in
 * whatever order and however often they hear. Pure.
 *
 * @module
 */

/** A policy later than now by more than this, ms, is not believed. */
const FUTURE_MS = 60_000;

/** What is compared of a policy. Times in ms of one clock. */
export interface Version {
  /** The `id` of the TXT record seen before the fetch. */
  readonly id: string;
  /** The file, verbatim. */
  readonly text: string;
  /** When the fetch ended. */
  readonly fetchedAt: number;
  /** Not used from here on. */
  readonly expiresAt: number;
  /** Who fetched it; `""` if that is no longer known. */
  readonly host: string;
}

/** What becomes of the candidate; see the head of this file. */
export type MergeResult = "refused" | "adopt" | "confirm" | "keep";

/** What the rule goes by, beside the candidate. */
export interface MergeFacts {
  /** The policy that is held, expired or not. */
  readonly held: Version | undefined;
  /** The current time, ms. */
  readonly now: number;
  /** When the domain was purged last, ms; `undefined` if not lately. */
  readonly purgedAt: number | undefined;
}

/** Decides what becomes of a candidate. */
export function mergePolicy(candidate: Version, facts: MergeFacts): MergeResult {
  const { held, now, purgedAt = -Infinity } = facts;
  const isLive = ({ fetchedAt, expiresAt }: Version) => expiresAt > now && fetchedAt > purgedAt;
  if (!isLive(candidate) || candidate.fetchedAt > now + FUTURE_MS) return "refused";
  if (held === undefined || !isLive(held)) return "adopt";
  if (compareVersions(candidate, held) <= 0) return "keep";
  return candidate.id === held.id && candidate.text === held.text ? "confirm" : "adopt";
}

/** The order of two versions: negative if the first is older, 0 if they are the same. */
export function compareVersions(one: Version, other: Version): number {
  return one.fetchedAt - other.fetchedAt || compareText(one.host, other.host) ||
    compareText(one.id, other.id) || compareText(one.text, other.text);
}

function compareText(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
