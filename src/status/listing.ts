/**
 * The list of cached domains: which part of it a request asks for, and its entries.
 *
 * The size of a page and the number of pages are bounded. To find one domain of a million, search for the
 * beginning of its name.
 *
 * @module
 */

import type { DomainStore, PageOrder, PolicyLists, StoredPolicy } from "../cache/types.ts";
import { toDomainName } from "../sts/domain.ts";
import type { PolicyMode } from "../sts/policy.ts";
import type { AnswerCounts } from "./answer_counts.ts";
import type { Counts } from "./history.ts";
import type { RecentEvents } from "./recent_events.ts";

/** Domains on a page. */
export const PAGE_ROWS = 100;

/** The most pages: nobody reads more, and skipping the rows before a page takes time. */
const MAX_PAGES = 20;

/** With more policies, sorting by last use is not offered: it has no index, and 100,000 rows take 10 ms. */
const MAX_SORTED_BY_USE = 100_000;

/** Domains with problems that are looked at, from memory and from the store each: reading one takes 20 us. */
const MAX_PROBLEMS = 500;

/** The longest domain in text form (RFC 1035 §2.3.4). */
const MAX_NAME_CHARS = 253;

/** The orders offered, each with its first direction. */
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
  /** The last problem that is not over; may hold remote text. */
  readonly problem: { readonly at: number; readonly text: string } | undefined;
  /** How often each answer was given lately; `undefined` if that is not known. */
  readonly answers: Counts | undefined;
}

/** A part of the list. */
export interface Listing {
  readonly entries: readonly DomainEntry[];
  /** The beginning of a name that was searched for; `""` for all. */
  readonly search: string;
  readonly order: PageOrder;
  readonly descending: boolean;
  /** The orders that can be chosen: none within a search. */
  readonly orders: readonly PageOrder[];
  /** 1-based. */
  readonly page: number;
  readonly hasNext: boolean;
  /** Policies held in all. */
  readonly total: number;
  /** Only domains with a problem are listed. */
  readonly onlyProblems: boolean;
}

/** Where entries come from. */
export interface ListingSources {
  readonly store:
    & Pick<PolicyLists, "listPage" | "latestFailures" | "count">
    & Pick<DomainStore, "getFailure" | "getPolicy">;
  readonly events: Pick<RecentEvents, "problem" | "domainsWithProblems">;
  readonly counts: Pick<AnswerCounts, "of">;
}

/**
 * Reads the part of the list that the parameters `q`, `sort`, `dir`, `page` and `only` select. A malformed
 * parameter counts as absent.
 */
export function readListing(query: URLSearchParams, sources: ListingSources): Listing {
  const { store } = sources;
  const total = store.count();
  const search = readSearch(query.get("q") ?? "");
  const onlyProblems = search === "" && query.get("only") === "problems";
  const offered = search !== ""
    ? []
    : ORDERS.filter(({ order }) => onlyProblems || order !== "used" || total <= MAX_SORTED_BY_USE);
  // By default, the domains that mail was last sent to, or the alphabet if that order is not offered.
  const fallback = offered.find(({ order }) => order === "used") ?? ORDERS[0]!;
  const { order, descending: natural } = offered.find(({ order }) => order === query.get("sort")) ??
    fallback;
  const direction = query.get("dir");
  const descending = direction === "up" ? false : direction === "down" ? true : natural;
  const page = readPage(query.get("page") ?? "");
  // One more than is shown: it exists if there is a next page.
  const part = { offset: (page - 1) * PAGE_ROWS, limit: PAGE_ROWS + 1 };
  const policies = onlyProblems
    ? withProblems(sources, { order, descending }).slice(part.offset, part.offset + part.limit)
    : store.listPage({ order, descending, prefix: search, ...part });
  return {
    entries: policies.slice(0, PAGE_ROWS).map((policy) => entryOf(policy, sources)),
    search,
    order,
    descending,
    orders: offered.map(({ order }) => order),
    page,
    hasNext: policies.length > PAGE_ROWS && page < MAX_PAGES,
    total,
    onlyProblems,
  };
}

/** The policies of domains with a problem, sorted. */
function withProblems(
  { store, events }: ListingSources,
  { order, descending }: { order: PageOrder; descending: boolean },
): StoredPolicy[] {
  const domains = new Set([
    ...events.domainsWithProblems(MAX_PROBLEMS),
    ...store.latestFailures(MAX_PROBLEMS).map(({ domain }) => domain),
  ]);
  const policies = [...domains].flatMap((domain) => {
    const found = store.getPolicy(domain);
    return found.kind === "found" ? [found.policy] : [];
  });
  const key = SORT_KEYS[order];
  policies.sort((one, other) => {
    const [left, right] = [key(one), key(other)];
    return left < right ? -1 : left > right ? 1 : 0;
  });
  return descending ? policies.reverse() : policies;
}

const SORT_KEYS: Readonly<Record<PageOrder, (policy: StoredPolicy) => string | number>> = {
  domain: ({ domain }) => domain,
  fetched: ({ fetchedAt }) => fetchedAt,
  expires: ({ expiresAt }) => expiresAt,
  used: ({ lastUsedAt }) => lastUsedAt,
};

function entryOf(
  { domain, policy: { mode }, fetchedAt, expiresAt, lastUsedAt }: StoredPolicy,
  sources: ListingSources,
): DomainEntry {
  const problem = problemOf(domain, sources);
  const answers = sources.counts.of(domain);
  return { domain, mode, fetchedAt, expiresAt, lastUsedAt, problem, answers };
}

/** The problem that this process has seen, or else the failed fetch in the store. */
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
