/**
 * What received reports say about a domain as JSON, described by docs/received-summary.schema.json.
 *
 * @module
 */

import { escapeInvisible } from "../base/quote_text.ts";
import type { DomainSummary, ProblemSummary, Sums } from "../receive/summary_types.ts";
import { nameDomain } from "../tlsrpt/advice.ts";
import { remedyOf } from "./report_advice.ts";
import { plainDomain } from "./summary_text.ts";

/** One line with its line end. */
export function formatSummaryJson(summary: DomainSummary): string {
  return `${escapeInvisible(JSON.stringify(toJson(summary)))}\n`;
}

function toJson(summary: DomainSummary) {
  const { domain, since, until, verdict, senders, failing, unsigned, problems } = summary;
  return {
    domain,
    since,
    until,
    verdict,
    sessions: sumsOf(summary.sessions),
    signed_sessions: sumsOf(summary.signed),
    failing_senders: failing,
    unsigned_senders: unsigned,
    senders: senders.map(({ submitter, authentication, hasFailed, last, ...sums }) => ({
      submitter,
      authentication,
      ...sumsOf(sums),
      has_failed: hasFailed,
      last,
    })),
    policies: summary.policies.map(({ policy, ...sums }) => ({ policy, ...sumsOf(sums) })),
    problems: problems.map((problem) => problemOf(problem, plainDomain(domain))),
    days: summary.days.map(({ day, senders: number, ...sums }) => ({
      day,
      ...sumsOf(sums),
      senders: number,
    })),
  };
}

function sumsOf({ successful, failed }: Sums): Sums {
  return { successful, failed };
}

function problemOf(problem: ProblemSummary, domain: string | undefined) {
  const { result, mx, reasons, explanation: { meaning, advice }, senders, since, last } = problem;
  return {
    result,
    mx_host: mx === "" ? undefined : mx,
    reasons,
    count: problem.count,
    since,
    last,
    new: problem.isNew,
    unsigned: problem.isUnsigned,
    senders: senders.map(({ submitter, authentication, count, since, last, isNew }) => ({
      submitter,
      authentication,
      count,
      since,
      last,
      new: isNew,
    })),
    meaning: nameDomain(meaning, domain),
    advice,
    remedy: remedyOf(advice, domain),
  };
}
