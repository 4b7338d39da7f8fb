/**
 * Reports as one HTML page that needs nothing else: no scripts, no pictures, no fonts from anywhere,
 * light or dark as the reader has it.
 *
 * @module
 */

import { type Finding, type Group, GROUPS, type Severity, worst } from "./finding.ts";
import type { DomainReport, HostFacts, MailHostFacts } from "./report.ts";
import type { RunFacts } from "./report_json.ts";
import { STYLE } from "./report_style.ts";
import { describeVerdict } from "./report_text.ts";

/** How a severity is written. */
const LABELS: Readonly<Record<Severity, string>> = {
  ok: "ok",
  info: "info",
  warning: "warning",
  error: "error",
};

/** Text that is HTML already; everything else is escaped when it is put in. */
interface Html {
  readonly html: string;
}

/** Builds HTML from a template: strings put in are escaped, lists are joined. */
function html(
  parts: TemplateStringsArray,
  ...values: (string | number | Html | readonly Html[])[]
) {
  let text = parts[0] ?? "";
  for (const [index, value] of values.entries()) text += toHtml(value) + (parts[index + 1] ?? "");
  return { html: text };
}

function toHtml(value: string | number | Html | readonly Html[]): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return escape(value);
  return "html" in value ? value.html : value.map((one) => one.html).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? "")
    // Names in certificates are others' words: no control or formatting characters.
    .replaceAll(/\p{C}/gu, "\ufffd");
}

/** Writes the page. */
export function formatHtml(reports: readonly DomainReport[], run: RunFacts): string {
  const names = reports.map(({ domain }) => domain).join(", ");
  const time = new Date(run.time).toISOString().replace("T", " ").slice(0, 16);
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Mail security of ${names}</title>
        <style>${{ html: STYLE }}</style>
      </head>
      <body>
    ${reports.length > 1 ? [contents(reports)] : []}${reports.map(section)}<footer>Checked by ${run
      .program} ${run.version} on ${time} UTC in ${(run.elapsed / 1000).toFixed(1)} s.</footer>
      </body>
    </html>
  `.html;
}

function contents(reports: readonly DomainReport[]): Html {
  return html`
    <nav>
      <h1>Mail security</h1>
      <table>
    ${reports.map((report) =>
      html`
        <tr>
          <td><a href="#${report.domain}">${report.domain}</a></td>
          <td>${badge(report.verdict, describeVerdict(report))}</td>
        </tr>
      `
    )}</table>
    </nav>
  `;
}

function section(report: DomainReport): Html {
  const { domain, verdict, findings, facts } = report;
  const groups = (Object.keys(GROUPS) as Group[]).map((group) => ({
    group,
    found: findings.filter((finding) => finding.group === group),
  })).filter(({ found }) => found.length > 0);
  return html`
    <main id="${domain}">
    <header class="${verdict}">
    <h1>${domain}</h1>
    <p>${describeVerdict(report)}</p>
    </header>
    <ul class="overview">
    ${groups.map(({ group, found }) => overviewItem(domain, group, found))}</ul>
    ${groups.map(({ group, found }) =>
      html`
        <section id="${domain}-${group}">
        <h2>${GROUPS[group]}</h2>
        ${group === "policy" ? policyTable(report) : []}${group === "mx" && facts.mxHosts.length > 0
          ? [mailTable(facts.mxHosts)]
          : []}${group === "host" && facts.policyHost ? [hostTable([facts.policyHost])] : []}${found
          .map(item)}</section>
      `
    )}</main>
  `;
}

function overviewItem(domain: string, group: Group, found: readonly Finding[]): Html {
  const severity = worst(found);
  const faults = found.filter((one) => one.severity === severity).length;
  const label = severity === "warning" || severity === "error"
    ? `${faults} ${LABELS[severity]}${faults === 1 ? "" : "s"}`
    : "ok";
  const shown = severity === "info" ? "ok" : severity;
  return html`
    <li
      class="${shown}"><a href="#${domain}-${group}">${GROUPS[group]}</a> <span>${label}</span></li>
  `;
}

function policyTable({ facts: { policy, id } }: DomainReport): readonly Html[] {
  if (policy === undefined) return [];
  return [
    html`
      <table class="facts">
        <tr>
          <th scope="row">id</th>
          <td>${id ?? "none"}</td>
        </tr>
        <tr>
          <th scope="row">mode</th>
          <td>${policy.mode}</td>
        </tr>
        <tr>
          <th scope="row">max_age</th>
          <td>${policy.maxAge} s (${Math.round(policy.maxAge / 8640) / 10} days)</td>
        </tr>
        <tr>
          <th scope="row">mx</th>
          <td>${policy.mx.join(", ")}</td>
        </tr>
      </table>
    `,
  ];
}

function hostTable(hosts: readonly HostFacts[]): Html {
  return table(["Host", "Address", "TLS", "Certificate"], hosts.flatMap(addressRows));
}

function mailTable(hosts: readonly MailHostFacts[]): Html {
  const rows = hosts.flatMap((host) =>
    addressRows(host).map(([name = html``, ...cells], index) => [
      html`${index === 0 ? host.preference : ""}`,
      name,
      html`${index > 0 || host.covered === undefined ? "" : host.covered ? "yes" : "no"}`,
      ...cells,
    ])
  );
  return table(["MX", "Host", "In policy", "Address", "TLS", "Certificate"], rows);
}

function table(heads: readonly string[], rows: readonly (readonly Html[])[]): Html {
  return html`
    <div class="wide">
      <table>
        <thead>
          <tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr>
        </thead>
        <tbody>
    ${rows.map((row) =>
      html`
        <tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>
      `
    )}</tbody>
      </table>
    </div>
  `;
}

/** Cells of host, address, TLS and certificate, a row for each address. */
function addressRows({ name, addresses }: HostFacts): Html[][] {
  if (addresses.length === 0) return [[html`${name}`, html`none`, html``, html``]];
  return addresses.map(({ address, result, protocol, issuer, notAfter }, index) => {
    const severity = result === "verified" ? "ok" : result === "failed" ? "error" : "info";
    const until = notAfter === undefined ? "" : `until ${notAfter.slice(0, 10)}`;
    return [
      html`${index === 0 ? name : ""}`,
      html`${address}`,
      html`${badge(severity, result)} ${protocol ?? ""}`,
      html`${[issuer ?? "", until].filter((text) => text !== "").join(", ")}`,
    ];
  });
}

function item({ id, severity, subject, title, seen, why, fix }: Finding): Html {
  const advice = severity === "warning" || severity === "error"
    ? [html`
      <p>${why}</p>
      <p class="fix">${fix}</p>
    `]
    : [];
  return html`
    <article class="${severity}">
    <h3>${badge(severity, LABELS[severity])} ${title}</h3>
    <p class="seen"><b>${subject}</b> ${seen}</p>
    ${advice}<code>${id}</code>
    </article>
  `;
}

function badge(severity: Severity, text: string): Html {
  return html`<span class="badge ${severity}">${text}</span>`;
}
