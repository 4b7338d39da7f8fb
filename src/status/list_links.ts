/**
 * Links of lists: columns by which a list is sorted, and its pages. There is no script, so each is a link.
 *
 * @module
 */

import { type Html, html, NOTHING } from "../http/html.ts";

/** A column by which a list can be sorted. */
export interface SortColumn {
  readonly name: string;
  /** Where a click leads; `undefined` if the order is not offered. */
  readonly href: string | undefined;
  /** The order of the list, if it is sorted by this column. */
  readonly sorted: "ascending" | "descending" | undefined;
}

const ARROWS = { ascending: "↑", descending: "↓" } as const;

/** The head of a column. */
export function sortHeader({ name, href, sorted }: SortColumn): Html {
  const sort = sorted ?? "none";
  if (href === undefined) {
    return html`<th class="plain" scope="col" aria-sort="${sort}">${name}</th>`;
  }
  const arrow = sorted === undefined ? "" : ARROWS[sorted];
  return html`
    <th scope="col" aria-sort="${sort}">
      <a href="${href}">${name}</a> <span aria-hidden="true">${arrow}</span>
    </th>
  `;
}

/** Links to the pages before and after; nothing if there is neither. */
export function pagesNav(
  { previous, next }: { previous: string | undefined; next: string | undefined },
): Html {
  if (previous === undefined && next === undefined) return NOTHING;
  const back = previous === undefined
    ? NOTHING
    : html`<a href="${previous}" rel="prev">Previous page</a>`;
  const on = next === undefined ? NOTHING : html`<a href="${next}" rel="next">Next page</a>`;
  return html`<nav class="pages" aria-label="Pages of the list">${back} ${on}</nav>`;
}

/** A link, or for what is shown already a link that says so. */
export function filterLink(
  name: string,
  { href, isCurrent }: { href: string; isCurrent: boolean },
): Html {
  return isCurrent
    ? html`<a href="${href}" aria-current="true">${name}</a>`
    : html`<a href="${href}">${name}</a>`;
}
