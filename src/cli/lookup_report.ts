/**
 * What `lookup` prints: the steps of a resolution as a postmaster reads them.
 *
 * @module
 */

import { formatEnd } from "../base/end_time.ts";
import { quoteRemote } from "../base/quote_text.ts";
import { describeException } from "../status/exception_text.ts";
import { formatNextHop, txtName } from "../sts/domain.ts";
import { explainOutcome } from "../status/outcome_text.ts";
import type { Explanation } from "./explain.ts";
import { fleetRows } from "./fleet_part.ts";

/** Remote text is cut to this many characters on a terminal. */
const QUOTE_LENGTH = 200;

/** What the DANE state means for the answer. */
const DANE = {
  usable: "usable TLSA records: DANE takes precedence over MTA-STS (RFC 8461 §2)",
  absent: "no usable TLSA records",
  "unknown-port": "not checked: the port of the service is not known",
  insecure: "does not apply: the MX records are not signed",
  unchecked: "not checked: switched off, or the resolver does not validate DNSSEC",
} as const;

/** How a lookup ends, for the exit status: a policy is in force, none is, or a lookup failed. */
export type Verdict = "in-force" | "none" | "failure";

/** @returns How the lookup ended. */
export function verdictOf({ reply, fetch, txt }: Explanation): Verdict {
  if (reply.startsWith("OK ")) return "in-force";
  if (reply.startsWith("TEMP ")) return "failure";
  return fetch?.result.kind === "failed" || txt?.result.kind === "failed" ? "failure" : "none";
}

/** How Postfix sends the mail, as far as the reply and DANE say. */
export type Delivery = keyof typeof DELIVERY;

const DELIVERY = {
  "verified-name": "sent only over TLS with a valid certificate for these names, else deferred",
  "verified-dane": "sent only over TLS that the TLSA records verify, else deferred",
  deferred: "deferred, and tried again later",
  "dane-by-postfix":
    "by smtp_tls_security_level: 'dane' verifies by the TLSA records, 'may' does not verify",
  unverified: "by smtp_tls_security_level: 'dane' and 'may' encrypt if they can, and do not verify",
} as const;

/** @returns How Postfix sends the mail. */
export function deliveryOf({ reply, mx }: Explanation): Delivery {
  if (reply.startsWith("TEMP ")) return "deferred";
  if (reply.startsWith("OK dane-only")) return "verified-dane";
  if (reply.startsWith("OK ")) return "verified-name";
  return mx.kind === "known" && mx.view.dane === "usable" ? "dane-by-postfix" : "unverified";
}

/** The report as text, with a last line break. */
export function formatExplanation(explanation: Explanation): string {
  const rows: [string, string][] = [
    ["TXT record", txtLine(explanation)],
    ...fetchRows(explanation),
    ...policyRows(explanation),
    ["Cache", cacheLine(explanation)],
    ...fleetRows(explanation.shared),
    ...mxRows(explanation),
    ...exceptionRows(explanation),
    ["Decision", explainOutcome(explanation.outcome)],
    ["Reply", explanation.reply],
    ["Mail", DELIVERY[deliveryOf(explanation)]],
  ];
  const lines = rows.map(([name, text]) => `  ${name.padEnd(11)} ${text}`);
  return [formatNextHop(explanation.nextHop), ...lines, ""].join("\n");
}

function quote(text: string): string {
  return quoteRemote(text, QUOTE_LENGTH);
}

function txtLine({ txt, records, nextHop }: Explanation): string {
  const name = txtName(nextHop.domain);
  if (txt === undefined) return `${name}: not looked up`;
  const { result } = txt;
  if (result.kind === "failed") return `${name}: DNS ${result.reason} (${result.detail})`;
  const seen = records?.map(quote).join(" ") ?? "";
  if (result.kind === "found") return `${name}: ${seen}`;
  return `${name}: ${result.detail}${seen === "" ? "" : `: ${seen}`}`;
}

function fetchRows({ fetch, trace }: Explanation): [string, string][] {
  if (fetch === undefined) return [];
  const rows: [string, string][] = [["Policy file", trace.url]];
  const refused = trace.refused.map(({ address, range }) => `${address} refused (${range})`);
  const acceptable = trace.addresses.map((address) =>
    address === trace.connected && trace.addresses.length > 1 ? `${address} (connected)` : address
  );
  const addresses = [...acceptable, ...refused].join(", ");
  if (addresses !== "") rows.push(["", `address ${addresses}`]);
  const facts: string[] = [];
  if (trace.status !== undefined) facts.push(`status ${trace.status}`);
  if (trace.mediaType !== undefined) facts.push(`media type ${quote(trace.mediaType)}`);
  facts.push(`${Math.round(fetch.ms)} ms`);
  rows.push(["", facts.join(", ")]);
  const { result } = fetch;
  if (result.kind === "failed") rows.push(["", `failed: ${result.reason}: ${result.detail}`]);
  return rows;
}

function policyRows({ held }: Explanation): [string, string][] {
  if (held === undefined) return [["Policy", "none"]];
  const { mode, maxAge, mx } = held.policy;
  const until = new Date(held.expiresAt).toISOString();
  return [
    ["Policy", `mode ${mode}, id ${held.id}, max_age ${maxAge} s (until ${until})`],
    ...mx.map((pattern): [string, string] => ["", `mx ${pattern}`]),
  ];
}

function cacheLine({ cached }: Explanation): string {
  if (cached.kind === "unreadable") return `not known: ${cached.error}`;
  const asked = `(asked ${cached.from})`;
  if (cached.policy === undefined) return `nothing is held for this domain ${asked}`;
  const { id, fetchedAt } = cached.policy;
  return `id ${id}, fetched ${new Date(fetchedAt).toISOString()} ${asked}`;
}

function mxRows({ mx, answer }: Explanation): [string, string][] {
  const result = mx;
  if (result.kind === "failed") return [["MX hosts", `DNS ${result.reason} (${result.detail})`]];
  const { hosts, dane, skipped } = result.view;
  const matching = answer.kind === "secure" ? answer.hosts : undefined;
  const names = hosts?.map((host) => {
    if (skipped.includes(host)) return `${host} (skipped: DNS ${result.skippedFor?.reason})`;
    if (matching === undefined) return host;
    return `${host} ${matching.includes(host) ? "(in the policy)" : "(NOT in the policy)"}`;
  });
  return [["MX hosts", names?.join(", ") ?? "none"], ["DANE", DANE[dane]]];
}

function exceptionRows({ exception }: Explanation): [string, string][] {
  if (exception === undefined) return [];
  const { domain, until, reason } = exception;
  return [
    ["Exception", `${describeException(exception)} (domains: ${JSON.stringify(domain)})`],
    ["", `until ${formatEnd(until)}: ${reason}`],
  ];
}
