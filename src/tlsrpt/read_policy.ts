/**
 * One entry of `policies` of a received report (RFC 8460 §4.4): the policy, its sums, and what failed under it.
 *
 * @module
 */

import { isMapping } from "../base/mapping.ts";
import { toDomainName } from "../sts/domain.ts";
import type { Deviations } from "./deviation.ts";
import { plainText } from "./plain_text.ts";
import { readDetail } from "./read_detail.ts";
import { type Place, readCount, readPolicyStrings, readStrings, readText } from "./read_value.ts";
import type { ReceivedDetail, ReceivedPolicy } from "./received.ts";
import type { PolicyType } from "./report.ts";

/** Failure details of one policy. A sender has a handful for each MX host. */
const MAX_DETAILS = 1000;

const POLICY_TYPES: readonly PolicyType[] = ["sts", "tlsa", "no-policy-found"];

/** The keys of an STS policy in the order in which RFC 8461 §3.2 shows them. */
const USUAL_ORDER: readonly string[] = ["version", "mode", "mx", "max_age"];

/** What {@link readPolicy} works with. */
export interface PolicyOptions extends Place {
  /** Details that the whole report may still have; the reader takes from it. */
  readonly budget: { details: number };
}

/**
 * Reads one entry of `policies`.
 *
 * @returns `undefined` if it is no object, which is noted. Never throws.
 */
export function readPolicy(entry: unknown, options: PolicyOptions): ReceivedPolicy | undefined {
  const { deviations, place, budget } = options;
  if (!isMapping(entry)) {
    deviations.add("policy-not-object", place);
    return undefined;
  }
  const policy = isMapping(entry.policy) ? entry.policy : {};
  const at = (name: string) => ({ deviations, place: `${place}.policy.${name}` });
  const type = readType(policy["policy-type"], at("policy-type"));
  const strings = readPolicyStrings(policy["policy-string"], at("policy-string"));
  judgeStrings({ type, strings }, at("policy-string"));
  const details = readDetails(entry["failure-details"], { deviations, place, budget });
  const sums = readSums(entry.summary, { deviations, place, details: details ?? [] });
  if (details === undefined) {
    deviations.add(sums.failed > 0 ? "details-missing" : "details-absent", place);
  }
  const counted = fillCounts(details ?? [], { ...sums, deviations, place });
  return {
    type,
    domain: readDomain(policy["policy-domain"], at("policy-domain")),
    strings,
    mxHosts: readMxHosts(policy, at("mx-host")),
    ...sums,
    details: counted,
  };
}

function readType(value: unknown, { deviations, place }: Place): PolicyType | "unknown" {
  const written = typeof value === "string" ? value : "";
  const type = POLICY_TYPES.find((one) => one === written.toLowerCase());
  if (type === undefined) deviations.add("policy-type-unknown", place);
  else if (type !== written) deviations.add("policy-type-case", place);
  return type ?? "unknown";
}

function readDomain(value: unknown, { deviations, place }: Place): string | undefined {
  const text = readText(value, { deviations, place });
  if (text === undefined || text === "") {
    deviations.add("policy-domain-missing", place);
    return undefined;
  }
  const domain = toDomainName(text) ?? plainText(text);
  if (domain !== text) deviations.add("policy-domain-form", place);
  return domain;
}

function judgeStrings(
  { type, strings }: Pick<ReceivedPolicy, "type" | "strings">,
  { deviations, place }: Place,
): void {
  if (strings.length === 0) {
    if (type === "sts" || type === "tlsa") deviations.add("policy-string-missing", place);
    return;
  }
  if (type !== "sts") return;
  const order = strings.map((line) => USUAL_ORDER.indexOf(line.slice(0, line.indexOf(":"))))
    .filter((index) => index >= 0);
  if (order.some((index, at) => at > 0 && index < order[at - 1]!)) {
    deviations.add("policy-string-order", place);
  }
}

function readMxHosts(
  policy: Readonly<Record<string, unknown>>,
  { deviations, place }: Place,
): string[] {
  let value = policy["mx-host"];
  if (value === undefined && policy["mx-host-pattern"] !== undefined) {
    deviations.add("mx-host-key", place);
    value = policy["mx-host-pattern"];
  }
  if (value === undefined || value === null) return [];
  if (typeof value === "string") deviations.add("mx-host-string", place);
  const values = Array.isArray(value) ? value : [value];
  return readStrings(values, { deviations, place }).filter((host) => host !== "")
    .map((host) => plainText(host));
}

interface DetailsOptions extends Place {
  readonly budget: { details: number };
}

/** A detail whose count may be missing. */
type Uncounted = Omit<ReceivedDetail, "count"> & { readonly count: number | undefined };

/** @returns `undefined` if the key is not there. */
function readDetails(value: unknown, options: DetailsOptions): Uncounted[] | undefined {
  const { deviations, place, budget } = options;
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) deviations.add("details-not-array", place);
  const entries = Array.isArray(value)
    ? value
    : isMapping(value) && Object.keys(value).length > 0
    ? [value]
    : [];
  const most = Math.min(MAX_DETAILS, budget.details);
  if (entries.length > most) deviations.add("details-cut", place);
  const kept = entries.slice(0, most);
  budget.details -= kept.length;
  return kept.flatMap((entry, index) => {
    const detail = readDetail(entry, {
      deviations,
      place: `${place}.failure-details[${index}]`,
    });
    return detail === undefined ? [] : [detail];
  });
}

/** Counts that are missing are taken from the details, as far as there are any. */
function readSums(
  summary: unknown,
  { deviations, place, details }: Place & { readonly details: readonly Uncounted[] },
): Pick<ReceivedPolicy, "successful" | "failed"> {
  const sums = isMapping(summary) ? summary : {};
  const read = (name: string, otherwise: number) => {
    const at = { deviations, place: `${place}.summary` };
    const count = readCount(sums[name], at);
    if (count === undefined) deviations.add("count-missing", at.place);
    return count ?? otherwise;
  };
  const added = details.reduce((sum, { count = 0 }) => sum + count, 0);
  const successful = read("total-successful-session-count", 0);
  const failed = read(
    "total-failure-session-count",
    Math.min(added, Number.MAX_SAFE_INTEGER),
  );
  if (added > failed) deviations.add("details-exceed", place);
  return { successful, failed };
}

/** A single detail without a count has the count of the summary. */
function fillCounts(
  details: readonly Uncounted[],
  { failed, deviations, place }: Place & { readonly failed: number },
): ReceivedDetail[] {
  return details.map(({ count, ...detail }) => {
    if (count === undefined) deviations.add("count-missing", `${place}.failure-details`);
    return { ...detail, count: count ?? (details.length === 1 ? failed : 0) };
  });
}

/** Notes the policies that are for another domain than the report, and TLSA policies named after the wrong host. */
export function judgeDomains(
  policies: readonly ReceivedPolicy[],
  { deviations, domain }: { readonly deviations: Deviations; readonly domain: string | undefined },
): void {
  for (const [index, policy] of policies.entries()) {
    const place = `policies[${index}].policy.policy-domain`;
    if (policy.domain === undefined) continue;
    if (policy.type === "tlsa") {
      const hosts = policy.details.flatMap(({ mxHost }) => mxHost === undefined ? [] : [mxHost]);
      if (hosts.some((host) => host !== policy.domain)) {
        deviations.add("policy-domain-not-mx", place);
      }
    } else if (domain !== undefined && policy.domain !== domain) {
      deviations.add("policy-domain-other", place);
    }
  }
}
