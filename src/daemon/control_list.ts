/**
 * The lists of the control channel: a part at a time, by domain. One request looks at a bounded number of
 * rows and makes a reply of bounded size, however much the store holds and whatever is asked for.
 *
 * @module
 */

import type { DomainNotes, Listing, PolicyLists, StoredPolicy } from "../cache/types.ts";
import type { DomainStore, StoreCare } from "../cache/types.ts";
import { isMapping } from "../base/mapping.ts";
import { toDomainName } from "../sts/domain.ts";
import { type CacheEntry, describeEntry, describeFailure } from "./cache_entry.ts";

/** Rows that one request looks at, at most: 10 ms, in which no query is answered. */
const SCANNED_ROWS = 500;

/** Entries of one reply at most. */
const PAGE_ENTRIES = 100;

/** A reply that has reached this many UTF-16 units of JSON takes no further entry: a policy may have 64 KiB. */
const PAGE_UNITS = 64 * 1024;

const MODES: readonly unknown[] = ["enforce", "testing", "none"];

/** What a list is made from. */
export type ListStore =
  & DomainNotes
  & Pick<DomainStore, "getPolicy">
  & Pick<PolicyLists, "listPolicies" | "listFailures">
  & Pick<StoreCare, "health">;

/** Which entries are wanted. */
export interface ListRequest {
  /** Only what comes behind this domain. @default {""} */
  readonly after?: string;
  /** Only domains below this one. */
  readonly below?: string;
  /** Only policies in this mode. */
  readonly mode?: string;
  /** Only domains whose last fetch failed, those without a policy among them. */
  readonly problems?: boolean;
  /** With the text of each policy. */
  readonly text?: boolean;
}

/** A part of a list. */
export interface ListPage {
  /** May be fewer than there is room for, or none, before the end. */
  readonly entries: readonly CacheEntry[];
  /** What to ask for next, as `after`; absent at the end. */
  readonly next?: string;
  /** Why the store cannot read its file now: the list lacks what is there. */
  readonly fault?: string;
}

/**
 * Reads the argument of `list`.
 *
 * @returns `undefined` unless it is JSON of that form.
 */
export function readListRequest(argument: string): ListRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(argument);
  } catch {
    return undefined;
  }
  if (!isMapping(value)) return undefined;
  const { after = "", below, mode, problems = false, text = false } = value;
  const isRight = typeof after === "string" && (below === undefined || isDomain(below)) &&
    (mode === undefined || MODES.includes(mode)) &&
    typeof problems === "boolean" && typeof text === "boolean";
  return isRight ? value as ListRequest : undefined;
}

/** Makes one part of a list. */
export function listEntries(store: ListStore, request: ListRequest): ListPage {
  const { after = "", problems = false, below, mode } = request;
  // Without a filter every row is an entry, and those that do not fit would be read for nothing.
  const isFiltered = below !== undefined || mode !== undefined;
  const query = { after, limit: isFiltered ? SCANNED_ROWS : PAGE_ENTRIES };
  const listing: Listing<{ readonly domain: string }> = problems
    ? store.listFailures(query)
    : store.listPolicies(query);
  const entries: CacheEntry[] = [];
  let { next } = listing;
  let units = 0;
  let last = after;
  for (const row of listing.entries) {
    if (entries.length >= PAGE_ENTRIES || units >= PAGE_UNITS) {
      next = last;
      break;
    }
    last = row.domain;
    const entry = wanted(row.domain, request) ? describe(store, row, request) : undefined;
    if (entry === undefined) continue;
    units += JSON.stringify(entry).length;
    entries.push(entry);
  }
  const health = store.health();
  return {
    entries,
    ...(next === undefined ? {} : { next }),
    ...(health.kind === "degraded" ? { fault: health.error } : {}),
  };
}

function wanted(domain: string, { below }: ListRequest): boolean {
  return below === undefined || domain.endsWith(`.${below}`);
}

function describe(
  store: ListStore,
  row: StoredPolicy | { readonly domain: string },
  { mode, text }: ListRequest,
): CacheEntry | undefined {
  const stored = "policy" in row ? row : heldPolicy(store, row.domain);
  if (mode !== undefined && stored?.policy.mode !== mode) return undefined;
  if (stored === undefined) {
    const failure = store.getFailure(row.domain);
    return failure && { domain: row.domain, failure: describeFailure(failure) };
  }
  const entry = describeEntry(stored, store);
  return text === true ? { ...entry, text: stored.text } : entry;
}

function heldPolicy(store: ListStore, domain: string): StoredPolicy | undefined {
  const lookup = store.getPolicy(domain);
  return lookup.kind === "found" ? lookup.policy : undefined;
}

function isDomain(value: unknown): boolean {
  return typeof value === "string" && toDomainName(value) === value;
}
