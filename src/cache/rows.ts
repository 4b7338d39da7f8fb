/**
 * Judges whether a record is valid. The same rules hold when it is written and when it is read back: bits rot, and
 * other programs can write the file.
 *
 * Nothing in the file counts as later than now. A wrong clock wrote a record from the future, so it counts as
 * written now. It is neither forgotten nor trusted for longer than a new one, and a policy is due for its refresh
 * at once.
 *
 * @module
 */

import { expiryOf, POLICY_MAX_BYTES, PolicySyntaxError, readPolicyFile } from "../sts/policy.ts";
import type {
  DueQuery,
  Listing,
  ListQuery,
  StoredFailure,
  StoredMx,
  StoredPolicy,
} from "./types.ts";

/** The longest domain name in text form, in octets (RFC 1035 §3.1). */
const DOMAIN_MAX_LENGTH = 253;

/** A domain with brackets and port, in UTF-16 units. */
const NEXT_HOP_MAX_LENGTH = DOMAIN_MAX_LENGTH + "[]:65535".length;

/** RFC 8461 §3.1. */
const POLICY_ID = /^[A-Za-z0-9]{1,32}$/;

/** A word of a closed list. */
const REASON = /^[a-z-]{1,40}$/;

/** One line for a person, in UTF-16 units; the details made here are far shorter. */
const DETAIL_MAX_LENGTH = 2000;

/** What is known of one next hop, in UTF-16 units: dozens of MX hosts take a few thousand. */
const JSON_MAX_LENGTH = 64 * 1024;

/** The end of the year 2099, ms since the epoch: a later time is no time. */
export const TIME_MAX_MS: number = Date.UTC(2100, 0, 1);

/**
 * A record is from the future if it is later than now by more than this, ms: two processes on one file
 * may differ by less, as they follow small steps of the clock at different moments.
 */
export const FUTURE_MS: number = 5 * 60_000;

/** A record as read: any column may hold anything. */
export type Unproven<T> = { readonly [Field in keyof T]: unknown };

/** The columns of a policy that are stored as they are. */
export type PolicyRow = Omit<StoredPolicy, "policy" | "strings" | "expiresAt">;

/**
 * Makes a policy of its record, and works out when it expires (RFC 8461 §3.2).
 *
 * @returns `undefined` if the record cannot be believed, or its text is no policy.
 */
export function readPolicyRow(row: Unproven<PolicyRow>): StoredPolicy | undefined {
  if (!isPolicyRow(row)) return undefined;
  try {
    const file = readPolicyFile(row.text);
    return { ...row, ...file, expiresAt: expiryOf(file.policy, row.fetchedAt) };
  } catch (error) {
    if (error instanceof PolicySyntaxError) return undefined;
    throw error;
  }
}

// A decoder would take a byte order mark away, and the text is kept verbatim.
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads a row of the table of policies, as it counts at `now`, ms.
 *
 * @returns `undefined` if it is not to be believed.
 */
export function readPolicyColumns(
  { domain, id, text, fetchedAt, lastUsedAt, refreshAt }: Record<string, unknown>,
  now: number,
): StoredPolicy | undefined {
  if (!(text instanceof Uint8Array)) return undefined;
  const decoded = DECODER.decode(text);
  const policy = readPolicyRow({ domain, id, text: decoded, fetchedAt, lastUsedAt, refreshAt });
  return policy && policyAt(policy, now);
}

/** A policy as it counts at `now`, ms; see the head of this file. */
function policyAt(policy: StoredPolicy, now: number): StoredPolicy {
  if (policy.fetchedAt <= now + FUTURE_MS) return policy;
  const lastUsedAt = Math.min(policy.lastUsedAt, now);
  const expiresAt = expiryOf(policy.policy, now);
  return { ...policy, fetchedAt: now, refreshAt: now, lastUsedAt, expiresAt };
}

/** A failure as it counts at `now`, ms. */
export function failureAt(failure: StoredFailure, now: number): StoredFailure {
  const { failedAt, retryAt } = failure;
  if (failedAt <= now + FUTURE_MS) return failure;
  return { ...failure, failedAt: now, retryAt: now + retryAt - failedAt };
}

/** What is known of a next hop, as it counts at `now`, ms. */
export function mxAt(mx: StoredMx, now: number): StoredMx {
  return mx.checkedAt <= now + FUTURE_MS ? mx : { ...mx, checkedAt: now };
}

