/**
 * The findings of `publish lint`: one row a mistake, with the section of RFC 8461 that it breaks
 * and what to do about it. The severity of a finding depends on the rest of the policy and is
 * decided in `lint.ts`; the row has the mildest one.
 *
 * @module
 */

/**
 * - `error`: with this no reader gets a policy, not even a lenient one like ours.
 * - `warning`: some senders refuse the policy, or read it differently.
 * - `note`: valid, but probably not what is wanted.
 */
export type LintSeverity = "error" | "warning" | "note";

/** One kind of finding. */
export interface LintRule {
  readonly severity: LintSeverity;
  /** The grammar does not allow it: a reader that keeps to its letter refuses the whole policy. */
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

const ONE_NAME = "write one host name, or *. and one, on each mx: line";

/** All kinds of findings by name. */
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
  "bad-version": { ...GRAMMAR, advice: "write version: STSv1, in exactly these letters" },
  "bad-mode": { ...GRAMMAR, advice: "write enforce, testing or none in small letters" },
  "bad-max-age": { ...GRAMMAR, advice: "write the seconds in digits alone, at most 31557600" },

  "blank-line": { ...GRAMMAR, advice: "remove the line" },
  "byte-order-mark": { ...GRAMMAR, advice: "save the file as UTF-8 without a byte order mark" },
  "leading-space": { ...GRAMMAR, advice: "begin the line with the field name" },
  "space-before-colon": { ...GRAMMAR, advice: "put the colon right behind the field name" },
  "not-a-field": {
    ...GRAMMAR,
    advice: "remove the line: a policy has fields only, no comments; names have 1 to 32 letters, " +
      "digits, '_', '-' and '.'",
  },
  "no-value": { ...GRAMMAR, advice: "add the value, or remove the line" },
  "bare-cr": { ...GRAMMAR, advice: "end lines with CRLF, or with LF" },
  "unprintable": { ...GRAMMAR, advice: "use printable UTF-8, without tabs inside a value" },

  "mx-address": { ...GRAMMAR, advice: "name the MX host: certificates are checked by name" },
  "mx-u-label": { ...GRAMMAR, advice: "write the name in A-labels (xn--…)" },
  "mx-wildcard": { ...GRAMMAR, advice: "a wildcard is *. before a host name, nothing else" },
  "mx-several": { ...GRAMMAR, advice: ONE_NAME },
  "mx-port": { ...GRAMMAR, advice: "remove the port: policies are about names" },
  "mx-invalid": { ...GRAMMAR, advice: ONE_NAME },
  "mx-final-dot": { ...GRAMMAR, advice: "remove the final dot" },
  "mx-upper-case": { ...NOTE, section: "4.1", advice: "write small letters; case does not count" },
  "mx-repeated": { ...NOTE, advice: "remove the repetition" },
  "mx-single-label": {
    ...NOTE,
    advice: "write the full name, unless the MX record has a single label",
  },
  "mx-wildcard-wide": {
    ...WARNING,
    section: "4.1",
    advice: "name the hosts: this covers every name below a top-level domain",
  },

  "duplicate-field": { ...WARNING, advice: "keep one of the lines" },
  "misspelt-field": { ...WARNING, advice: "correct the name, if that is what is meant" },
  "unknown-field": { ...NOTE, advice: "senders ignore it; remove it if nobody needs it" },
  "not-ascii": { ...NOTE, advice: "keep to ASCII: some senders refuse the policy otherwise" },
  "max-age-over-limit": { ...WARNING, advice: "write at most 31557600 (a year)" },
  "max-age-zero": { ...WARNING, advice: "write weeks (1209600): nobody keeps the policy as it is" },
  "max-age-short": { ...NOTE, advice: "use weeks (1209600): a short time helps attackers" },
} as const satisfies Record<string, LintRule>;

/** The name of a kind of finding. */
export type LintCode = keyof typeof LINT_RULES;
