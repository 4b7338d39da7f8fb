/**
 * What senders make of a policy file with mistakes, with a table of rules for each family of senders.
 *
 * The rows record how the parsers of these programs behaved on policies with one mistake each. A mistake
 * that was not tried has the acceptance `unknown`. The table says nothing about what a sender does with
 * a policy after reading it.
 *
 * @module
 */

import type { Diagnostic } from "./lint.ts";
import { LINT_RULES } from "./lint_rules.ts";
import type { LintCode } from "./lint_rules.ts";

/** From good to bad: applied as meant, read differently, not known, refused. */
export type Acceptance = "applies" | "differs" | "unknown" | "refuses";

/** What a family makes of a policy file. */
export interface SenderView {
  readonly sender: string;
  readonly acceptance: Acceptance;
  /** The reasons, with the lines that cause them; empty if the sender applies the policy as meant. */
  readonly reasons: readonly { readonly why: string; readonly lines: readonly number[] }[];
}

/** What a family makes of one mistake. */
interface Reaction {
  readonly acceptance: Acceptance;
  readonly why: string;
}

interface Family {
  readonly sender: string;
  /** Reactions to single mistakes. */
  readonly rules: Partial<Readonly<Record<LintCode, Reaction>>>;
  /** The reaction to other diagnostics of severity `warning`. */
  readonly otherwise: Reaction;
}

const ACCEPTANCES: readonly Acceptance[] = ["applies", "differs", "unknown", "refuses"];

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

const APPLIES: Reaction = { acceptance: "applies", why: "" };
const INVALID: Reaction = { acceptance: "refuses", why: "it holds no valid policy" };
const STRICT_LINE: Reaction = {
  acceptance: "refuses",
  why: "a malformed line costs the whole policy",
};
const UNCHECKED_MX: Reaction = { acceptance: "differs", why: "mx values go to Postfix unchecked" };
const NOT_ASCII: Reaction = {
  acceptance: "refuses",
  why: "octets outside ASCII cost the whole policy unless the server names a charset",
};
const LETTER: Reaction = { acceptance: "refuses", why: "the grammar forbids it" };

/** The same reaction to several mistakes. */
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
      "no-value": { acceptance: "unknown", why: "an empty mx goes to Postfix unchecked" },
      "unprintable": { acceptance: "unknown", why: "some control characters end a line" },
      "bad-max-age": {
        acceptance: "unknown",
        why: "it reads numbers as Python does: +5 and 86_400 are valid",
      },
      "duplicate-field": { acceptance: "differs", why: "the last of repeated fields counts" },
      "max-age-over-limit": { acceptance: "refuses", why: "max_age is above the limit" },
    },
    otherwise: APPLIES,
  },
  {
    sender: "postfix-tlspol",
    rules: {
      ...to([...EXTENSION_CODES, "blank-line", "bare-cr", "byte-order-mark"], STRICT_LINE),
      ...to(MX_CODES, { acceptance: "refuses", why: "one invalid mx costs the whole policy" }),
      "mx-final-dot": {
        acceptance: "differs",
        why: "it keeps the final dot, so mail cannot be delivered",
      },
      "max-age-zero": { acceptance: "differs", why: "it never enforces the policy" },
    },
    otherwise: APPLIES,
  },
  {
    sender: "mox",
    rules: {
      ...to([...EXTENSION_CODES, "bare-cr", "byte-order-mark"], STRICT_LINE),
      "duplicate-field": {
        acceptance: "unknown",
        why: "which of the repeated fields counts depends on the field",
      },
      "max-age-over-limit": APPLIES,
      "misspelt-field": APPLIES,
      "mx-wildcard-wide": APPLIES,
    },
    otherwise: { acceptance: "unknown", why: "this mistake was not tried" },
  },
  {
    sender: "strict reader (grammar to the letter)",
    rules: {
      ...to(
        (Object.keys(LINT_RULES) as LintCode[]).filter((code) => LINT_RULES[code].grammar),
        LETTER,
      ),
      "mx-address": { acceptance: "unknown", why: "to the grammar, four numbers are a name" },
      "max-age-over-limit": {
        acceptance: "unknown",
        why: "RFC 8461 does not say what senders must do",
      },
    },
    otherwise: APPLIES,
  },
];

/**
 * Says what each family of senders makes of a policy file.
 *
 * @param diagnostics All diagnostics of the file.
 * @returns One view for each family, our own first.
 */
export function judgeSenders(diagnostics: readonly Diagnostic[]): SenderView[] {
  return FAMILIES.map((family) => {
    const reactions = diagnostics.map((found) => ({
      line: found.line,
      ...reactionTo(found, family),
    }));
    const acceptance = ACCEPTANCES.findLast((candidate) =>
      reactions.some((reaction) =>
        reaction.acceptance === candidate
      )
    ) ?? "applies";
    const telling = acceptance === "applies" ? [] : reactions.filter((reaction) => {
      return reaction.acceptance === acceptance;
    });
    const reasons = [...Map.groupBy(telling, ({ why }) => why)]
      .map(([why, group]) => ({ why, lines: group.map(({ line }) => line) }));
    return { sender: family.sender, acceptance, reasons };
  });
}

function reactionTo({ code, severity }: Diagnostic, { rules, otherwise }: Family): Reaction {
  const rule = rules[code];
  if (rule !== undefined) return rule;
  if (severity === "error") return INVALID;
  return severity === "warning" ? otherwise : APPLIES;
}
