/**
 * The first page of received TLS reports: for each of our own domains, whether senders can deliver to it securely. The
 * worst comes first.
 *
 * Names of MX hosts were written by strangers: they are shown as text, cut.
 *
 * @module
 */

import { cutText } from "../base/quote_text.ts";
import { type Html, html, NOTHING } from "../http/html.ts";
import { figureList } from "./figures.ts";
import { healthItem } from "./health_item.ts";
import { filterLink, pagesNav, sortHeader } from "./list_links.ts";
import { breakableName, domainPath, uLabels } from "./names.ts";
import type { Page } from "./page_frame.ts";
import {
  ENTRIES_PER_PAGE,
  RECEIVED_ORDERS,
  type ReceivedEntry,
  type ReceivedListing,
  type ReceivedOrder,
} from "./received_list.ts";
import { formatCount, formatShare, formatTime, timeElement } from "./wording.ts";

/** Characters of the name of an MX host that are shown. */
const NAME_MAX_CHARS = 100;

/** The state of one part of the receiver. */
export interface ReceivedHealthCheck {
  readonly name: "store" | "maildir" | "certificate";
  readonly status: "ok" | "warning" | "failed";
  /** One line for a person. */
  readonly detail: string;
}

/** What the page shows. Times in ms. */
export interface ReceivedFacts {
  readonly now: number;
  /** Name of this machine. */
  readonly hostname: string;
  readonly checks: readonly ReceivedHealthCheck[];
  /** Of all domains. */
  readonly totals: ReceivedTotals;
  /** Days that the verdicts are about. */
  readonly days: number;
  readonly listing: ReceivedListing;
  /** When the counts were read. */
  readonly readAt: number;
  /** Why they cannot be read. */
  readonly fault: string | undefined;
}

/** Sums over all domains. */
export interface ReceivedTotals {
  readonly domains: number;
  /** Domains with failures. */
  readonly failing: number;
  readonly successful: number;
  readonly failed: number;
}

const CHECK_NAMES: Readonly<Record<ReceivedHealthCheck["name"], string>> = {
  store: "Store",
  maildir: "Maildir",
  certificate: "Certificate",
};

const COLUMN_NAMES: Readonly<Record<ReceivedOrder, string>> = {
  domain: "Domain",
  worst: "Failed",
  sessions: "Sessions",
  last: "Last report",
};

/** Writes the page. */
export function receivedPage(facts: ReceivedFacts): Page {
  const { now, hostname, checks, totals, fault } = facts;
  const state = fault === undefined ? describeState(totals) : "The reports cannot be read";
  return {
    title: `${hostname}: ${state} – TLS reports`,
    body: html`
      <a class="skip" href="#domains">Skip to the domains</a>
      <header>
        <p><b>${breakableName(hostname)}</b>, TLS reports about our domains, ${formatTime(
          now,
        )} UTC</p>
        <h1>${state}</h1>
        <ul class="checks">${checks.map((check) => healthItem(CHECK_NAMES[check.name], check))}</ul>
      </header>
      <main>
        ${fault === undefined ? content(facts) : html`
          <div class="note">
            <p>The reports cannot be read: ${fault}</p>
          </div>
        `}
      </main>
    `,
  };
}

/** The page while the counts are read for the first time. */
export function readingPage(hostname: string): Page {
  return {
    title: `${hostname}: reading – TLS reports`,
    status: 503,
    body: html`
      <header>
        <p><b>${breakableName(hostname)}</b>, TLS reports about our domains</p>
        <h1>The reports are being read</h1>
      </header>
      <main>
        <p>Reload the page in a few seconds.</p>
      </main>
    `,
  };
}

function content(facts: ReceivedFacts): Html {
  const { totals, days, listing } = facts;
  return html`
    ${figureList([
      ["domains", totals.domains],
      [`with failures in ${days} days`, totals.failing],
      ["sessions that succeeded", totals.successful],
      ["sessions that failed", totals.failed],
    ])}
    ${domainSection(listing, facts)}
  `;
}

function describeState({ domains, failing }: ReceivedTotals): string {
  if (domains === 0) return "No domain is configured";
  if (failing === 0) return "No sender reports a failure";
  const all = domains === 1 ? "the domain" : `${formatCount(domains)} domains`;
  return `Senders report failures for ${
    failing === domains ? all : `${formatCount(failing)} of ${all}`
  }`;
}

