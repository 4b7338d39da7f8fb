/**
 * The frame of all status pages.
 *
 * @module
 */

import type { HttpReply } from "../http/server.ts";
import { type Html, html } from "../http/html.ts";
import { STYLE } from "./page_style.ts";

/** An envelope, as an image that needs no request. */
const ICON = "data:image/svg+xml," + encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#1f766e" d="M1 3h14v10H1z"/>' +
    '<path fill="none" stroke="#fffdf9" d="M1 3.5l7 5 7-5"/></svg>',
);

/** A page before it is a reply. */
export interface Page {
  readonly title: string;
  readonly body: Html;
  /** @default 200 */
  readonly status?: HttpReply["status"];
}

/**
 * Makes the function that frames pages. Their content security policy allows this style sheet, the icon and
 * the form, but no script and no other origin.
 */
export async function createFrame(version: string): Promise<(page: Page) => HttpReply> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE));
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
    "img-src data:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  const style: Html = { html: `<style>${STYLE}</style>` };
  return ({ title, body, status = 200 }) => ({
    status,
    type: "text/html; charset=utf-8",
    headers: { "content-security-policy": policy },
    body: html`
      <!DOCTYPE html>
      <html lang="en">
        <head>
          <meta charset="utf-8">
          <meta name="viewport" content="width=device-width, initial-scale=1">
          <title>${title}</title>
          <link rel="icon" href="${ICON}">
          ${style}
        </head>
        <body>
          ${body}
          <footer>
            <a href="/metrics">Metrics</a> <a href="/readyz">Readiness</a>
            mta-sts-resolver ${version}. All times are UTC.
          </footer>
        </body>
      </html>
    `.html.slice(1),
  });
}
