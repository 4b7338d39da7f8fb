/**
 * Decides whether a domain gets a report on a day, and at which URIs (RFC 8460 §3).
 *
 * @module
 */

import type { DnsClient } from "../dns/types.ts";
import type { CountedReport } from "../reports/types.ts";
import { parseTlsrptRecords, tlsrptName } from "../tlsrpt/record.ts";
import { chooseUris, type DestinationRules, isListed } from "./destinations.ts";

/** Why a domain gets no report. */
export type NoReport = "excluded" | "no-record" | "only-reports" | "nothing-counted";

/** All reasons. */
export const NO_REPORT: readonly NoReport[] = [
  "excluded",
  "no-record",
  "only-reports",
  "nothing-counted",
];

/** What was decided. */
export type Plan =
  | { readonly kind: "send"; readonly uris: readonly string[] }
  | { readonly kind: "none"; readonly reason: NoReport }
  /** The record cannot be looked up, and nobody has seen one. */
  | { readonly kind: "failed"; readonly error: string };

/** What is to be decided about. */
export interface PlanOptions {
  /** The policy domain that the report would be about. */
  readonly domain: string;
  /** What was counted for it on the day; `undefined` if nothing was. */
  readonly counted: CountedReport | undefined;
  /** Report mails that we sent on the day to addresses at the domain. */
  readonly mails: number;
  /** Which domains and destinations the operator rules out. */
  readonly rules: DestinationRules;
  /** Looks up the domain's TLSRPT record. */
  readonly lookup: DnsClient["lookup"];
}

/** Decides. Never rejects. */
export async function planReport(options: PlanOptions): Promise<Plan> {
  const { domain, counted, mails, rules, lookup } = options;
  if (isListed(domain, rules.exclude)) return { kind: "none", reason: "excluded" };
  if (counted === undefined) return { kind: "none", reason: "nothing-counted" };
  if (isOwnTraffic(counted, mails)) return { kind: "none", reason: "only-reports" };
  const answer = await lookup(tlsrptName(domain), "TXT");
  if (answer.kind === "failed" && counted.record === undefined) {
    return { kind: "failed", error: `TLSRPT record: ${answer.detail}` };
  }
  const seen = counted.record === undefined ? [] : [counted.record];
  const records = answer.kind === "failed" ? seen : answer.kind === "found" ? answer.records : [];
  const reading = parseTlsrptRecords(records);
  const uris = reading.kind === "found" ? chooseUris(reading.rua) : [];
  return uris.length === 0 ? { kind: "none", reason: "no-record" } : { kind: "send", uris };
}

/**
 * Whether nothing but our own reports went to a domain: a report on them would make one for the next day, for ever.
 * Postfix before 3.10.4 counts their sessions although they have `TLS-Required: No`.
 */
function isOwnTraffic({ report, sessions }: CountedReport, mails: number): boolean {
  const hasFailures = sessions.failed > 0 ||
    report.policies.some(({ details }) => details.length > 0);
  return !hasFailures && sessions.ok <= mails;
}
