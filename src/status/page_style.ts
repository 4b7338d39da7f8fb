/**
 * The style sheet of the status pages: the common look, and one layout that also fits a telephone.
 *
 * @module
 */

import { BASE_STYLE } from "../http/style.ts";

/** The style sheet; the content security policy allows this text and no other. */
export const STYLE = `${BASE_STYLE}
.checks { display: flex; flex-wrap: wrap; gap: .35rem 1.5rem; margin: 1rem 0 0; padding: 0; list-style: none; }
.checks li { color: var(--soft); font-size: .9375rem; }
.checks b { color: var(--ink); font-weight: 600; }
.checks i { font-style: normal; font-weight: 700; }
.ok > i { color: var(--good); }
.warning > i, .warning > b { color: var(--warn); }
.failed > i, .failed > b { color: var(--bad); }
.checks .warning, .checks .failed { flex-basis: 100%; order: -1; color: var(--ink); }
.figures {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1.25rem 1.5rem;
  margin: 1.75rem 0 0; padding: 1.25rem 0; border-block: 1px solid var(--line);
}
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.figures dt { color: var(--soft); font-size: .8125rem; }
.figures dd { margin: 0; font: 500 1.5rem/1.2 var(--serif); font-variant-numeric: lining-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 2rem; margin-top: 1.75rem; }
figure { margin: 0; }
figcaption { display: flex; justify-content: space-between; margin-bottom: .5rem; }
figcaption b { font: 500 1.15rem/1.2 var(--serif); }
figcaption span, .axis { color: var(--soft); font-size: .8125rem; }
figure svg { display: block; width: 100%; height: 7rem; border-bottom: 1px solid var(--soft); }
.days { margin-top: 1.75rem; }
.axis { display: flex; justify-content: space-between; gap: 1rem; margin-top: .25rem; }
.legend { display: flex; flex-wrap: wrap; gap: .125rem 1rem; margin: .5rem 0 0; padding: 0; list-style: none; font-size: .8125rem; }
.legend b { font-weight: 600; }
.legend .nil { color: var(--soft); }
.legend i { display: inline-block; width: .65rem; height: .65rem; border-radius: 1px; }
.a-secure { fill: var(--secure); background: var(--secure); }
.a-dane-only { fill: var(--dane); background: var(--dane); }
.a-notfound { fill: var(--nothing); background: var(--nothing); }
.a-temp { fill: var(--temp); background: var(--temp); }
.bar { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: .75rem 1.5rem; }
.bar h2 { margin-bottom: 0; }
form { display: flex; gap: .5rem; align-items: baseline; }
label { color: var(--soft); font-size: .875rem; }
input, button { padding: .4rem .7rem; border: 1px solid var(--soft); border-radius: 3px; background: var(--card); color: inherit; font: inherit; }
input { width: 15rem; min-width: 0; }
button { cursor: pointer; }
table { width: 100%; margin-top: .75rem; border-collapse: collapse; font-size: .9375rem; }
caption { padding-bottom: .5rem; color: var(--soft); font-size: .875rem; text-align: left; }
th, td { padding: .4rem 1rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: baseline; }
thead th { color: var(--soft); font-size: .8125rem; font-weight: 500; white-space: nowrap; }
thead a { color: inherit; }
tbody th { font-weight: 500; }
#exceptions ~ table th:first-child { min-width: 11rem; }
td { white-space: nowrap; }
td.why { white-space: normal; }
th:last-child, td:last-child { padding-right: 0; }
.enforce { color: var(--secure); font-weight: 600; }
.none { color: var(--soft); }
.pages { display: flex; gap: 1.5rem; margin-top: 1rem; }
.note { margin-top: 1.5rem; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); border-left: .25rem solid var(--bad); }
.note p { margin: 0; }
.note p + p { margin-top: .35rem; }
.remedy { display: block; color: var(--soft); }
.idn { color: var(--soft); font-weight: 400; }
th .idn { display: block; }
.filter { display: flex; gap: 1rem; margin-top: .75rem; font-size: .9375rem; }
.filter [aria-current] { color: var(--ink); font-weight: 600; text-decoration: none; }
.counts { display: flex; flex-wrap: wrap; gap: 0 .9rem; margin: 0; padding: 0; list-style: none; }
.counts i { display: inline-block; width: .65rem; height: .65rem; border-radius: 1px; }
td.answers { font-size: .8125rem; }
td.answers .counts { flex-direction: column; }
.problems th[scope="row"] { width: 15rem; }
.problems th .soft { display: block; font-size: .8125rem; font-weight: 400; }
.said { margin: 0; padding: 0; list-style: none; }
.said li { display: grid; grid-template-columns: 6.5rem 1fr; gap: 0 1rem; padding: .45rem 0; border-bottom: 1px solid var(--line); }
.said time { color: var(--soft); font-size: .875rem; }
.said b { font-weight: 600; }
.said span { color: var(--soft); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.5rem; margin: 1.25rem 0 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }
.hosts { margin: 0; padding: 0; list-style: none; }
.file { margin: 0; padding: .9rem 1rem .9rem 3.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 3px; font: .875rem/1.6 var(--mono); }
.file li { padding-left: .25rem; }
.file li::marker { color: var(--soft); }
.file em { display: block; color: var(--bad); font: .8125rem/1.4 system-ui, "Noto Sans", sans-serif; }
.verdict { margin-top: .6rem; color: var(--ink); font-size: 1.125rem; letter-spacing: 0; }
.v-failures { color: var(--bad); font-weight: 600; }
.v-secure { color: var(--good); }
.v-nothing-reported { color: var(--soft); }
.tag { display: inline-block; padding: 0 .4rem; border: 1px solid currentColor; border-radius: 3px; color: var(--soft); font-size: .75rem; font-weight: 500; line-height: 1.4; }
.tag.unsigned { color: var(--warn); }
.tag.fresh { color: var(--bad); }
.received .why .soft { display: block; }
.day { white-space: nowrap; }
.problem.ok { border-left-color: var(--good); }
.problem.warning { border-left-color: var(--warn); }
.problem h3 { margin: 0; font: 500 1.15rem/1.3 var(--serif); }
.problem h3 span { color: var(--soft); }
.problem p + .now, .problem .now + * { margin-top: .6rem; }
.now, .found li { display: grid; grid-template-columns: 1rem 1fr; gap: 0 .35rem; }
.now i, .found i { font-style: normal; font-weight: 700; text-align: center; }
.who { display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; margin: .6rem 0 0; padding: 0; list-style: none; font-size: .9375rem; }
.who b { font-weight: 600; }
.found { margin: .5rem 0 0; padding: 0; list-style: none; }
.found li + li { margin-top: .4rem; }
.found .soft { display: block; }
details ul { margin: .25rem 0 0; padding-left: 1.1rem; }
summary { cursor: pointer; }
footer a { margin-right: 1rem; }
@media (max-width: 46rem) {
  .bar form { flex: 1 1 100%; }
  .bar input { flex: 1; width: auto; }
  .bar label { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  thead tr { display: flex; flex-wrap: wrap; gap: 0 1rem; }
  thead th { padding: .3rem 0; border: 0; }
  thead th:first-child::before { content: "Sort by"; margin-right: 1rem; }
  thead th.plain { display: none; }
  .problems thead { display: none; }
  .problems th[scope="row"] { flex-basis: 100%; width: auto; }
  tbody td.why { flex-basis: 100%; }
  td.answers .counts { flex-direction: row; }
  tbody tr { display: flex; flex-wrap: wrap; gap: .1rem .9rem; padding: .6rem 0; border-bottom: 1px solid var(--line); }
  tbody th, tbody td { padding: 0; border: 0; }
  tbody th { flex: 1 1 calc(100% - 6rem); }
  tbody td:not(.mode) { color: var(--soft); font-size: .8125rem; }
  tbody td.bad { flex-basis: 100%; color: var(--bad); }
  tbody td:empty { display: none; }
  td[data-label]::before { content: attr(data-label) " "; }
  .said li { grid-template-columns: 1fr; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: .6rem; }
}
@media print { body { background: none; } form, .pages, .skip { display: none; } }
`;
