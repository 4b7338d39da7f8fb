/**
 * What received reports say about a domain, for people.
 *
 * Names of senders and hosts, and reasons, were written by strangers: they are quoted and cut.
 *
 * @module
 */

import { quoteRemote } from "../base/quote_text.ts";
import { count } from "../check/wording.ts";
import { describeVerdict, failureShare } from "../receive/summary.ts";
import type { DomainSummary, ProblemSender, ProblemSummary } from "../receive/summary_types.ts";
import { nameDomain } from "../tlsrpt/advice.ts";
import { remedyOf } from "./report_advice.ts";

/** Characters shown of a text. */
const QUOTE_LENGTH = 100;

/** Problems of one domain that are shown; `--json` has all. */
const SHOWN_PROBLEMS = 20;

/** Senders of one problem that are shown. */
const SHOWN_SENDERS = 5;

/** Writes the summary of one domain, in whole lines. */
export function formatSummary(summary: DomainSummary): string {
  const { domain, problems, verdict, sessions } = summary;
  const lines = [`${domain}: ${describeVerdict(summary)}`];
  if (verdict !== "nothing-reported") {
    lines.push(
      `  ${count(sessions.failed, "session")} of ${sumOf(summary)} failed (${
        formatPercent(failureShare(sessions))
      }), ${summary.since} to ${summary.until}`,
    );
  }
  for (const problem of problems.slice(0, SHOWN_PROBLEMS)) {
    lines.push("", ...problemLines(problem, plainDomain(domain)));
  }
  const more = problems.length - SHOWN_PROBLEMS;
  if (more > 0) lines.push("", `  and ${count(more, "more problem")}`);
  lines.push(...unexplained(summary));
  if (verdict === "failures" && plainDomain(domain) !== undefined) {
    lines.push("", `  'mta-sts-resolver check ${domain}' shows what a sender sees now.`);
  }
  return lines.join("\n") + "\n";
}

/** A part of 1 in percent, with two digits that count: `0.012 %`, `1.2 %`, `12 %`. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent >= 99.5) return `${percent.toFixed(0)} %`;
  const digits = percent >= 10 ? 0 : Math.min(6, 1 - Math.floor(Math.log10(percent)));
  return `${percent.toFixed(digits)} %`;
}

/** The domain, if it can stand in a sentence in place of `<domain>`: not a pattern of many. */
export function plainDomain(domain: string): string | undefined {
  return domain.startsWith("*.") ? undefined : domain;
}

function sumOf({ sessions: { successful, failed } }: DomainSummary): string {
  return String(successful + failed);
}

function problemLines(problem: ProblemSummary, domain: string | undefined): string[] {
  const { result, mx, reasons, explanation, senders, since, last } = problem;
  const marks = [problem.isNew ? "new" : "", problem.isUnsigned ? "unsigned" : ""];
  const marked = marks.filter((mark) => mark !== "").map((mark) => ` [${mark}]`).join("");
  const where = mx === "" ? "" : ` at ${quote(mx)}`;
  const what = result === "unknown" ? "unknown result" : result;
  const named = reasons.length === 0 ? [] : [`    Reasons: ${reasons.map(quote).join(", ")}`];
  const shown = senders.slice(0, SHOWN_SENDERS).map(senderText);
  const more = senders.length - shown.length;
  return [
    `  ${what}${where}: ${count(problem.count, "session")} of ${count(senders.length, "sender")}, ${
      since === last ? `on ${since}` : `since ${since}, last on ${last}`
    }${marked}`,
    `    Senders: ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`,
    ...named,
    `    Meaning: ${nameDomain(explanation.meaning, domain)}`,
    `    Remedy: ${remedyOf(explanation.advice, domain)}`,
  ];
}

function senderText({ submitter, authentication, count: sessions, isNew }: ProblemSender): string {
  const marks = [isNew ? "new" : "", authentication === "unsigned" ? "unsigned" : ""];
  const marked = marks.filter((mark) => mark !== "").map((mark) => `, ${mark}`).join("");
  return `${quote(submitter)} (${sessions}${marked})`;
}

/** Senders that count failed sessions and do not say what failed. */
function unexplained({ senders, problems }: DomainSummary): string[] {
  const named = new Set(
    problems.flatMap((problem) => problem.senders.map(({ submitter }) => submitter)),
  );
  const silent = senders.filter(({ failed, submitter }) => failed > 0 && !named.has(submitter));
  if (silent.length === 0) return [];
  const shown = silent.slice(0, SHOWN_SENDERS)
    .map(({ submitter, failed }) => `${quote(submitter)} (${failed})`);
  const more = silent.length - shown.length;
  return [
    "",
    `  failed for reasons that the sender does not name: ${shown.join(", ")}${
      more > 0 ? ` and ${more} more` : ""
    }`,
  ];
}

function quote(text: string): string {
  return quoteRemote(text, QUOTE_LENGTH);
}
