/**
 * A received report explained to people.
 *
 * Everything in it was written by strangers: names and texts are quoted and cut.
 *
 * @module
 */

import { quoteRemote } from "../base/quote_text.ts";
import { count } from "../check/wording.ts";
import { type Deviation, DEVIATION_KINDS, type DeviationKind } from "../tlsrpt/deviation.ts";
import { type Explanation, nameDomain } from "../tlsrpt/advice.ts";
import { explainFailure } from "../tlsrpt/explain.ts";
import type { ReceivedDetail, ReceivedPolicy, ReceivedReport } from "../tlsrpt/received.ts";
import { columns } from "./command.ts";
import { remedyOf } from "./report_advice.ts";
import type { ReceivedFile } from "./received_file.ts";

/** Characters shown of a text. */
const QUOTE_LENGTH = 120;

/** Policies that are shown; `--json` has all. */
const SHOWN_POLICIES = 50;

/** Failures of one policy that are shown. */
const SHOWN_DETAILS = 50;

/** MX patterns that are shown. */
const SHOWN_HOSTS = 10;

const TYPES: Readonly<Record<ReceivedPolicy["type"], string>> = {
  "sts": "MTA-STS policy",
  "tlsa": "TLSA records (DANE)",
  "no-policy-found": "no policy found",
  "unknown": "unknown kind of policy",
};

/** Writes one file, in whole lines. */
export function formatReceived(received: ReceivedFile): string {
  const name = received.file === "-" ? "standard input" : quote(received.file);
  if (received.kind === "refused") {
    return `${name}: no report: ${received.text} [${received.fault}]\n`;
  }
  const { report, deviations } = received;
  const lines = [
    `${name}: TLS report of ${
      report.organization === undefined ? "?" : quote(report.organization)
    }`,
    ...columns(headRows(received)),
  ];
  const { policies } = report;
  for (const policy of policies.slice(0, SHOWN_POLICIES)) lines.push("", ...policyLines(policy));
  const more = policies.length - SHOWN_POLICIES;
  if (more > 0) {
    lines.push("", `  and ${more} more of its policies`);
  }
  lines.push(...nextStep(report), ...deviationLines(deviations));
  return lines.join("\n") + "\n";
}

function headRows(
  { report: { contact, reportId, range }, mail }: Exclude<ReceivedFile, { kind: "refused" }>,
): [string, string][] {
  return [
    ["contact", contact === undefined ? "none" : quote(contact)],
    ["report-id", reportId === undefined ? "none" : quote(reportId)],
    [
      "period",
      range === undefined
        ? "unknown"
        : `${formatTime(range.begin)} to ${formatTime(range.end)} UTC`,
    ],
    [
      "sender",
      mail === undefined
        ? "not verified: a file does not show who wrote it"
        : `${quote(mail.from ?? "?")}, not verified: DKIM signatures are not checked here`,
    ],
  ];
}

function policyLines(policy: ReceivedPolicy): string[] {
  const { type, domain, successful, failed, details } = policy;
  const said = [...modeOf(policy), ...hostsOf(policy)].join(", ");
  const what = `${TYPES[type]}${said === "" ? "" : ` (${said})`}`;
  const lines = [
    `  ${domain === undefined ? "unnamed domain" : quote(domain)}, ${what}:`,
    `    ${count(successful, "session")} succeeded, ${count(failed, "session")} failed`,
  ];
  const shown = details.slice(0, SHOWN_DETAILS);
  for (const [{ meaning, advice }, group] of explained(shown, type)) {
    lines.push(...group.map((detail) => `    - ${detailLine(detail)}`));
    lines.push(`      Meaning: ${nameDomain(meaning, plainDomain(domain))}`);
    lines.push(`      Remedy: ${remedyOf(advice, plainDomain(domain))}`);
  }
  const more = details.length - shown.length;
  if (more > 0) lines.push(`    and ${count(more, "more failure")}`);
  return lines;
}

