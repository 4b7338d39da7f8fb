/**
 * The list of cached domains on the status page: search, filter, sorting by links, pages.
 *
 * @module
 */

import type { PageOrder } from "../cache/types.ts";
import { type Html, html, NOTHING } from "../http/html.ts";
import { answerList } from "./charts.ts";
import { type DomainEntry, type Listing, ORDERS, PAGE_ROWS } from "./listing.ts";
import { filterLink, pagesNav, sortHeader } from "./list_links.ts";
import { domainLink, domainPath } from "./names.ts";
import { formatCount, timeElement } from "./wording.ts";

const COLUMN_NAMES: Readonly<Record<PageOrder, string>> = {
  domain: "Domain",
  fetched: "Fetched",
  expires: "Expires",
  used: "Last used",
};

/** The section with the list. @param now Current time, ms. */
export function domainSection(listing: Listing, now: number): Html {
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
      ${filterLinks(listing)}
      ${list}
      ${pageLinks(listing)}
    </section>
  `;
}

/** All domains, or only those with a problem; a search has neither. */
function filterLinks({ search, onlyProblems, order, descending }: Listing): Html {
  if (search !== "") return NOTHING;
  const link = (only: boolean, name: string) => {
    const path = listPath({ order, descending, page: 1, onlyProblems: only });
    return filterLink(name, { href: path, isCurrent: only === onlyProblems });
  };
  return html`
    <nav class="filter" aria-label="Filter">${link(false, "All")} ${link(
      true,
      "Only problems",
    )}</nav>
  `;
}

function emptyList({ search, page, onlyProblems }: Listing): Html {
  if (onlyProblems && page === 1) {
    return html`<p class="soft">No cached domain has a problem.</p>`;
  }
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
          <th class="plain" scope="col">Answers</th>
          <th class="plain" scope="col">Last problem</th>
        </tr>
      </thead>
      <tbody>${listing.entries.map((entry) => domainRow(entry, now))}</tbody>
    </table>
  `;
}

function captionOf({ search, entries, page, total, hasNext, onlyProblems }: Listing): Html {
  const first = (page - 1) * PAGE_ROWS + 1;
  const range = `${formatCount(first)} to ${formatCount(first + entries.length - 1)}`;
  if (onlyProblems) return html`${range} of those with a problem`;
  if (search === "") return html`${range} of ${formatCount(total)}`;
  const shown = page === 1 && !hasNext ? formatCount(entries.length) : range;
  const all = formatCount(total);
  return html`${shown} beginning with &ldquo;${search}&rdquo;. <a href="/">Show all ${all}</a>`;
}

/** A link if the order can be chosen; for the current order, it reverses the direction. */
function headerCell(order: PageOrder, listing: Listing): Html {
  const isSorted = listing.order === order;
  const natural = ORDERS.find((offer) => offer.order === order)!.descending;
  const descending = isSorted ? !listing.descending : natural;
  const { onlyProblems } = listing;
  return sortHeader({
    name: COLUMN_NAMES[order],
    sorted: isSorted ? (listing.descending ? "descending" : "ascending") : undefined,
    href: listing.orders.includes(order)
      ? listPath({ order, descending, page: 1, onlyProblems })
      : undefined,
  });
}

function domainRow(entry: DomainEntry, now: number): Html {
  const { domain, mode, fetchedAt, expiresAt, lastUsedAt, problem, answers } = entry;
  const why = problem && html`${problem.text}, ${timeElement(problem.at, now)}`;
  return html`
    <tr>
      <th scope="row">${domainLink(domain)}</th>
      <td class="mode ${mode}">${mode}</td>
      <td data-label="Fetched">${timeElement(fetchedAt, now)}</td>
      <td data-label="Expires">${timeElement(expiresAt, now)}</td>
      <td data-label="Used">${timeElement(lastUsedAt, now)}</td>
      <td class="answers">${answers && answerList(answers)}</td>
      <td class="why bad">${why}</td>
    </tr>
  `;
}

function pageLinks(
  { search, order, descending, page, hasNext, onlyProblems }: Listing,
): Html {
  const to = (page: number) =>
    search === "" ? listPath({ order, descending, page, onlyProblems }) : searchPath(search, page);
  return pagesNav({
    previous: page > 1 ? to(page - 1) : undefined,
    next: hasNext ? to(page + 1) : undefined,
  });
}

function listPath(
  { order, descending, page, onlyProblems }: Pick<
    Listing,
    "order" | "descending" | "page" | "onlyProblems"
  >,
): string {
  const only = onlyProblems ? "&only=problems" : "";
  const at = page === 1 ? "" : `&page=${page}`;
  return `/?sort=${order}&dir=${descending ? "down" : "up"}${only}${at}#domains`;
}

function searchPath(search: string, page: number): string {
  return `/?q=${encodeURIComponent(search.toWellFormed())}&page=${page}#domains`;
}
