/**
 * The status page, for a quick look: whether the daemon works, what it answers, which domains are cached,
 * and the last warnings.
 *
 * @module
 */

import type { PageOrder } from "../cache/types.ts";
import { drawChart } from "./charts.ts";
import { exceptionSection } from "./exception_block.ts";
import type { ExceptionState } from "./exception_watch.ts";
import type { HealthCheck, HealthReport } from "./health.ts";
import type { Span } from "./history.ts";
import { type Html, html, NOTHING } from "../http/html.ts";
import { type DomainEntry, type Listing, ORDERS, PAGE_ROWS } from "./listing.ts";
import type { Page } from "./page_frame.ts";
import type { Warning } from "../base/warnings.ts";
import { formatCount, formatTime, timeElement } from "./wording.ts";

/** The content of the page. Times in ms. */
export interface StatusFacts {
  readonly now: number;
  readonly health: HealthReport;
  /** The key figures, each with its name. */
  readonly figures: readonly (readonly [name: string, value: string | Html])[];
  readonly hour: Span;
  readonly day: Span;
  readonly listing: Listing;
  readonly exceptions: readonly ExceptionState[];
  /** Newest first. */
  readonly warnings: readonly Warning[];
}

/** The names of the checks. */
const CHECK_NAMES: Readonly<Record<HealthCheck["name"], string>> = {
  listening: "Listening",
  dns: "DNS",
  clock: "Clock",
  cache: "Cache",
  dnssec: "DNSSEC",
  exceptions: "Exceptions",
};

const CHECK_MARKS: Readonly<Record<HealthCheck["status"], string>> = {
  ok: "✓",
  warning: "!",
  failed: "✗",
};

const COLUMN_NAMES: Readonly<Record<PageOrder, string>> = {
  domain: "Domain",
  fetched: "Fetched",
  expires: "Expires",
  used: "Last used",
};

/** Writes the page. */
export function statusPage(facts: StatusFacts): Page {
  const { now, health, hour, day, listing, warnings } = facts;
  const state = describeState(health);
  const figures = facts.figures.map(([name, value]) =>
    html`
      <div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>
    `
  );
  return {
    title: `${state} – MTA-STS`,
    body: html`
      <a class="skip" href="#domains">Skip to the cached domains</a>
      <header>
        <p>MTA-STS policies for Postfix, ${formatTime(now)} UTC</p>
        <h1>${state}</h1>
        <ul class="checks">${health.checks.map(checkItem)}</ul>
      </header>
      <main>
        <dl class="figures">${figures}</dl>
        <section class="charts" aria-label="Answers over time">
          ${drawChart(hour, { title: "Last hour", unit: "a minute" })}
          ${drawChart(day, { title: "Last day", unit: "15 minutes" })}
        </section>
        ${exceptionSection(facts.exceptions, now)}
        ${warningSection(warnings, now)}
        ${domainSection(listing, now)}
      </main>
    `,
  };
}

/** The state in one sentence. */
function describeState({ status, checks }: HealthReport): string {
  const wrong = checks.filter((check) =>
    check.status === (status === "unready" ? "failed" : "warning")
  );
  const names = wrong.map(({ name }) => CHECK_NAMES[name]).join(", ");
  switch (status) {
    case "ready":
      return "Everything works";
    case "degraded":
      return `Working, but check ${names}`;
    case "unready":
      return `Not working: ${names}`;
  }
}

function checkItem({ name, status, detail }: HealthCheck): Html {
  const mark = CHECK_MARKS[status];
  return html`
    <li class="${status}">
      <i aria-hidden="true">${mark}</i> <span class="unseen">${status}: </span>
      <b>${CHECK_NAMES[name]}</b> ${detail}
    </li>
  `;
}

function domainSection(listing: Listing, now: number): Html {
  const list = listing.entries.length === 0 ? emptyList(listing) : domainTable(listing, now);
  return html`
    <section aria-labelledby="domains">
      <div class="bar">
        <h2 id="domains" tabindex="-1">Cached domains</h2>
        <form role="search" action="/#domains">
          <label for="q">Find a domain</label>
          <input
            id="q"
            name="q"
            type="search"
            value="${listing.search}"
            maxlength="253"
            placeholder="Beginning of the name"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
          >
          <button>Find</button>
        </form>
      </div>
      ${list}
      ${pageLinks(listing)}
    </section>
  `;
}

function emptyList({ search, page }: Listing): Html {
  if (search === "") {
    const text = page === 1 ? "No policy is cached yet." : "The list ends before this page.";
    return html`<p class="soft">${text}</p>`;
  }
  const path = domainPath(search);
  return html`
    <p class="soft">
      No cached domain begins with &ldquo;${search}&rdquo;.
      <a href="${path}">What is known of ${search}?</a>
    </p>
  `;
}