/** The domain, if it is a name that can stand in a sentence. */
function plainDomain(domain: string | undefined): string | undefined {
  return domain !== undefined && /^[a-z0-9_.-]+$/.test(domain) ? domain : undefined;
}

function modeOf({ strings }: ReceivedPolicy): string[] {
  const [mode] = strings.flatMap((line) => /^mode: *([a-z]+) *$/.exec(line)?.[1] ?? []);
  return mode === undefined ? [] : [`mode ${quote(mode)}`];
}

function hostsOf({ mxHosts }: ReceivedPolicy): string[] {
  const shown = mxHosts.slice(0, SHOWN_HOSTS).map(quote);
  const more = mxHosts.length - shown.length;
  return shown.length === 0 ? [] : [`MX ${shown.join(" ")}${more > 0 ? ` and ${more} more` : ""}`];
}

/** Failures with the same explanation stand together. */
function explained(
  details: readonly ReceivedDetail[],
  policy: ReceivedPolicy["type"],
): [Explanation, ReceivedDetail[]][] {
  const groups = new Map<string, [Explanation, ReceivedDetail[]]>();
  for (const detail of details) {
    const explanation = explainFailure({ ...detail, policy });
    const group = groups.get(explanation.meaning + explanation.advice);
    if (group === undefined) {
      groups.set(explanation.meaning + explanation.advice, [explanation, [detail]]);
    } else group[1].push(detail);
  }
  return [...groups.values()];
}

function detailLine(detail: ReceivedDetail): string {
  const { result, written, mxHost, receivingIp, mxHelo, sendingIp, reason, additional } = detail;
  const what = result === "unknown" ? `unknown result ${quote(written ?? "")}` : result;
  const host = mxHost === undefined ? [] : [`at ${quote(mxHost)}`];
  const address = receivingIp === undefined ? [] : [`[${receivingIp}]`];
  const more = [
    ...(mxHelo === undefined || mxHelo === mxHost ? [] : [`EHLO name ${quote(mxHelo)}`]),
    ...(sendingIp === undefined ? [] : [`from ${sendingIp}`]),
    ...(reason === undefined ? [] : [`reason ${quote(reason)}`]),
    ...(additional === undefined ? [] : [`see ${quote(additional)}`]),
  ];
  const head = [what, ...host, ...address].join(" ");
  return [`${head}: ${count(detail.count, "session")}`, ...more].join(", ");
}

function nextStep({ policies }: ReceivedReport): string[] {
  const failed = policies.filter(({ failed, details }) => failed > 0 || details.length > 0);
  const domain = failed.flatMap(({ domain }) => plainDomain(domain) ?? []).at(0);
  if (failed.length === 0) return ["", "  Nothing failed."];
  return domain === undefined
    ? []
    : ["", `  'mta-sts-resolver check ${domain}' shows what a sender sees now.`];
}

function deviationLines(deviations: readonly Deviation[]): string[] {
  const rows = deviations.map(({ code, count: times, place }) => {
    const { text, rule }: DeviationKind = DEVIATION_KINDS[code];
    const where = [place, times > 1 ? `${times} times` : ""].filter((part) => part !== "");
    const at = where.length === 0 ? "" : ` (${where.join(", ")})`;
    return { rule, line: `    ${text}${at} [${[code, rule ?? []].flat().join(", ")}]` };
  });
  const departs = rows.filter(({ rule }) => rule !== undefined).map(({ line }) => line);
  const odd = rows.filter(({ rule }) => rule === undefined).map(({ line }) => line);
  return [
    ...(departs.length === 0 ? [] : ["", "  Where it departs from RFC 8460:", ...departs]),
    ...(odd.length === 0 ? [] : ["", "  Allowed, but odd:", ...odd]),
  ];
}

function formatTime(time: number): string {
  return new Date(time).toISOString().slice(0, "2026-11-27T00:00:00".length).replace("T", " ");
}

function quote(text: string): string {
  return quoteRemote(text, QUOTE_LENGTH);
}
