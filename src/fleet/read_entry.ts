/**
 * Reads what was in an envelope, as hostile input: every member has a form, no time counts as later than now, and the
 * text of a policy is for our own parser to judge. `entry.ts` has the table of members.
 *
 * @module
 */

import { FETCH_FAILURES, isPublished } from "../sts/fetch_failure.ts";
import { formatNextHop, readKey } from "../sts/domain.ts";
import { expiryOf, type PolicyFile, PolicySyntaxError, readPolicyFile } from "../sts/policy.ts";
import { type Content, type Members, refuse, type Refused } from "./envelope.ts";
import type { EntryKey, FleetFailure, FleetPolicy, FleetView } from "./types.ts";

/** Later than now by more than this, ms, is not believed: clocks that are set agree to a second. */
const FUTURE_MS = 60_000;

/**
 * If the engine's clock and the writer's differ by more than this, ms, about the age of a policy, the greater age
 * counts: one of both was set wrong meanwhile, and no policy may outlive its `max_age`. Hosts may be an hour apart.
 */
const CLOCKS_AGREE_MS = 65 * 60_000;

/** The longest back-off that is taken from others, ms: the resolver's own. */
const RETRY_MAX_MS = 3600_000;

/** A view counts for this long, ms: as the resolver's own stale views. */
export const VIEW_LIFE_MS = 24 * 3600_000;

/** A tombstone counts for this long, ms. Hosts that are cut off for longer may keep what was purged. */
export const TOMBSTONE_LIFE_MS = 3600_000;

/** Characters of a detail: a line. */
export const DETAIL_MAX_LENGTH = 500;

/** Characters of a view's JSON: dozens of MX hosts take a few thousand. */
const VIEW_MAX_LENGTH = 64 * 1024;

/** Times end with the year 2099, ms. */
const TIME_MAX_MS = Date.UTC(2100, 0, 1);

/** Failures in a row that are believed. */
const COUNT_MAX = 1_000_000;

const ID = /^[A-Za-z0-9]{1,32}$/;
const HOST = /^[!-~]{1,255}$/;
const LINE = /^[ -~]*$/;

/** What was read. Times in ms of `Clock.now`. */
export type Reading =
  | { readonly kind: "p"; readonly policy: FleetPolicy }
  | { readonly kind: "f"; readonly failure: FleetFailure }
  | { readonly kind: "t"; readonly domain: string; readonly at: number }
  | { readonly kind: "x"; readonly view: FleetView }
  | Refused;

/** The two clocks, ms. */
export interface Times {
  /** `Clock.now`. */
  readonly now: number;
  /** The engine's time less `Clock.now`. */
  readonly offset: number;
}

/**
 * Reads an entry.
 *
 * @param content Letters that are no kind of entry are refused as `version`.
 * @param times The two clocks.
 * @param options The mark of this host's settings; `key` is what was asked for, if anything was.
 */
export function readEntry(
  { letter, members, isSigned }: Content,
  times: Times,
  options: { readonly settings: string; readonly key?: EntryKey },
): Reading {
  const { settings, key } = options;
  if (letter !== "p" && letter !== "f" && letter !== "t" && letter !== "x") {
    return refuse("version");
  }
  if (key !== undefined && (letter !== key.kind || members.d !== key.name)) return refuse("name");
  if (typeof members.h !== "string" || !HOST.test(members.h)) return refuse("form");
  // A policy of the other program's cache has no mark.
  const isMarked = letter !== "t" && (isSigned || members.c !== undefined);
  if (isMarked && members.c !== settings) return refuse("settings");
  if (letter === "p") return readPolicy(members, times, isSigned);
  if (!isSigned) return refuse("unsigned");
  if (letter === "x") return readView(members, times);
  return letter === "f" ? readFailure(members, times) : readTombstone(members, times);
}

