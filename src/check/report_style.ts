/**
 * The style sheet of the HTML report: the look of the status pages, and the parts of a report.
 *
 * @module
 */

import { BASE_STYLE } from "../http/style.ts";

/** One layout that also fits a phone. */
export const STYLE = `${BASE_STYLE}
body { max-width: 64rem; }
h3 { margin: 0; font-size: 1rem; font-weight: 600; }
p { margin: .35rem 0 0; }
.report + .report { margin-top: 3.5rem; padding-top: 2.5rem; border-top: 1px solid var(--line); }
header.ok p, header.warning p, header.error p { font-size: 1rem; font-weight: 600; }
header.ok p { color: var(--good); }
header.warning p { color: var(--warn); }
header.error p { color: var(--bad); }
.overview {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1.25rem 1.5rem;
  margin: 1.75rem 0 0; padding: 1.25rem 0; border-block: 1px solid var(--line); list-style: none;
}
.overview a { display: block; font-size: .8125rem; }
.overview span { font: 500 1.25rem/1.2 var(--serif); }
.overview .ok span { color: var(--good); }
.overview .warning span { color: var(--warn); }
.overview .error span { color: var(--bad); }
article { padding: .7rem 0 .7rem 1rem; border-left: .25rem solid var(--line); }
article + article { margin-top: .35rem; }
article.warning { border-color: var(--warn); }
article.error { border-color: var(--bad); }
article.ok { padding-block: .25rem; border-color: var(--good); }
article.ok p { margin: 0; }
article code { margin-left: .35rem; color: var(--soft); font-weight: 400; }
.seen { color: var(--soft); }
.seen b { color: var(--ink); font-weight: 600; }
.fix::before { content: "\\2192\\a0"; }
.badge { font-size: .8125rem; font-weight: 700; }
.badge.ok { color: var(--good); }
.badge.info { color: var(--link); }
.badge.warning { color: var(--warn); }
.badge.error { color: var(--bad); }
table { border-collapse: collapse; font-size: .9375rem; }
th, td { padding: .4rem 1rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: baseline; }
th { color: var(--soft); font-size: .8125rem; font-weight: 500; white-space: nowrap; }
.wide { margin-bottom: 1rem; overflow-x: auto; overflow-wrap: normal; }
.wide table { width: 100%; }
.wide .facts { width: auto; }
nav { margin-bottom: 3rem; }
nav h1 { margin-bottom: .75rem; }
@media print { body { background: none; } }
`;
