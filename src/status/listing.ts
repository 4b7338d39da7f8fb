/**
 * The list of cached domains: which part of it a request asks for, and its entries.
 *
 * A page is bounded, and so is how far one can leaf; whoever wants one domain of a million finds it by the
 * beginning of its name.
 *
 * @module
 */

import type { DomainNotes, PageOrder, PolicyLists, StoredPolicy } from "../cache/types.ts";
import { toDomainName } from "../sts/domain.ts";
import type { PolicyMode } from "../sts/policy.ts";
import type { RecentEvents } from "./recent_events.ts";

/** Domains on a page. */
export const PAGE_ROWS = 100;

/** Pages to leaf through; more is nothing for a person, and rows before a page take time. */
const MAX_PAGES = 20;

/** More policies than this are not sorted by last use: there is no index for it, and 100,000 take 10 ms. */
const MAX_SORTED_BY_USE = 100_000;

/** The longest domain in text form (RFC 1035 §2.3.4). */
const MAX_NAME_CHARS = 253;

/** The orders offered, each with the direction that is asked for first. */
export const ORDERS: readonly { order: PageOrder; descending: boolean }[] = [
  { order: "domain", descending: false },
  { order: "fetched", descending: false },
  { order: "expires", descending: false },
  { order: "used", descending: true },
];

/** A domain in the list. Times in ms. */
export interface DomainEntry {
  readonly domain: string;
  readonly mode: PolicyMode;
  readonly fetchedAt: number;
  readonly expiresAt: number;
  readonly lastUsedAt: number;
  /** What went wrong last and is not over; may hold remote text. */
  readonly problem: { readonly at: number; readonly text: string } | undefined;
}

/** A part of the list. */
export interface Listing {
  readonly entries: readonly DomainEntry[];
  /** The beginning of a name that was asked for; `""` for all. */
  readonly search: string;
  readonly order: PageOrder;
  readonly descending: boolean;
  /** Orders that may be asked for: none within a search. */
  readonly orders: readonly PageOrder[];
  /** 1-based. */
  readonly page: number;
  readonly hasNext: boolean;
  /** Policies held in all. */
  readonly total: number;
}

/** Where entries come from. */
export interface ListingSources {
  readonly store: Pick<PolicyLists, "listPage" | "count"> & Pick<DomainNotes, "getFailure">;
  readonly events: Pick<RecentEvents, "problem">;
}

/**
 * Reads the part of the list that a query asks for: `q`, `sort`, `dir` and `page`. What is not of its form counts
 * as not given.
 */
export function readListing(
  query: URLSearchParams,
  { store, events }: ListingSources,
): Listing {
  const total = store.count();
  const search = readSearch(query.get("q") ?? "");
  const offered = search !== ""
    ? []
    : ORDERS.filter(({ order }) => order !== "used" || total <= MAX_SORTED_BY_USE);
  // Without a wish: what mail is sent to now, or else the alphabet.
  const fallback = offered.find(({ order }) => order === "used") ?? ORDERS[0]!;
  const { order, descending: natural } = offered.find(({ order }) => order === query.get("sort")) ??
    fallback;
  const direction = query.get("dir");
  const descending = direction === "up" ? false : direction === "down" ? true : natural;
  const page = readPage(query.get("page") ?? "");
  const offset = (page - 1) * PAGE_ROWS;
  // One more than is shown tells whether there is a next page.
  const policies = store.listPage({
    order,
    descending,
    prefix: search,
    offset,
    limit: PAGE_ROWS + 1,
  });
  return {
    entries: policies.slice(0, PAGE_ROWS).map((policy) => entryOf(policy, { store, events })),
    search,
    order,
    descending,
    orders: offered.map(({ order }) => order),
    page,
    hasNext: policies.length > PAGE_ROWS && page < MAX_PAGES,
    total,
  };
}

function entryOf(
  { domain, policy: { mode }, fetchedAt, expiresAt, lastUsedAt }: StoredPolicy,
  sources: ListingSources,
): DomainEntry {
  return { domain, mode, fetchedAt, expiresAt, lastUsedAt, problem: problemOf(domain, sources) };
}

/** What was seen by this process, or the failed fetch that outlived the last one. */
function problemOf(domain: string, { store, events }: ListingSources): DomainEntry["problem"] {
  const seen = events.problem(domain);
  if (seen !== undefined) return { at: seen.at, text: `${seen.what}: ${seen.detail}` };
  const failure = store.getFailure(domain);
  return failure && { at: failure.failedAt, text: `Policy not fetched: ${failure.reason}` };
}

/** The beginning of a name, as names are stored; a whole name may have U-labels. */
function readSearch(text: string): string {
  const word = text.replaceAll(/[\p{C}\p{Z}]/gu, "").slice(0, MAX_NAME_CHARS).toLowerCase();
  // A final dot stays: it ends a label, so that `mail.` does not find `mailer.example`.
  return /\P{ASCII}/u.test(word) ? toDomainName(word) ?? word : word;
}

function readPage(text: string): number {
  return /^[1-9][0-9]?$/.test(text) ? Math.min(parseInt(text, 10), MAX_PAGES) : 1;
}
