/**
 * Takes a policy from what `cache export` printed. The text of the policy counts and is parsed again; what else
 * the entry says must agree with it. Nothing in it is believed unchecked: somebody may have written it by hand.
 *
 * A policy that is held is only replaced by one that was fetched later (RFC 8461 §3.3, §5.1).
 *
 * @module
 */

import { FUTURE_MS, isPolicyRow, isTime } from "../cache/rows.ts";
import type { DomainStore, StoredPolicy } from "../cache/types.ts";
import { isMapping } from "../base/mapping.ts";
import { readKey } from "../sts/domain.ts";
import { expiryOf, type PolicyFile, PolicySyntaxError, readPolicyFile } from "../sts/policy.ts";

/** What became of an entry. */
export type ImportResult =
  /** None was held. */
  | "added"
  /** One that was fetched earlier was held. */
  | "replaced"
  /** The one held was fetched at the same time or later. */
  | "kept"
  | "expired";

/** An entry that was read, or why it cannot be believed: constant text. */
export type EntryReading =
  | { readonly kind: "policy"; readonly policy: StoredPolicy }
  | { readonly kind: "invalid"; readonly why: string };

/** The form that `Date.toISOString` gives to times in the cache. */
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;

/**
 * Reads an entry.
 *
 * @param entry What was parsed from JSON.
 * @param now The time, ms: a policy cannot have been fetched later.
 */
export function readEntry(entry: unknown, now: number): EntryReading {
  if (!isMapping(entry)) return invalid("it is not an object");
  const { domain, id, text, refresh, last_used: lastUsed } = entry;
  if (typeof domain !== "string" || !isPolicyDomain(domain)) {
    return invalid("domain is not a domain in lower-case A-labels");
  }
  if (typeof text !== "string") return invalid("text is missing");
  const fetched = readTime(entry.fetched);
  if (fetched === undefined) return invalid("fetched is not a time");
  if (fetched > now + FUTURE_MS) return invalid("fetched is later than now");
  // Of a clock that is a little ahead: what is fetched here from now on is newer.
  const fetchedAt = Math.min(fetched, now);
  const file = readText(text);
  if (file instanceof PolicySyntaxError) return invalid(`text is not a policy: ${file.message}`);
  if (!agrees(entry, file)) return invalid("mode, max_age or mx do not agree with text");
  const expiresAt = expiryOf(file.policy, fetchedAt);
  const refreshAt = readTime(refresh);
  const policy = {
    domain,
    id: id as string,
    ...file,
    fetchedAt,
    expiresAt,
    lastUsedAt: Math.min(readTime(lastUsed) ?? fetchedAt, now),
    // Of a wrong time it is due at once.
    refreshAt: refreshAt === undefined || refreshAt > expiresAt ? now : refreshAt,
  };
  return isPolicyRow(policy) ? { kind: "policy", policy } : invalid("id is not a policy id");
}

/**
 * Puts a policy into the store if it is newer than what is there.
 *
 * @param policy As {@link readEntry} gives it.
 * @param now The time, ms.
 * @returns What became of it; with `unavailable` the store cannot be read, and nothing is changed.
 */
export function importPolicy(
  policy: StoredPolicy,
  { store, now }: {
    readonly store: Pick<DomainStore, "getPolicy" | "putPolicy">;
    readonly now: number;
  },
): ImportResult | { readonly unavailable: string } {
  if (policy.expiresAt <= now) return "expired";
  const held = store.getPolicy(policy.domain);
  if (held.kind === "unavailable") return { unavailable: held.reason };
  // One that was replaced does not come back when its successor has expired.
  if (held.kind === "found" && held.policy.fetchedAt >= policy.fetchedAt) return "kept";
  store.putPolicy(policy);
  return held.kind === "found" && held.policy.expiresAt > now ? "replaced" : "added";
}

function isPolicyDomain(domain: string): boolean {
  const key = readKey(domain);
  return key.kind === "next-hop" && key.nextHop.domain === domain;
}

function readText(text: string): PolicyFile | PolicySyntaxError {
  try {
    return readPolicyFile(text);
  } catch (error) {
    if (error instanceof PolicySyntaxError) return error;
    throw error;
  }
}

/** Whether the members that repeat what the text says do so. */
function agrees(
  { mode, max_age: maxAge, mx }: Readonly<Record<string, unknown>>,
  { policy }: PolicyFile,
): boolean {
  return (mode === undefined || mode === policy.mode) &&
    (maxAge === undefined || maxAge === policy.maxAge) &&
    (mx === undefined || JSON.stringify(mx) === JSON.stringify(policy.mx));
}

function readTime(value: unknown): number | undefined {
  if (typeof value !== "string" || !TIME.test(value)) return undefined;
  const time = Date.parse(value);
  return isTime(time) ? time : undefined;
}

function invalid(why: string): EntryReading {
  return { kind: "invalid", why };
}
