/**
 * What `report import` says of each report: a line for people, or for scripts.
 *
 * @module
 */

import { escapeInvisible, quoteRemote } from "../base/quote_text.ts";
import { count } from "../check/wording.ts";
import { countedDay, formatDay } from "../receive/days.ts";
import type { AdmittedReport, Keeping, Refusal } from "../receive/types.ts";
import { STANDARD_INPUT } from "./import_sources.ts";

/** Characters shown of a text. */
const QUOTE_LENGTH = 120;

/** Domains that a line names. */
const NAMED_DOMAINS = 3;

/** What was decided about a report. */
export type Decision =
  | { readonly kind: Exclude<Keeping, "full">; readonly report: AdmittedReport }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly text: string }
  /** To be tried again. */
  | { readonly kind: "later" | "full"; readonly text: string }
  /** A file cannot be read. */
  | { readonly kind: "unreadable"; readonly text: string };

/** Counts decisions. */
export class Totals {
  readonly #counts = new Map<Decision["kind"], number>();

  /** Counts one. */
  add({ kind }: Decision): void {
    this.#counts.set(kind, this.of(kind) + 1);
  }

  /** How many there are of a kind. */
  of(kind: Decision["kind"]): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** One line with its line end. */
  format(): string {
    const parts = [
      `${this.of("kept")} kept`,
      count(this.of("duplicate"), "duplicate"),
      ...(this.of("changed") > 0 ? [`${this.of("changed")} changed`] : []),
      `${this.of("refused")} refused`,
      ...(this.of("later") + this.of("full") > 0
        ? [`${this.of("later") + this.of("full")} to be tried again`]
        : []),
      ...(this.of("unreadable") > 0 ? [`${this.of("unreadable")} not readable`] : []),
    ];
    return `${parts.join(", ")}\n`;
  }
}

/** One line with its line end. */
export function formatDecision(name: string, decision: Decision): string {
  return `${name === STANDARD_INPUT ? "standard input" : quote(name)}: ${describe(decision)}\n`;
}

/** One line with its line end. */
export function formatDecisionJson(name: string, decision: Decision): string {
  return `${escapeInvisible(JSON.stringify({ file: name, ...toJson(decision) }))}\n`;
}

function describe(decision: Decision): string {
  switch (decision.kind) {
    case "refused":
      return `refused: ${decision.text} [${decision.refusal}]`;
    case "later":
      return `to be tried again: ${decision.text}`;
    case "full":
      return `not kept, to be tried again: ${decision.text}`;
    case "unreadable":
      return `cannot be read: ${quote(decision.text)}`;
    default:
      return `${decision.kind}: ${describeReport(decision.report)}`;
  }
}

function describeReport({ submitter, authentication, range, policies }: AdmittedReport): string {
  const domains = [...new Set(policies.map(({ domain }) => domain))];
  const more = domains.length - NAMED_DOMAINS;
  const named = domains.slice(0, NAMED_DOMAINS).join(", ") + (more > 0 ? ` and ${more} more` : "");
  const { sessions, failed } = sumsOf(policies);
  const mark = authentication === "unsigned" ? ", unsigned" : "";
  return `${quote(submitter)} about ${named}, ${formatDay(countedDay(range))}: ${
    count(sessions, "session")
  }, ${failed} failed${mark}`;
}

function toJson(decision: Decision) {
  switch (decision.kind) {
    case "refused":
      return { decision: "refused", refusal: decision.refusal, text: decision.text };
    case "later":
    case "full":
    case "unreadable":
      return { decision: decision.kind, text: decision.text };
  }
  const { submitter, authentication, reportId, range, policies, deviations } = decision.report;
  const { sessions, failed } = sumsOf(policies);
  return {
    decision: decision.kind,
    submitter,
    authentication,
    report_id: reportId,
    day: formatDay(countedDay(range)),
    domains: [...new Set(policies.map(({ domain }) => domain))],
    successful: sessions - failed,
    failed,
    deviations: deviations.map(({ code }) => code),
  };
}

function sumsOf(policies: AdmittedReport["policies"]): { sessions: number; failed: number } {
  const failed = policies.reduce((sum, policy) => sum + policy.failed, 0);
  return { sessions: policies.reduce((sum, { successful }) => sum + successful, failed), failed };
}

function quote(text: string): string {
  return quoteRemote(text, QUOTE_LENGTH);
}