function readPolicy(members: Members, times: Times, isSigned: boolean): Reading {
  const { d: domain, i: id, t: text, h: host } = members;
  if (!isDomain(domain) || !isPolicyId(id) || typeof text !== "string") {
    return refuse("form");
  }
  const fetchedAt = readTime(members, times);
  if (typeof fetchedAt !== "number") return fetchedAt;
  const file = readText(text);
  if (file === undefined) return refuse("policy");
  const expiresAt = expiryOf(file.policy, fetchedAt);
  if (expiresAt <= times.now) return refuse("expired");
  const isForeign = !isSigned && members.c === undefined;
  const policy = {
    ...{ ...file, domain, id, fetchedAt, expiresAt, host: host as string, isSigned },
    ...(isForeign && { isForeign }),
  };
  return { kind: "p", policy };
}

function readFailure(members: Members, times: Times): Reading {
  const { d: domain, i: id, r: reason, m: detail, n: count, u: until } = members;
  if (!isDomain(domain) || !isPolicyId(id)) return refuse("form");
  if (typeof detail !== "string" || detail.length > DETAIL_MAX_LENGTH || !LINE.test(detail)) {
    return refuse("form");
  }
  if (!Number.isSafeInteger(count) || !isTime(until)) return refuse("form");
  if (typeof reason !== "string" || (count as number) < 1 || (count as number) > COUNT_MAX) {
    return refuse("form");
  }
  // A newer program may know more reasons.
  if (!(FETCH_FAILURES as readonly string[]).includes(reason)) return refuse("version");
  if (!isPublished(reason)) return refuse("form");
  const failedAt = readTime(members, times);
  if (typeof failedAt !== "number") return failedAt;
  const retryAt = Math.min(until - times.offset, failedAt + RETRY_MAX_MS);
  if (retryAt <= failedAt) return refuse("form");
  const failure = { domain, id, reason, detail, count: count as number, failedAt, retryAt };
  return { kind: "f", failure };
}

function readTombstone(members: Members, times: Times): Reading {
  const { d: domain } = members;
  if (!isDomain(domain)) return refuse("form");
  const at = readTime(members, times);
  if (typeof at !== "number") return at;
  return at + TOMBSTONE_LIFE_MS <= times.now ? refuse("expired") : { kind: "t", domain, at };
}

function readView(members: Members, times: Times): Reading {
  const { d: nextHop, j: json } = members;
  if (!isNextHop(nextHop) || typeof json !== "string" || json.length > VIEW_MAX_LENGTH) {
    return refuse("form");
  }
  const checkedAt = readTime(members, times);
  if (typeof checkedAt !== "number") return checkedAt;
  if (checkedAt + VIEW_LIFE_MS <= times.now) return refuse("expired");
  return { kind: "x", view: { nextHop, json, checkedAt } };
}

/** The time `f` by this host's clock, ms, never after now; see {@link CLOCKS_AGREE_MS} for `w`. */
function readTime({ f, w }: Members, { now, offset }: Times): number | Refused {
  if (!isTime(f) || (w !== undefined && !isTime(w))) return refuse("form");
  const engines = f - offset;
  const at = w !== undefined && engines - w > CLOCKS_AGREE_MS ? w : engines;
  return at > now + FUTURE_MS ? refuse("future") : Math.min(now, at);
}

function readText(text: string): PolicyFile | undefined {
  // A lone surrogate can be in JSON, and in no file that was fetched.
  if (!text.isWellFormed()) return undefined;
  try {
    return readPolicyFile(text);
  } catch (error) {
    if (error instanceof PolicySyntaxError) return undefined;
    throw error;
  }
}

/** Whether a value is the id of a TXT record (RFC 8461 §3.1). */
export function isPolicyId(value: unknown): value is string {
  return typeof value === "string" && ID.test(value);
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < TIME_MAX_MS;
}

function isNextHop(value: unknown): value is string {
  if (typeof value !== "string") return false;
  const reading = readKey(value);
  return reading.kind === "next-hop" && formatNextHop(reading.nextHop) === value;
}

/** Whether a value is a policy domain in its one form. */
export function isDomain(value: unknown): value is string {
  return isNextHop(value) && !/[[:]/.test(value);
}
