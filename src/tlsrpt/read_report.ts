/**
 * Reads the reports of others (RFC 8460 §4) in all the forms in which they really come.
 *
 * Nothing throws. The result is a report in one normal form with a list of what is wrong or odd about it, or a word
 * for the reason why there is none. What is in a report is a claim: nothing here says who sent it.
 *
 * @module
 */

import { isMapping } from "../base/mapping.ts";
import { type Deviation, Deviations } from "./deviation.ts";
import { type JsonFault, readJson } from "./json_text.ts";
import { judgeDomains, readPolicy } from "./read_policy.ts";
import { readRange } from "./read_time.ts";
import { readText } from "./read_value.ts";
import type { ReceivedPolicy, ReceivedReport } from "./received.ts";
import { unpack } from "./unpack.ts";

/** Policies of one report. Senders have one or two for a domain, and one for each of its TLSA base domains. */
const MAX_POLICIES = 1000;

/** Failure details of one report, so that a report of 5 MiB does not become a million objects. */
const MAX_ALL_DETAILS = 10_000;

/** Keys of which a report has at least one. */
const REPORT_KEYS: readonly string[] = ["policies", "date-range", "report-id", "organization-name"];

/** Why there is no report. The list is closed. */
export type ReportFault = JsonFault | "gzip" | "zip" | "not-a-report";

/** What each fault means, for people. */
export const REPORT_FAULTS: Readonly<Record<ReportFault, string>> = {
  "empty": "it is empty",
  "too-large": "it has more than 1 MiB of gzip or 5 MiB of JSON",
  "too-deep": "its JSON has more than 32 levels",
  "json": "it is not JSON, or damaged",
  "gzip": "its gzip is damaged or incomplete",
  "zip": "it is a ZIP archive, which RFC 8460 does not have; unpack it first",
  "not-a-report": "its JSON is not a TLS report",
};

/** A report, or why there is none. */
export type ReportReading =
  | {
    readonly kind: "read";
    readonly report: ReceivedReport;
    readonly deviations: readonly Deviation[];
  }
  | { readonly kind: "refused"; readonly fault: ReportFault };

/** What {@link readReport} may know from elsewhere. */
export interface ReadReportOptions {
  /** The domain that the report is for, as a header or file name says it; A-labels, lower case. */
  readonly domain?: string | undefined;
}

/**
 * Reads a report.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const reading = readReport(new TextEncoder().encode(JSON.stringify({
 *   "organization-name": "Example",
 *   "date-range": { "start-datetime": "2026-11-27T00:00:00Z", "end-datetime": "2026-11-28T00:00:00Z" },
 *   "contact-info": "tls@example.com",
 *   "report-id": 7,
 *   policies: [],
 * })));
 * if (reading.kind === "refused") throw new Error(reading.fault);
 * assertEquals(reading.report.reportId, "7");
 * assertEquals(reading.deviations.map(({ code }) => code), [
 *   "id-not-text",
 *   "range-to-midnight",
 *   "policies-empty",
 * ]);
 * ```
 * @param octets JSON or gzip. At most 1 MiB of gzip and 5 MiB of JSON are read.
 * @returns Never throws.
 */
export function readReport(
  octets: Uint8Array,
  { domain }: ReadReportOptions = {},
): ReportReading {
  const unpacked = unpack(octets);
  if (unpacked.kind === "refused") return unpacked;
  const json = readJson(unpacked.octets);
  if (json.kind === "refused") return json;
  const { value, oddities } = json;
  if (!isMapping(value) || !REPORT_KEYS.some((key) => Object.hasOwn(value, key))) {
    return { kind: "refused", fault: "not-a-report" };
  }
  const deviations = new Deviations();
  for (const oddity of oddities) deviations.add(oddity);
  const report = {
    organization: readOrganization(value["organization-name"], deviations),
    contact: readContact(value["contact-info"], deviations),
    reportId: readId(value["report-id"], deviations),
    range: readRange(value["date-range"], deviations),
    policies: fillDomains(readPolicies(value.policies, deviations), domain),
  };
  judgeDomains(report.policies, { deviations, domain });
  return { kind: "read", report, deviations: deviations.list() };
}

function readOrganization(value: unknown, deviations: Deviations): string | undefined {
  const text = readText(value, { deviations, place: "organization-name" });
  if (text === undefined || text === "") deviations.add("organization-missing");
  return text === "" ? undefined : text;
}

function readContact(value: unknown, deviations: Deviations): string | undefined {
  const place = "contact-info";
  const text = value === null ? undefined : readText(value, { deviations, place });
  if (text === undefined || text === "") deviations.add("contact-missing");
  return text === "" ? undefined : text;
}

function readId(value: unknown, deviations: Deviations): string | undefined {
  const place = "report-id";
  if (typeof value === "number") {
    deviations.add("id-not-text", place);
    return `${value}`;
  }
  const id = value === null ? undefined : readText(value, { deviations, place });
  if (id === undefined || id === "") deviations.add("id-missing");
  else if (/[+@_!]$/.test(id)) deviations.add("id-unfinished", place);
  return id === "" ? undefined : id;
}

function readPolicies(value: unknown, deviations: Deviations): ReceivedPolicy[] {
  const isArray = Array.isArray(value);
  const entries: readonly unknown[] = isArray ? value : isMapping(value) ? [value] : [];
  if (!isArray && entries.length > 0) deviations.add("policies-not-array", "policies");
  if (entries.length === 0) deviations.add("policies-empty", "policies");
  if (entries.length > MAX_POLICIES) deviations.add("policies-cut", "policies");
  const budget = { details: MAX_ALL_DETAILS };
  return entries.slice(0, MAX_POLICIES).flatMap((entry, index) => {
    const policy = readPolicy(entry, { deviations, place: `policies[${index}]`, budget });
    return policy === undefined ? [] : [policy];
  });
}

/** A policy without a domain is for the domain of the report, or for the only one that the others name. */
function fillDomains(
  policies: readonly ReceivedPolicy[],
  domain: string | undefined,
): ReceivedPolicy[] {
  const named = new Set(policies.filter(({ type }) => type !== "tlsa").map((one) => one.domain));
  named.delete(undefined);
  const filled = domain ?? (named.size === 1 ? [...named][0] : undefined);
  return policies.map((policy) =>
    policy.domain === undefined && policy.type !== "tlsa" ? { ...policy, domain: filled } : policy
  );
}
