/**
 * What a record must look like to be believed. The same rules hold when it is written and when it
 * is read back: bits rot, and other programs can write the file.
 *
 * Whether the text of a policy still parses is for its reader to find out; here it is
 * only parsed to learn when the policy expires.
 *
 * @module
 */

import { parsePolicy, POLICY_MAX_BYTES } from "../sts/policy.ts";
import type { DueQuery, StoredFailure, StoredMx, StoredPolicy } from "./types.ts";

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
const TIME_MAX_MS = Date.UTC(2100, 0, 1);

/** A record as read: any column may hold anything. */
type Unproven<T> = { readonly [Field in keyof T]: unknown };

/** Tells whether a policy record can be believed. */
export function isPolicy(policy: Unproven<StoredPolicy>): policy is StoredPolicy {
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

/** When a policy expires (RFC 8461 §3.2), ms; `undefined` if the record or its text is invalid. */
export function expiryOf(policy: StoredPolicy): number | undefined {
  if (!isPolicy(policy)) return undefined;
  try {
    return policy.fetchedAt + parsePolicy(policy.text).maxAge * 1000;
  } catch {
    return undefined;
  }
}

/** Of these policies those that `PolicyStore.listDue` asks for, in its order. */
export function selectDue(
  policies: readonly StoredPolicy[],
  { due, usedSince, limit }: DueQuery,
): StoredPolicy[] {
  return policies
    .filter(({ refreshAt, lastUsedAt }) => refreshAt <= due && lastUsedAt >= usedSince)
    .filter((policy) => (expiryOf(policy) ?? 0) > due)
    .sort((one, other) => one.refreshAt - other.refreshAt)
    .slice(0, limit);
}

/** The domain of a next hop in Postfix's form: `example.com` for `[example.com]:587`. */
export function domainOf(nextHop: string): string {
  return nextHop.replace(/^\[?([^\]:]*).*$/s, "$1");
}

function isDomain(value: unknown): boolean {
  return isText(value) && value !== "" && value.length <= DOMAIN_MAX_LENGTH;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