function domainSection(listing: ReceivedListing, { now, days, readAt }: ReceivedFacts): Html {
  const list = listing.entries.length === 0
    ? html`<p class="soft">${emptyText(listing)}</p>`
    : domainTable(listing, days);
  return html`
    <section aria-labelledby="domains">
      <div class="bar">
        <h2 id="domains" tabindex="-1">Our domains</h2>
        <form role="search" action="/#domains">
          <label for="q">Find a domain</label>
          <input id="q" name="q" type="search" value="${listing.search}" maxlength="255"
            placeholder="Part of the name" autocomplete="off" autocapitalize="off" spellcheck="false">
          <button>Find</button>
        </form>
      </div>
      ${filterLinks(listing)}
      ${list}
      ${pagesNav({
        previous: listing.page > 1 ? listPath({ ...listing, page: listing.page - 1 }) : undefined,
        next: listing.hasNext ? listPath({ ...listing, page: listing.page + 1 }) : undefined,
      })}
      <p class="soft">Counted ${timeElement(readAt, now)}.</p>
    </section>
  `;
}

function emptyText({ search, onlyFailures, page }: ReceivedListing): string {
  if (page > 1) return "The list ends before this page.";
  if (search !== "") return "No domain has this in its name.";
  return onlyFailures ? "No sender reports a failure." : "No domain is configured.";
}

function filterLinks(listing: ReceivedListing): Html {
  const link = (onlyFailures: boolean, name: string) =>
    filterLink(name, {
      href: listPath({ ...listing, page: 1, onlyFailures }),
      isCurrent: onlyFailures === listing.onlyFailures,
    });
  return html`
    <nav class="filter" aria-label="Filter">${link(false, "All")} ${link(
      true,
      "Only failures",
    )}</nav>
  `;
}

function domainTable(listing: ReceivedListing, days: number): Html {
  const { entries, page, total } = listing;
  const first = (page - 1) * ENTRIES_PER_PAGE + 1;
  const range = `${formatCount(first)} to ${formatCount(first + entries.length - 1)}`;
  return html`
    <table class="received">
      <caption>${range} of ${formatCount(total)}; sessions of ${days} days</caption>
      <thead>
        <tr>
          ${header("domain", listing)}
          <th class="plain" scope="col">Verdict</th>
          ${header("worst", listing)} ${header("sessions", listing)} ${header("last", listing)}
        </tr>
      </thead>
      <tbody>${entries.map(domainRow)}</tbody>
    </table>
  `;
}

function header(order: ReceivedOrder, listing: ReceivedListing): Html {
  const isSorted = listing.order === order;
  const isReversed = isSorted && !listing.isReversed;
  const down = (order !== "domain") !== listing.isReversed;
  return sortHeader({
    name: COLUMN_NAMES[order],
    sorted: isSorted ? (down ? "descending" : "ascending") : undefined,
    href: listPath({ ...listing, order, isReversed, page: 1 }),
  });
}

function domainRow(entry: ReceivedEntry): Html {
  const { domain, verdict, text, successful, failed, last, problem } = entry;
  const most = problem && html`
    <span class="soft">mostly ${problem.result}${problem.mx === "" ? NOTHING : html`
      at ${breakableName(cutText(problem.mx, NAME_MAX_CHARS))}
    `}</span>
  `;
  return html`
    <tr>
      <th scope="row"><a href="${domainPath(domain)}">${breakableName(domain)}</a>${uLabels(
        domain,
      )}</th>
      <td class="why"><span class="v-${verdict}">${text}</span> ${most}</td>
      <td data-label="Failed">${formatShare(successful, failed)}</td>
      <td data-label="Sessions">${formatCount(successful + failed)}</td>
      <td data-label="Last report">${last ?? "none yet"}</td>
    </tr>
  `;
}

function listPath(
  { search, order, isReversed, page, onlyFailures }: Omit<
    ReceivedListing,
    "entries" | "total" | "hasNext"
  >,
): string {
  const parts = [
    ...(search === "" ? [] : [`q=${encodeURIComponent(search.toWellFormed())}`]),
    ...(order === RECEIVED_ORDERS[0] ? [] : [`sort=${order}`]),
    ...(isReversed ? ["dir=back"] : []),
    ...(onlyFailures ? ["only=failures"] : []),
    ...(page === 1 ? [] : [`page=${page}`]),
  ];
  return `/${parts.length === 0 ? "" : "?"}${parts.join("&")}#domains`;
}
