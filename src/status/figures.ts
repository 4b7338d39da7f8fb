/**
 * Key figures of a page, each with its name.
 *
 * @module
 */

import { type Html, html } from "../http/html.ts";
import { formatCount } from "./wording.ts";

/** The list of figures. */
export function figureList(pairs: readonly (readonly [name: string, count: number])[]): Html {
  const each = pairs.map(([name, count]) =>
    html`
      <div>
        <dt>${name}</dt>
        <dd>${formatCount(count)}</dd>
      </div>
    `
  );
  return html`<dl class="figures">${each}</dl>`;
}