/** Tells whether a policy record can be believed. */
export function isPolicyRow(policy: Unproven<PolicyRow>): policy is PolicyRow {
  return isDomain(policy.domain) && isText(policy.id) && POLICY_ID.test(policy.id) &&
    isText(policy.text) && policy.text.length <= POLICY_MAX_BYTES &&
    isTime(policy.fetchedAt) && isTime(policy.lastUsedAt) && isTime(policy.refreshAt);
}

/** Tells whether a record of a failed fetch can be believed. */
export function isFailure(failure: Unproven<StoredFailure>): failure is StoredFailure {
  return isDomain(failure.domain) && isText(failure.id) && POLICY_ID.test(failure.id) &&
    isText(failure.reason) && REASON.test(failure.reason) &&
    isText(failure.detail) && failure.detail.length <= DETAIL_MAX_LENGTH &&
    Number.isSafeInteger(failure.count) && isTime(failure.failedAt) && isTime(failure.retryAt);
}

/** Tells whether a record of a next hop can be believed. */
export function isMx(mx: Unproven<StoredMx>): mx is StoredMx {
  return isText(mx.nextHop) && mx.nextHop !== "" && mx.nextHop.length <= NEXT_HOP_MAX_LENGTH &&
    isText(mx.json) && mx.json.length <= JSON_MAX_LENGTH && isTime(mx.checkedAt);
}

/** Tells whether a number is a time in ms since the epoch. */
export function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < TIME_MAX_MS;
}

/**
 * Reads a page of one of the tables that are listed by domain.
 *
 * @param rows The rows, at most `limit`.
 * @param options `read` makes an entry of a row; `undefined` for one that is not to be believed.
 */
export function readListing<Entry>(
  rows: readonly Record<string, unknown>[],
  { limit, read }: {
    readonly limit: number;
    readonly read: (row: Record<string, unknown>) => Entry | undefined;
  },
): Listing<Entry> {
  const entries = rows.map(read).filter((entry) => entry !== undefined);
  // STRICT tables hold text in this column.
  return { entries, next: rows.length < limit ? undefined : rows.at(-1)?.domain as string };
}

/** Reads a row of the table of failures, as it counts at `now`, ms; `undefined` if it is not to be believed. */
export function readFailureColumns(
  { rowid: _, ...failure }: Record<string, unknown>,
  now: number,
): StoredFailure | undefined {
  const row = failure as unknown as StoredFailure;
  return isFailure(row) ? failureAt(row, now) : undefined;
}

/** The part of what is in memory that a listing by domain asks for. */
export function selectListing<Entry extends { readonly domain: string }>(
  all: Iterable<Entry>,
  { after, limit }: ListQuery,
): Listing<Entry> {
  const behind = [...all].filter(({ domain }) => domain > after).sort(byDomain);
  const entries = behind.slice(0, limit);
  return { entries, next: behind.length > limit ? entries.at(-1)?.domain : undefined };
}

/** Orders by domain, as the file does: octet by octet, of ASCII. */
export function byDomain(
  one: { readonly domain: string },
  other: { readonly domain: string },
): number {
  return one.domain < other.domain ? -1 : one.domain > other.domain ? 1 : 0;
}

/** Of these policies the domains that `PolicyLists.listDue` asks for, in its order. */
export function selectDue(
  policies: readonly StoredPolicy[],
  { due, alive, farthest, usedSince, limit }: DueQuery,
): string[] {
  return policies
    .filter(({ refreshAt }) => refreshAt <= due || refreshAt > farthest)
    .filter(({ lastUsedAt, expiresAt }) => lastUsedAt >= usedSince && expiresAt > alive)
    .sort((one, other) => one.refreshAt - other.refreshAt)
    .slice(0, limit)
    .map(({ domain }) => domain);
}

/** Of these failures those that `PolicyLists.latestFailures` asks for, in its order. */
export function selectLatest(
  failures: readonly StoredFailure[],
  limit: number,
): StoredFailure[] {
  return failures.toSorted((one, other) => other.failedAt - one.failedAt).slice(0, limit);
}

/** The domain of a next hop in Postfix's form: `example.com` for `[example.com]:587`. */
export function domainOfNextHop(nextHop: string): string {
  return nextHop.replace(/^\[?([^\]:]*).*$/s, "$1");
}

function isDomain(value: unknown): boolean {
  return isText(value) && value !== "" && value.length <= DOMAIN_MAX_LENGTH;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
