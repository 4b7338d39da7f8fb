/**
 * What senders make of a policy file with mistakes, each family by a table of rules.
 *
 * The rows say what was seen when the parsers of these programs were run on policies with one
 * mistake each; where nothing was seen the verdict is `unknown`. Nothing is said about other
 * rules of a family, such as what it does with a policy once it is read.
 *
 * @module
 */

import type { LintFinding } from "./lint.ts";
import { LINT_RULES } from "./lint_rules.ts";
import type { LintCode } from "./lint_rules.ts";

/** From good to bad: applied as meant, read differently, not known, no policy at all. */
export type Verdict = "applies" | "differs" | "unknown" | "refuses";

/** What a family makes of a policy file. */
export interface SenderView {
  readonly sender: string;
  readonly verdict: Verdict;
  /** What the verdict rests on, with the lines that cause it; empty if it applies the policy as it is meant. */
  readonly reasons: readonly { readonly why: string; readonly lines: readonly number[] }[];
}

/** What a family does about one finding. */
interface Reaction {
  readonly verdict: Verdict;
  readonly why: string;
}

interface Family {
  readonly sender: string;
  /** Reactions to single kinds of findings. */
  readonly rules: Partial<Readonly<Record<LintCode, Reaction>>>;
  /** The reaction to other findings of severity `warning`. */
  readonly otherwise: Reaction;
}

const VERDICTS: readonly Verdict[] = ["applies", "differs", "unknown", "refuses"];

const MX_CODES = [
  "mx-address",
  "mx-u-label",
  "mx-wildcard",
  "mx-several",
  "mx-port",
  "mx-invalid",
] as const satisfies readonly LintCode[];

const EXTENSION_CODES = [
  "leading-space",
  "space-before-colon",
  "not-a-field",
  "no-value",
  "unprintable",
] as const satisfies readonly LintCode[];

const APPLIES: Reaction = { verdict: "applies", why: "" };
const INVALID: Reaction = { verdict: "refuses", why: "there is no valid policy in it" };
const STRICT_LINE: Reaction = {
  verdict: "refuses",
  why: "a malformed line costs the whole policy",
};
const UNCHECKED_MX: Reaction = { verdict: "differs", why: "mx values go to Postfix unchecked" };
const NOT_ASCII: Reaction = {
  verdict: "refuses",
  why: "octets outside ASCII cost the whole policy, unless the server names a charset",
};
const LETTER: Reaction = { verdict: "refuses", why: "the grammar does not allow it" };

/** The same reaction to several kinds of findings. */
function to(codes: readonly LintCode[], reaction: Reaction): Family["rules"] {
  return Object.fromEntries(codes.map((code) => [code, reaction]));
}

const FAMILIES: readonly Family[] = [
  { sender: "mta-sts-resolver", rules: {}, otherwise: APPLIES },
  {
    sender: "postfix-mta-sts-resolver",
    rules: {
      ...to(MX_CODES, UNCHECKED_MX),
      "mx-final-dot": UNCHECKED_MX,
      "mx-u-label": NOT_ASCII,
      "not-ascii": NOT_ASCII,
      "byte-order-mark": NOT_ASCII,
      "bare-cr": APPLIES,
      "no-value": { verdict: "unknown", why: "an empty mx goes to Postfix unchecked" },
      "unprintable": { verdict: "unknown", why: "some control characters end a line" },
      "bad-max-age": {
        verdict: "unknown",
        why: "it takes numbers as Python does: +5 and 86_400 are valid",
      },
      "duplicate-field": { verdict: "differs", why: "of repeated fields the last counts" },
      "max-age-over-limit": { verdict: "refuses", why: "max_age is above the limit" },
    },
    otherwise: APPLIES,
  },
  {
    sender: "postfix-tlspol",
    rules: {
      ...to([...EXTENSION_CODES, "blank-line", "bare-cr", "byte-order-mark"], STRICT_LINE),
      ...to(MX_CODES, { verdict: "refuses", why: "one invalid mx costs the whole policy" }),
      "mx-final-dot": {
        verdict: "differs",
        why: "it keeps the final dot, and mail cannot be delivered",
      },
      "max-age-zero": { verdict: "differs", why: "it never enforces the policy" },
    },
    otherwise: APPLIES,
  },
  {
    sender: "mox",
    rules: {
      ...to([...EXTENSION_CODES, "bare-cr", "byte-order-mark"], STRICT_LINE),
      "duplicate-field": {
        verdict: "unknown",
        why: "which of repeated fields counts depends on the field",
      },
      "max-age-over-limit": APPLIES,
      "misspelt-field": APPLIES,
      "mx-wildcard-wide": APPLIES,
    },
    otherwise: { verdict: "unknown", why: "it was not tried" },
  },
  {
    sender: "strict reader (grammar to the letter)",
    rules: {
      ...to(
        (Object.keys(LINT_RULES) as LintCode[]).filter((code) => LINT_RULES[code].grammar),
        LETTER,
      ),
      "mx-address": { verdict: "unknown", why: "the grammar takes four numbers for a name" },
      "max-age-over-limit": { verdict: "unknown", why: "RFC 8461 does not say what becomes of it" },
    },
    otherwise: APPLIES,
  },
];

/**
 * Says what each family makes of a policy file.
 *
 * @param findings All findings of the file.
 * @returns One view a family, our own first.
 */
export function judgeSenders(findings: readonly LintFinding[]): SenderView[] {
  return FAMILIES.map((family) => {
    const reactions = findings.map((found) => ({ line: found.line, ...reactionTo(found, family) }));
    const verdict = VERDICTS.findLast((candidate) =>
      reactions.some((reaction) =>
        reaction.verdict === candidate
      )
    ) ?? "applies";
    const telling = verdict === "applies" ? [] : reactions.filter((reaction) => {
      return reaction.verdict === verdict;
    });
    const reasons = [...Map.groupBy(telling, ({ why }) => why)]
      .map(([why, group]) => ({ why, lines: group.map(({ line }) => line) }));
    return { sender: family.sender, verdict, reasons };
  });
}

function reactionTo({ code, severity }: LintFinding, { rules, otherwise }: Family): Reaction {
  const rule = rules[code];
  if (rule !== undefined) return rule;
  if (severity === "error") return INVALID;
  return severity === "warning" ? otherwise : APPLIES;
}
