/**
 * The list of our own domains on the page of received reports: what is known of each, and which part of the list a
 * request asks for.
 *
 * @module
 */

import type { DomainSummary } from "../receive/summary_types.ts";

/** Domains on a page. */
export const ENTRIES_PER_PAGE = 100;

/** The longest entry of `received.domains`: a domain in text form (RFC 1035 §2.3.4) after `*.`. */
const MAX_NAME_CHARS = 255;

/** What the list shows of a domain. */
export interface ReceivedEntry {
  /** An entry of `received.domains`. */
  readonly domain: string;
  readonly verdict: DomainSummary["verdict"];
  /** The verdict in a sentence without its full stop. */
  readonly text: string;
  /** Sessions in the days of the summary. */
  readonly successful: number;
  readonly failed: number;
  /** How many senders could not deliver securely. */
  readonly failing: number;
  /** The last day that a report is about, `YYYY-MM-DD`; `undefined` if none ever came. */
  readonly last: string | undefined;
  /** What failed most. */
  readonly problem: { readonly result: string; readonly mx: string } | undefined;
}

/** The orders offered. `worst`: the greatest part of sessions that failed comes first. */
export const RECEIVED_ORDERS = ["worst", "domain", "sessions", "last"] as const;

/** An order of the list. */
export type ReceivedOrder = (typeof RECEIVED_ORDERS)[number];

/** A part of the list. */
export interface ReceivedListing {
  readonly entries: readonly ReceivedEntry[];
  /** Entries that match in all. */
  readonly total: number;
  /** A part of a name that was searched for; `""` for all. */
  readonly search: string;
  readonly order: ReceivedOrder;
  /** The order is reversed. */
  readonly isReversed: boolean;
  /** 1-based. */
  readonly page: number;
  readonly hasNext: boolean;
  /** Only domains with failures are listed. */
  readonly onlyFailures: boolean;
}

/**
 * Reads the part of the list that the parameters `q`, `sort`, `dir`, `page` and `only` select. A malformed parameter
 * counts as absent.
 */
export function readReceivedListing(
  query: URLSearchParams,
  entries: readonly ReceivedEntry[],
): ReceivedListing {
  const search = (query.get("q") ?? "").replaceAll(/[\p{C}\p{Z}]/gu, "")
    .slice(0, MAX_NAME_CHARS).toLowerCase();
  const onlyFailures = query.get("only") === "failures";
  const order = RECEIVED_ORDERS.find((one) => one === query.get("sort")) ?? "worst";
  const isReversed = query.get("dir") === "back";
  const matching = entries.filter(({ domain, verdict }) =>
    domain.includes(search) && (!onlyFailures || verdict === "failures")
  );
  const sorted = matching.toSorted(COMPARE[order]);
  if (isReversed) sorted.reverse();
  const page = readPage(query.get("page") ?? "");
  const first = (page - 1) * ENTRIES_PER_PAGE;
  return {
    entries: sorted.slice(first, first + ENTRIES_PER_PAGE),
    total: sorted.length,
    search,
    order,
    isReversed,
    page,
    hasNext: sorted.length > first + ENTRIES_PER_PAGE,
    onlyFailures,
  };
}

type Compare = (one: ReceivedEntry, other: ReceivedEntry) => number;

const BY_NAME: Compare = (one, other) =>
  one.domain < other.domain ? -1 : one.domain > other.domain ? 1 : 0;

const COMPARE: Readonly<Record<ReceivedOrder, Compare>> = {
  worst: (one, other) =>
    shareOf(other) - shareOf(one) || other.failing - one.failing ||
    other.failed - one.failed || BY_NAME(one, other),
  domain: BY_NAME,
  sessions: (one, other) => sessionsOf(other) - sessionsOf(one) || BY_NAME(one, other),
  last: (one, other) => {
    const [left, right] = [one.last ?? "", other.last ?? ""];
    return left < right ? 1 : left > right ? -1 : BY_NAME(one, other);
  },
};

function sessionsOf({ successful, failed }: ReceivedEntry): number {
  return successful + failed;
}

function shareOf(entry: ReceivedEntry): number {
  return entry.failed / Math.max(1, sessionsOf(entry));
}

function readPage(text: string): number {
  return /^[1-9][0-9]{0,3}$/.test(text) ? parseInt(text, 10) : 1;
}