function domainTable(listing: Listing, now: number): Html {
  const header = (order: PageOrder) => headerCell(order, listing);
  return html`
    <table>
      <caption>${captionOf(listing)}</caption>
      <thead>
        <tr>
          ${header("domain")}
          <th class="plain" scope="col">Mode</th>
          ${header("fetched")} ${header("expires")} ${header("used")}
          <th class="plain" scope="col">Last problem</th>
        </tr>
      </thead>
      <tbody>${listing.entries.map((entry) => domainRow(entry, now))}</tbody>
    </table>
  `;
}

function captionOf({ search, entries, page, total, hasNext }: Listing): Html {
  const first = (page - 1) * PAGE_ROWS + 1;
  const range = `${formatCount(first)} to ${formatCount(first + entries.length - 1)}`;
  if (search === "") return html`${range} of ${formatCount(total)}`;
  const shown = page === 1 && !hasNext ? formatCount(entries.length) : range;
  const all = formatCount(total);
  return html`${shown} beginning with &ldquo;${search}&rdquo;. <a href="/">Show all ${all}</a>`;
}

/** A link if the order can be chosen; for the current order, it reverses the direction. */
function headerCell(order: PageOrder, listing: Listing): Html {
  const name = COLUMN_NAMES[order];
  const isSorted = listing.order === order;
  const sort = isSorted ? (listing.descending ? "descending" : "ascending") : "none";
  const arrow = isSorted ? (listing.descending ? "↓" : "↑") : "";
  if (!listing.orders.includes(order)) {
    return html`<th class="plain" scope="col" aria-sort="${sort}">${name}</th>`;
  }
  const natural = ORDERS.find((offer) => offer.order === order)!.descending;
  const href = listPath({ order, descending: isSorted ? !listing.descending : natural, page: 1 });
  return html`
    <th scope="col" aria-sort="${sort}">
      <a href="${href}">${name}</a> <span aria-hidden="true">${arrow}</span>
    </th>
  `;
}

function domainRow(entry: DomainEntry, now: number): Html {
  const { domain, mode, fetchedAt, expiresAt, lastUsedAt, problem } = entry;
  const why = problem && html`${problem.text}, ${timeElement(problem.at, now)}`;
  return html`
    <tr>
      <th scope="row"><a href="${domainPath(domain)}">${domain}</a></th>
      <td class="mode ${mode}">${mode}</td>
      <td data-label="Fetched">${timeElement(fetchedAt, now)}</td>
      <td data-label="Expires">${timeElement(expiresAt, now)}</td>
      <td data-label="Used">${timeElement(lastUsedAt, now)}</td>
      <td class="why bad">${why}</td>
    </tr>
  `;
}

function pageLinks({ search, order, descending, page, hasNext }: Listing): Html {
  if (page === 1 && !hasNext) return NOTHING;
  const to = (page: number) =>
    search === "" ? listPath({ order, descending, page }) : searchPath(search, page);
  const previous = page > 1
    ? html`<a href="${to(page - 1)}" rel="prev">Previous page</a>`
    : NOTHING;
  const next = hasNext ? html`<a href="${to(page + 1)}" rel="next">Next page</a>` : NOTHING;
  return html`<nav class="pages" aria-label="Pages of the list">${previous} ${next}</nav>`;
}

function warningSection(warnings: readonly Warning[], now: number): Html {
  const items = warnings.map((warning) => warningItem(warning, now));
  const list = warnings.length === 0
    ? html`<p class="soft">None since the daemon started.</p>`
    : html`<ol class="said">${items}</ol>`;
  return html`
    <section aria-labelledby="warnings">
      <h2 id="warnings">Recent warnings</h2>
      ${list}
    </section>
  `;
}

/** The event, the domain as a link, the other fields, and how many such warnings were suppressed. */
function warningItem({ at, event, fields, suppressed }: Warning, now: number): Html {
  const { domain, reason, detail, ...others } = fields;
  const details = [
    reason,
    detail,
    ...Object.entries(others).map(([name, value]) =>
      value === undefined ? undefined : `${name} ${value}`
    ),
    suppressed > 0 ? `${formatCount(suppressed)} more suppressed before` : undefined,
  ].filter((text) => text !== undefined && text !== "");
  const link = typeof domain === "string"
    ? html`<a href="${domainPath(domain)}">${domain}</a>`
    : NOTHING;
  return html`
    <li>
      ${timeElement(at, now)}
      <div><b>${event}</b> ${link} <span>${details.join("; ")}</span></div>
    </li>
  `;
}

/** The path of a domain's page. */
function domainPath(domain: string): string {
  // A lone surrogate cannot be encoded; no domain has one.
  return `/domain/${encodeURIComponent(domain.toWellFormed())}`;
}

function listPath(
  { order, descending, page }: { order: PageOrder; descending: boolean; page: number },
): string {
  return `/?sort=${order}&dir=${descending ? "down" : "up"}${
    page === 1 ? "" : `&page=${page}`
  }#domains`;
}

function searchPath(search: string, page: number): string {
  return `/?q=${encodeURIComponent(search.toWellFormed())}&page=${page}#domains`;
}
