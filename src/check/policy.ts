/**
 * Judges the policy: its text (RFC 8461 §3.2), and whether it agrees with the MX hosts (§4.1), the
 * TXT record (§3.1) and the last check.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { quoteText } from "../base/quote_text.ts";
import { isUsable, lintPolicy } from "../publish/lint.ts";
import type { Diagnostic, LintOptions } from "../publish/lint.ts";
import { patternsFor } from "../sts/mx_pattern.ts";
import { parsePolicy, type Policy } from "../sts/policy.ts";
import { type Finding, finding, type FindingId } from "./finding.ts";

import type { MailSeen, StsSeen } from "./gather.ts";
import { lintFindingId } from "./kinds_policy.ts";
import type { Remembered } from "./memory.ts";
import { count, listNames } from "./wording.ts";

/** Lines with a mistake that are reported. An HTML page has one on every line. */
const MISTAKES_MAX = 20;

/** Enough of a line to find it, UTF-16 units. */
const LINE_QUOTE_LENGTH = 100;

/** A longer test is reported, ms. */
const TESTING_LONG_MS = 30 * 86_400_000;

const DAY_MS = 86_400_000;

/** A policy and what was found in it. */
export interface JudgedPolicy {
  readonly policy: Policy | undefined;
  /** SHA-256 of the text in hexadecimal digits; `undefined` if none was fetched. */
  readonly digest: string | undefined;
  readonly findings: readonly Finding[];
}

/** What a policy is judged against. */
export interface PolicyContext {
  /** `id` of the TXT record. */
  readonly id: string | undefined;
  readonly mail: MailSeen;
  readonly remembered: Remembered | undefined;
  /** ms */
  readonly now: number;
  readonly suggest: LintOptions["suggest"];
}

/** Judges the policy, if one was fetched. */
export function judgePolicy(
  { outcome, trace }: Pick<StsSeen, "outcome" | "trace">,
  context: PolicyContext,
): JudgedPolicy {
  if (outcome.kind === "failed") return { policy: undefined, digest: undefined, findings: [] };
  const { text } = outcome;
  const found = lintPolicy(text, context);
  const policy = isUsable(found) ? parsePolicy(text) : undefined;
  const digest = createHash("sha256").update(text).digest("hex");
  const at = ([id, seen]: [FindingId, string]) =>
    finding(id, { group: "policy", subject: trace.url, seen });
  return {
    policy,
    digest,
    findings: [
      ...judgePolicyItself(policy).map(at),
      ...found.slice(0, MISTAKES_MAX).map((one) => lineFinding(one, trace.url)),
      ...lineEnds(text).map(at),
      ...judgeMode(policy, context).map(at),
      ...judgePatterns(policy, context.mail),
      ...judgeId(digest, context).map(at),
    ],
  };
}

/** A diagnostic of the linter as a finding, in the words of the linter. The graver severity wins. */
function lineFinding(found: Diagnostic, url: string): Finding {
  const { code, line, message, text, severity } = found;
  const one = finding(lintFindingId(code), {
    group: "policy",
    subject: line === 0 ? url : `${url} line ${line}`,
    seen: text === undefined ? "no such line" : quoteText(text, LINE_QUOTE_LENGTH),
  });
  return { ...one, title: message, ...(severity === "error" && { severity }) };
}

function judgePolicyItself(policy: Policy | undefined): [FindingId, string][] {
  if (policy === undefined) return [];
  const { mode, mx, maxAge } = policy;
  const patterns = count(mx.length, "mx pattern");
  return [["policy-ok", `mode ${mode}, ${patterns}, max_age ${maxAge} s`]];
}

function lineEnds(text: string): [FindingId, string][] {
  const all = text.split("\n").length - 1;
  const crlf = text.split("\r\n").length - 1;
  return crlf > 0 && crlf < all ? [["policy-line-ends", `${crlf} CRLF, ${all - crlf} LF`]] : [];
}

function judgeMode(policy: Policy | undefined, context: PolicyContext): [FindingId, string][] {
  if (policy?.mode === "none") return [["policy-mode-none", "mode: none"]];
  if (policy?.mode !== "testing") return [];
  const { id, remembered, now } = context;
  const seenSince = remembered?.mode === "testing" ? remembered.modeSince : now;
  const since = Math.min(seenSince, idDate(id) ?? now);
  const days = Math.floor((now - since) / DAY_MS);
  if (now - since < TESTING_LONG_MS) return [["policy-mode-testing", "mode: testing"]];
  const source = since < seenSince ? `by the date in id ${id}` : "by earlier checks";
  return [["policy-mode-testing-long", `mode: testing, for ${count(days, "day")} ${source}`]];
}

/** The date at the start of an `id`, ms. Most have one. */
function idDate(id = ""): number | undefined {
  const [, year, month, day] = /^(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])/.exec(id) ?? [];
  const date = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  return Number.isNaN(date) ? undefined : date;
}

/** Patterns that match no host. Hosts without a pattern are reported with the hosts. */
function judgePatterns(policy: Policy | undefined, mail: MailSeen): Finding[] {
  const names = [...mail.hosts.map(({ name }) => name), ...mail.left];
  if (policy === undefined || names.length === 0) return [];
  const used = new Set(names.flatMap(patternsFor));
  return policy.mx.filter((pattern) => !used.has(pattern))
    .map((pattern) =>
      finding("policy-mx-unused", {
        group: "policy",
        subject: `mx: ${pattern}`,
        seen: `MX hosts are ${listNames(names)}`,
      })
    );
}

/** RFC 8461 §3.1: a policy that changes needs a new `id`. */
function judgeId(digest: string, { id, remembered }: PolicyContext): [FindingId, string][] {
  if (id === undefined || remembered?.id === undefined) return [];
  const same = remembered.digest === undefined || remembered.digest === digest;
  if (remembered.id === id) return same ? [] : [["id-not-changed", `id "${id}"`]];
  const policy = same ? "the policy did not change" : "the policy also changed";
  return [["id-changed", `from "${remembered.id}" to "${id}", ${policy}`]];
}
