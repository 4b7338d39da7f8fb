/**
 * One check of the health, as an item of the list at the top of a page.
 *
 * @module
 */

import { type Html, html } from "../http/html.ts";

const MARKS = { ok: "✓", warning: "!", failed: "✗" } as const;

/** Writes the item. @param name What was checked, as a heading. */
export function healthItem(
  name: string,
  { status, detail }: { readonly status: keyof typeof MARKS; readonly detail: string },
): Html {
  return html`
    <li class="${status}">
      <i aria-hidden="true">${MARKS[status]}</i> <span class="unseen">${status}: </span>
      <b>${name}</b> ${detail}
    </li>
  `;
}
