/**
 * The kinds of findings about the policy. Those about its text are the ones of `publish lint`, under
 * its names. The others take the rest of the domain into account.
 *
 * @module
 */

import { LINT_RULES, type LintCode } from "../publish/lint_rules.ts";
import type { LintRule } from "../publish/lint_rules.ts";
import type { FindingKind } from "./finding_kind.ts";

/** What the linter finds, in a few words. */
const LINT_TITLES: Readonly<Record<LintCode, string>> = {
  "too-large": "policy is too large",
  "missing-version": "version is missing",
  "missing-mode": "mode is missing",
  "missing-max-age": "max_age is missing",
  "missing-mx": "mx is missing",
  "bad-version": "version is wrong",
  "bad-mode": "mode is wrong",
  "bad-max-age": "max_age is wrong",
  "blank-line": "blank line",
  "byte-order-mark": "byte order mark",
  "leading-space": "white space before the field name",
  "space-before-colon": "white space before the colon",
  "not-a-field": "line is not a field",
  "no-value": "field has no value",
  "bare-cr": "CR without LF",
  "unprintable": "unprintable characters",
  "mx-address": "mx is an address",
  "mx-u-label": "mx is not in ASCII",
  "mx-wildcard": "mx has a misplaced wildcard",
  "mx-several": "mx names several hosts",
  "mx-port": "mx has a port",
  "mx-invalid": "mx is not a host name",
  "mx-final-dot": "mx ends with a dot",
  "mx-upper-case": "mx has capital letters",
  "mx-repeated": "mx is repeated",
  "mx-single-label": "mx has a single label",
  "mx-wildcard-wide": "mx covers a whole top-level domain",
  "duplicate-field": "field is given more than once",
  "misspelt-field": "field is misspelt",
  "unknown-field": "field is unknown",
  "not-ascii": "value is not in ASCII",
  "max-age-over-limit": "max_age is above the maximum",
  "max-age-zero": "max_age is 0",
  "max-age-short": "max_age is too short",
};

/** Where the published policy of a domain is judged differently from a draft. */
const LINT_OVERRIDES: Partial<Record<LintCode, Partial<FindingKind>>> = {
  "max-age-zero": {
    severity: "error",
    why: "Senders do not keep the policy, so it protects nothing (RFC 8461 §3.2, §10.2).",
  },
  "max-age-short": {
    severity: "warning",
    why:
      "It should be weeks: whoever can block DNS and HTTPS for that long removes the policy (RFC 8461 §3.2, §10.2).",
  },
  "mx-wildcard-wide": {
    severity: "error",
    why: "Anyone can get a matching host with a valid certificate (RFC 8461 §4.1).",
  },
};

type PolicyLintId = `policy-${LintCode}`;

/** The name of the kind for a code of the linter. */
export function lintFindingId(code: LintCode): PolicyLintId {
  return `policy-${code}`;
}

function lintKind(code: LintCode): FindingKind {
  const { severity, grammar, section, advice }: LintRule = LINT_RULES[code];
  const consequence = severity === "error"
    ? "This makes the policy invalid for every sender"
    : grammar
    ? "The grammar does not allow this, and strict senders refuse the policy"
    : "Senders can read the policy, but perhaps not as it is meant";
  return {
    severity: severity === "note" ? "info" : severity,
    title: LINT_TITLES[code],
    why: `${consequence} (RFC 8461 §${section}).`,
    fix: `${advice.slice(0, 1).toUpperCase()}${advice.slice(1)}.`,
    ...LINT_OVERRIDES[code],
  };
}

const LINT_KINDS = Object.fromEntries(
  (Object.keys(LINT_RULES) as LintCode[]).map((code) => [lintFindingId(code), lintKind(code)]),
) as Readonly<Record<PolicyLintId, FindingKind>>;

/** By name, in the order of the manual. */
export const POLICY_KINDS = {
  "policy-ok": {
    severity: "ok",
    title: "policy is valid",
    why: "Senders can read it (RFC 8461 §3.2).",
    fix: "",
  },
  ...LINT_KINDS,
  "policy-line-ends": {
    severity: "info",
    title: "line ends are mixed",
    why: "LF and CRLF are both valid, but a mixture suggests a mistake (RFC 8461 §3.2).",
    fix: "",
  },
  "policy-mx-unused": {
    severity: "warning",
    title: "mx pattern matches no MX host",
    why:
      "It may be misspelt, or an old host whose name someone else could take over (RFC 8461 §4.1).",
    fix: "Remove it, unless the host will be back.",
  },
  "policy-mode-none": {
    severity: "warning",
    title: "mode is none",
    why: "It withdraws the policy: senders deliver as if there were none (RFC 8461 §5, §8.3).",
    fix: "Remove the record and the policy once the old max_age has passed, or set mode: enforce.",
  },
  "policy-mode-testing": {
    severity: "info",
    title: "mode is testing",
    why: "Senders report failures, but deliver anyway (RFC 8461 §5).",
    fix: "Set mode: enforce once the reports show no failures.",
  },
  "policy-mode-testing-long": {
    severity: "warning",
    title: "mode has been testing for a long time",
    why: "Until the mode is enforce, the policy protects nothing (RFC 8461 §5).",
    fix: "Set mode: enforce once the reports show no failures.",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;
