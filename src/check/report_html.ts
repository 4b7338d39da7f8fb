/**
 * Reports as one self-contained HTML page: no scripts, images or fonts from elsewhere; light or dark as
 * the reader prefers.
 *
 * @module
 */

import { type Finding, type FindingId, GROUPS, worst } from "./finding.ts";
import type { Severity } from "./finding_kind.ts";
import type { Group } from "./finding.ts";
import { type Html, html as markup } from "../http/html.ts";
import type { DomainFacts, DomainReport, HostFacts, MailHostFacts } from "./report.ts";
import type { RunFacts } from "./report_json.ts";
import { STYLE } from "./report_style.ts";
import { describeVerdict } from "./report_text.ts";
import { count } from "./wording.ts";

/** Seconds. */
const HOUR = 3600;
const DAY = 86_400;

/** Findings that the tables of hosts already show. */
const IN_TABLES: readonly FindingId[] = ["host-ok", "mx-ok"];

const HEAD = `<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>${STYLE}</style>`;

/** Writes the page. */
export function formatHtml(reports: readonly DomainReport[], run: RunFacts): string {
  const names = reports.map(({ domain }) => domain).join(", ");
  const time = new Date(run.time).toISOString().replace("T", " ").slice(0, 16);
  const duration = (run.elapsed / 1000).toFixed(1);
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
${{ html: HEAD }}
<title>Mail security of ${names}</title>
</head>
<body>
${reports.length > 1 ? [contents(reports)] : []}<main>
${reports.map(section)}</main>
<footer>
Checked by ${run.program} ${run.version} on ${time} UTC in ${duration} s.
</footer>
</body>
</html>
`.html;
}

function contents(reports: readonly DomainReport[]): Html {
  const rows = reports.map((report) => {
    const { domain, verdict } = report;
    const link = markup`<a href="#${domain}">${domain}</a>`;
    return markup`<tr><td>${link}</td><td>${badge(verdict, describeVerdict(report))}</td></tr>\n`;
  });
  return markup`<nav>
<h1>Mail security</h1>
<table>
${rows}</table>
</nav>
`;
}

function section(report: DomainReport): Html {
  const { domain, verdict, findings, facts } = report;
  const groups = (Object.keys(GROUPS) as Group[]).map((group) => ({
    group,
    id: `${domain}-${group}`,
    found: findings.filter((finding) => finding.group === group),
  })).filter(({ found }) => found.length > 0);
  const overview = groups.map(({ group, id, found }) => overviewItem(found, { group, id }));
  const parts = groups.map(({ group, id, found }) =>
    markup`<section id="${id}">
<h2>${GROUPS[group]}</h2>
${factsOf(group, facts)}${found.filter((one) => !IN_TABLES.includes(one.id)).map(item)}</section>
`
  );
  return markup`<div class="report" id="${domain}">
<header class="${verdict}">
<h1>${domain}</h1>
<p>${describeVerdict(report)}</p>
</header>
<ul class="overview">
${overview}</ul>
${parts}</div>
`;
}

function overviewItem(found: readonly Finding[], at: { group: Group; id: string }): Html {
  const severity = worst(found);
  const faults = found.filter((one) => one.severity === severity).length;
  const isFault = severity === "warning" || severity === "error";
  const summary = isFault ? count(faults, severity) : "ok";
  const link = markup`<a href="#${at.id}">${GROUPS[at.group]}</a>`;
  return markup`<li class="${isFault ? severity : "ok"}">${link} <span>${summary}</span></li>\n`;
}

/** The facts shown in a table above the findings of a group. */
function factsOf(group: Group, facts: DomainFacts): readonly Html[] {
  if (group === "policy") return policyTable(facts);
  if (group === "mx" && facts.mxHosts.length > 0) return [mailTable(facts.mxHosts)];
  return group === "host" && facts.policyHost !== undefined ? [hostTable(facts.policyHost)] : [];
}

function policyTable({ policy, id }: DomainFacts): readonly Html[] {
  if (policy === undefined) return [];
  const rows = [
    ["id", id ?? "none"],
    ["mode", policy.mode],
    ["max_age", `${policy.maxAge} s (${describeDuration(policy.maxAge)})`],
    ["mx", policy.mx.join(", ")],
  ].map(([name = "", value = ""]) =>
    markup`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`
  );
  return [wide(markup`<table class="facts">\n${rows}</table>`, "The policy")];
}

function describeDuration(seconds: number): string {
  return seconds < DAY
    ? `${(seconds / HOUR).toFixed(1)} hours`
    : `${(seconds / DAY).toFixed(1)} days`;
}

function hostTable(host: HostFacts): Html {
  const heads = ["Host", "Address", "TLS", "Certificate"];
  return table("The policy host", { heads, rows: addressRows(host) });
}

function mailTable(hosts: readonly MailHostFacts[]): Html {
  const rows = hosts.flatMap((host) => {
    const covered = host.covered === undefined ? "" : host.covered ? "yes" : "no";
    return addressRows(host).map(([name = markup``, ...cells], index) =>
      index === 0
        ? [markup`${host.preference}`, name, markup`${covered}`, ...cells]
        : [markup``, name, markup``, ...cells]
    );
  });
  const heads = ["MX", "Host", "In policy", "Address", "TLS", "Certificate"];
  return table("The MX hosts", { heads, rows });
}

function table(
  name: string,
  { heads, rows }: { heads: readonly string[]; rows: readonly (readonly Html[])[] },
): Html {
  const head = heads.map((text) => markup`<th scope="col">${text}</th>`);
  const body = rows.map((row) => markup`<tr>${row.map((cell) => markup`<td>${cell}</td>`)}</tr>\n`);
  const content = markup`<table>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>
</table>`;
  return wide(content, name);
}

/** What may be wider than a phone. The focus lets the keyboard scroll it. */
function wide(content: Html, name: string): Html {
  return markup`<div class="wide" role="group" aria-label="${name}" tabindex="0">${content}</div>\n`;
}

/** Cells of host, address, TLS and certificate, a row for each address. */
function addressRows({ name, addresses }: HostFacts): Html[][] {
  if (addresses.length === 0) return [[markup`${name}`, markup`none`, markup``, markup``]];
  return addresses.map(({ address, result, protocol, issuer, notAfter }, index) => {
    const severity = result === "verified" ? "ok" : result === "failed" ? "error" : "info";
    const until = notAfter === undefined ? "" : `until ${notAfter.slice(0, 10)}`;
    const certificate = [issuer ?? "", until].filter((text) => text !== "").join(", ");
    return [
      markup`${index === 0 ? name : ""}`,
      markup`${address}`,
      markup`${badge(severity, result)} ${protocol ?? ""}`,
      markup`${certificate}`,
    ];
  });
}

/** One line for what is right, a block for what is wrong. */
function item({ id, severity, subject, title, seen, why, fix }: Finding): Html {
  const mark = badge(severity, severity);
  const what = markup`<b>${subject}</b> ${seen}`;
  if (severity === "ok") {
    return markup`<article class="ok"><p class="seen">${mark} ${what}</p></article>\n`;
  }
  const advice = markup`<p>${why}</p>\n<p class="fix">${fix}</p>\n`;
  return markup`<article class="${severity}">
<h3>${mark} ${title} <code>${id}</code></h3>
<p class="seen">${what}</p>
${fix === "" ? [] : [advice]}</article>
`;
}

function badge(severity: Severity, text: string): Html {
  return markup`<span class="badge ${severity}">${text}</span>`;
}
