/**
 * What a report says about one domain of ours, as it is counted: sums by kind of policy, and a bounded list of
 * failures. Equal reports give equal parts, in whatever order their entries stand.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { plainText } from "../tlsrpt/plain_text.ts";
import { networkCode, policyCode, resultCode } from "./codes.ts";
import { countedDay, dayNumber } from "./days.ts";
import { compareTexts, groupBy } from "./grouping.ts";
import type { AdmittedPolicy, AdmittedReport } from "./types.ts";

/**
 * Sessions that one report can count under one kind of policy. The largest provider has fewer with one domain a day,
 * and sums of such counts stay exact.
 */
export const COUNT_MAX = 1e9;

/** Failures that are kept apart of one report about one domain: results × MX hosts × networks of a large sender. */
export const MAX_REPORT_PROBLEMS = 100;

/** Octets of a hash that are kept. Only who signs as the submitter gains anything by finding two that are equal. */
const HASH_OCTETS = 6;

/** The reason in the row that stands for the failures beyond a bound. */
export const OTHERS = "(others)";

/** Sessions under one kind of policy. */
export interface PartOutcome {
  /** As in `codes.ts`. */
  readonly policy: number;
  /** Sessions that succeeded. */
  readonly ok: number;
  /** Sessions that failed. */
  readonly failed: number;
}

/** A failure. */
export interface PartProblem {
  /** As in `codes.ts`. */
  readonly result: number;
  /** The MX host, or empty. */
  readonly mx: string;
  /** The reason, {@link OTHERS}, or empty. */
  readonly reason: string;
  /** As in `codes.ts`. */
  readonly network: number;
  /** Sessions. */
  readonly count: number;
}

/** A report as far as it is about one domain. */
export interface ReportPart {
  /** As configured. */
  readonly domain: string;
  /** The day it counts for, days since the epoch. */
  readonly day: number;
  /** The days on which a report with this key can have been counted, both included. */
  readonly days: readonly [first: number, last: number];
  /** A hash of report-id, begin and policy domain: the same for each repetition. */
  readonly key: number;
  /** A hash of what is counted. */
  readonly content: number;
  /** One at least. */
  readonly outcomes: readonly PartOutcome[];
  /** The most sessions first. */
  readonly problems: readonly PartProblem[];
  /** The sums of `outcomes`. */
  readonly sums: { readonly ok: number; readonly failed: number };
}

/** Takes a report apart, by the domains of ours in it. */
export function partsOf(report: AdmittedReport): ReportPart[] {
  return groupBy(report.policies, ({ domain }) => domain)
    .toSorted(([one], [other]) => compareTexts(one, other))
    .map(([domain, policies]) => partOf(report, { domain, policies }));
}

function partOf(
  { reportId, range }: AdmittedReport,
  { domain, policies }: { domain: string; policies: readonly AdmittedPolicy[] },
): ReportPart {
  const outcomes = sumOutcomes(policies);
  const problems = sumProblems(policies);
  const day = dayNumber(range.begin);
  return {
    domain,
    day: countedDay(range),
    // The middle of a range, or of its first 24 hours, lies on the day of its begin or on the next.
    days: [day, day + 1],
    key: hash([reportId, range.begin, namedDomain(policies)]),
    content: hash([countedDay(range), outcomes, problems]),
    outcomes,
    problems: boundProblems(problems, MAX_REPORT_PROBLEMS),
    sums: {
      ok: outcomes.reduce((sum, { ok }) => sum + ok, 0),
      failed: outcomes.reduce((sum, { failed }) => sum + failed, 0),
    },
  };
}

/**
 * The domain that the report is about: an entry `*.example.com` covers many, and some senders use a report-id once for
 * all. MX hosts count only if there is no other.
 */
function namedDomain(policies: readonly AdmittedPolicy[]): string {
  const named = policies.filter(({ type }) => type !== "tlsa");
  const names = (named.length > 0 ? named : policies).map(({ policyDomain }) => policyDomain);
  return names.toSorted(compareTexts)[0] ?? "";
}

function sumOutcomes(policies: readonly AdmittedPolicy[]): PartOutcome[] {
  return groupBy(policies, ({ type }) => policyCode(type)).map(([policy, group]) => ({
    policy,
    ok: boundCount(group.reduce((sum, { successful }) => sum + successful, 0)),
    failed: boundCount(group.reduce((sum, { failed }) => sum + failed, 0)),
  })).toSorted((one, other) => one.policy - other.policy);
}

function sumProblems(policies: readonly AdmittedPolicy[]): PartProblem[] {
  const details = policies.flatMap(({ details, failed }) =>
    details.map(({ result, written, reason = written, mxHost, sendingIp, count }) => ({
      result: resultCode(result),
      mx: plainText(mxHost ?? ""),
      reason: plainText(reason ?? ""),
      network: networkCode(sendingIp),
      // A failure that is named without a count has happened all the same.
      count: count === 0 && failed > 0 ? 1 : count,
    }))
  );
  return addUp(details.filter(({ count }) => count > 0));
}

/**
 * Keeps the most frequent problems apart, and puts the others together by result.
 *
 * @param max How many are kept; there are a few more with {@link OTHERS}.
 */
export function boundProblems(problems: readonly PartProblem[], max: number): PartProblem[] {
  if (problems.length <= max) return [...problems];
  const others = problems.slice(max)
    .map(({ result, count }) => ({ result, mx: "", reason: OTHERS, network: 0, count }));
  return [...problems.slice(0, max), ...addUp(others)];
}

/** Adds up what differs in nothing but its count, the most sessions first. */
export function addUp(problems: readonly PartProblem[]): PartProblem[] {
  const keyOf = ({ result, mx, reason, network }: PartProblem) =>
    JSON.stringify([result, mx, reason, network]);
  return groupBy(problems, keyOf).map(([key, group]) => ({
    key,
    problem: { ...group[0]!, count: boundCount(group.reduce((sum, { count }) => sum + count, 0)) },
  })).toSorted((one, other) =>
    other.problem.count - one.problem.count || compareTexts(one.key, other.key)
  ).map(({ problem }) => problem);
}

function boundCount(count: number): number {
  return Math.max(0, Math.min(COUNT_MAX, Math.floor(count) || 0));
}

function hash(value: unknown): number {
  const digest = createHash("sha256").update(JSON.stringify(value)).digest();
  return digest.readUIntBE(0, HASH_OCTETS);
}
