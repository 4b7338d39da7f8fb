/**
 * Domain names on the pages: they break at their dots, and an internationalized one is also shown in its
 * own script.
 *
 * @module
 */

import { type Html, html, NOTHING } from "../http/html.ts";
import { toULabels } from "../sts/u_label.ts";

/** A place to break a line. */
const BREAK: Html = { html: "<wbr>" };

/** A name that breaks at its dots. @param name Any text. */
export function breakableName(name: string): Html {
  const parts = name.split(".").map((label, index) =>
    index === 0 ? html`${label}` : html`.${BREAK}${label}`
  );
  return html`${parts}`;
}

/** A domain in A-labels with, if it has any that can be shown safely, its U-labels. */
export function domainName(domain: string): Html {
  return html`${breakableName(domain)}${uLabels(domain)}`;
}

/** The U-labels of a domain, apart from what stands around them: they may be written from right to left. */
export function uLabels(domain: string): Html {
  const shown = toULabels(domain);
  return shown === undefined ? NOTHING : html`
    <bdi class="idn">${breakableName(shown)}</bdi>
  `;
}

/** The path of a domain's page. */
export function domainPath(domain: string): string {
  // A lone surrogate cannot be encoded; no domain has one.
  return `/domain/${encodeURIComponent(domain.toWellFormed())}`;
}

/** A link to a domain's page. */
export function domainLink(domain: string): Html {
  return html`<a href="${domainPath(domain)}">${breakableName(domain)}</a>${uLabels(domain)}`;
}
