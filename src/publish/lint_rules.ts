/**
 * The rules of `publish lint`: one row for each mistake, with the section of RFC 8461 and the advice.
 * The severity of a diagnostic depends on the rest of the policy, and `lint.ts` decides it. The row has
 * the mildest one.
 *
 * @module
 */

/**
 * - `error`: no sender gets a policy from the file, not even a lenient one like ours.
 * - `warning`: some senders refuse the policy, or read it differently.
 * - `note`: valid, but probably not what the owner wants.
 */
export type LintSeverity = "error" | "warning" | "note";

/** One kind of mistake. */
export interface LintRule {
  readonly severity: LintSeverity;
  /** The grammar forbids it, so a strict sender refuses the whole policy. */
  readonly grammar: boolean;
  /** Section of RFC 8461. */
  readonly section: string;
  /** What to do about it. */
  readonly advice: string;
}

const GRAMMAR = { severity: "warning", grammar: true, section: "3.2" } as const;
const WARNING = { severity: "warning", grammar: false, section: "3.2" } as const;
const NOTE = { severity: "note", grammar: false, section: "3.2" } as const;
const FATAL = { severity: "error", grammar: true, section: "3.2" } as const;

const ONE_NAME = "write one host name, or one wildcard such as *.example.com, on each mx: line";

/** All rules by name. */
export const LINT_RULES = {
  "too-large": {
    severity: "error",
    grammar: false,
    section: "3.3",
    advice: "keep the file below 64 KiB",
  },
  "missing-version": { ...FATAL, advice: "add the line version: STSv1" },
  "missing-mode": { ...FATAL, advice: "add a line such as mode: testing" },
  "missing-max-age": { ...FATAL, advice: "add a line such as max_age: 1209600" },
  "missing-mx": { ...FATAL, advice: "add a line mx: HOST for each MX host" },
  "bad-version": { ...GRAMMAR, advice: "write version: STSv1, exactly like this" },
  "bad-mode": { ...GRAMMAR, advice: "write enforce, testing or none, in lower case" },
  "bad-max-age": {
    ...GRAMMAR,
    advice: "write the number of seconds in digits only, at most 31557600",
  },

  "blank-line": { ...GRAMMAR, advice: "remove the line" },
  "byte-order-mark": { ...GRAMMAR, advice: "save the file as UTF-8 without a byte order mark" },
  "leading-space": { ...GRAMMAR, advice: "begin the line with the field name" },
  "space-before-colon": { ...GRAMMAR, advice: "put the colon directly after the field name" },
  "not-a-field": {
    ...GRAMMAR,
    advice:
      "remove the line: a policy has fields only, no comments; a field name has 1 to 32 letters, " +
      "digits, '_', '-' and '.'",
  },
  "no-value": { ...GRAMMAR, advice: "add the value, or remove the line" },
  "bare-cr": { ...GRAMMAR, advice: "end lines with CRLF, or with LF" },
  "unprintable": { ...GRAMMAR, advice: "use printable UTF-8, without tabs inside a value" },

  "mx-address": {
    ...GRAMMAR,
    advice: "write the name of the MX host: senders check certificates by name",
  },
  "mx-u-label": { ...GRAMMAR, advice: "write the name in A-labels (xn--…)" },
  "mx-wildcard": { ...GRAMMAR, advice: "write the wildcard as *. before a host name" },
  "mx-several": { ...GRAMMAR, advice: ONE_NAME },
  "mx-port": { ...GRAMMAR, advice: "remove the port: a policy has names only" },
  "mx-invalid": { ...GRAMMAR, advice: ONE_NAME },
  "mx-final-dot": { ...GRAMMAR, advice: "remove the final dot" },
  "mx-upper-case": {
    ...NOTE,
    section: "4.1",
    advice: "write lower case; case makes no difference",
  },
  "mx-repeated": { ...NOTE, advice: "remove the repetition" },
  "mx-single-label": {
    ...NOTE,
    advice: "write the full name, unless the MX record itself has a single label",
  },
  "mx-wildcard-wide": {
    ...WARNING,
    section: "4.1",
    advice: "list the hosts: this covers every name below a top-level domain",
  },

  "duplicate-field": { ...WARNING, advice: "keep one of the lines" },
  "misspelt-field": { ...WARNING, advice: "correct the name if that is what you meant" },
  "unknown-field": { ...NOTE, advice: "remove it unless something needs it: senders ignore it" },
  "not-ascii": { ...NOTE, advice: "use ASCII only: some senders refuse the policy otherwise" },
  "max-age-over-limit": { ...WARNING, advice: "write at most 31557600 (one year)" },
  "max-age-zero": {
    ...WARNING,
    advice: "use two weeks (1209600) or more: with 0, senders do not keep the policy",
  },
  "max-age-short": {
    ...NOTE,
    advice: "use two weeks (1209600) or more: a short time helps attackers",
  },
} as const satisfies Record<string, LintRule>;

/** The name of a rule. */
export type LintCode = keyof typeof LINT_RULES;
