/**
 * Reads a policy file strictly (RFC 8461 §3.2). It reports every departure from the grammar, and
 * whatever is valid but probably a mistake, line by line.
 *
 * It splits lines with the same code as `parsePolicy`, so the two cannot disagree: there is a diagnostic
 * of severity `error` exactly when `parsePolicy` refuses the text.
 *
 * @module
 */

import { toALabel } from "../sts/domain.ts";
import { parseMxPattern } from "../sts/mx_pattern.ts";
import { MAX_AGE_LIMIT, POLICY_MAX_BYTES, readPolicyLines } from "../sts/policy.ts";
import type { LineProblem, PolicyLine } from "../sts/policy.ts";
import { LINT_RULES } from "./lint_rules.ts";
import type { LintCode, LintSeverity } from "./lint_rules.ts";

/** One remark about a policy file. */
export interface Diagnostic {
  readonly code: LintCode;
  readonly severity: LintSeverity;
  /** 1-based; 0 for the file as a whole. */
  readonly line: number;
  /** What is wrong: a constant text, except for names of fields and A-labels. */
  readonly message: string;
  /** The line as it is, unchecked; absent for the file as a whole. */
  readonly text?: string;
}

/** What {@link lintPolicy} needs. */
export interface LintOptions {
  /** The candidate that a misspelt word probably stands for. */
  readonly suggest: (word: string, candidates: readonly string[]) => string | undefined;
}

/** A shorter `max_age` gets a note, seconds. RFC 8461 §3.2 expects weeks or more. */
const MAX_AGE_SHORT = 7 * 86400;

/** The fields of a policy, and the diagnostic when one is missing. */
const REQUIRED = [
  { field: "version", code: "missing-version" },
  { field: "mode", code: "missing-mode" },
  { field: "max_age", code: "missing-max-age" },
  { field: "mx", code: "missing-mx" },
] as const;

const FIELDS: readonly string[] = REQUIRED.map(({ field }) => field);

const PROBLEM_CODES: Readonly<Record<LineProblem, LintCode>> = {
  "the line is blank": "blank-line",
  "the line begins with a byte order mark": "byte-order-mark",
  "the line begins with white space": "leading-space",
  "there is white space before the colon": "space-before-colon",
  "the line does not begin with a field name and a colon": "not-a-field",
  "the value is missing": "no-value",
  "there is a CR without LF, which ends no line": "bare-cr",
  "the value holds characters that do not print": "unprintable",
  "version is not STSv1": "bad-version",
  "mode is not enforce, testing or none": "bad-mode",
  "max_age is not a number of 1 to 10 digits": "bad-max-age",
  "mx is not a host name or *. and one": "mx-invalid",
};

/** What is wrong with an invalid `mx` value; the first that fits. */
const MX_MISTAKES: readonly (readonly [RegExp, LintCode, string])[] = [
  [/^\[|^[0-9]+(?:\.[0-9]+){3}$|^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:/, "mx-address", "mx is an address"],
  [/[^\p{ASCII}]/u, "mx-u-label", "mx holds characters outside ASCII"],
  [/[ \t,;]/, "mx-several", "mx holds more than one word"],
  [/\*/, "mx-wildcard", "mx has a wildcard that is not the whole first label"],
  [/:[0-9]*$/, "mx-port", "mx has a port"],
];

/**
 * Reads a policy file strictly.
 *
 * @param text Decoded as UTF-8 without removing a byte order mark.
 * @returns The diagnostics in the order of their lines; empty if there are none.
 */
export function lintPolicy(text: string, options: LintOptions): Diagnostic[] {
  if (new TextEncoder().encode(text).length > POLICY_MAX_BYTES) {
    return [diagnostic("too-large", 0, "the file is larger than 64 KiB")];
  }
  const lines = readPolicyLines(text);
  const firsts = new Map<string, PolicyLine>();
  for (const line of lines) {
    if (!firsts.has(identity(line))) firsts.set(identity(line), line);
  }
  const removal = firsts.get("mode")?.value === "none";
  const diagnostics = lines.flatMap((line) => {
    const first = firsts.get(identity(line));
    if (line.problem !== undefined) {
      return [lintProblem(line, line.problem), ...lintRepetition(line, first)];
    }
    if (!FIELDS.includes(line.key)) return lintUnknown(line, options);
    if (line.key === "mx") return [...lintRepetition(line, first), ...lintMx(line)];
    if (first !== line) return lintRepetition(line, first);
    return line.key === "max_age" ? lintMaxAge(line, removal) : [];
  });
  return lintWhole(lines, diagnostics).sort((one, other) => one.line - other.line);
}

/** Whether a reader that follows RFC 8461 gets a policy from the file. */
export function isUsable(diagnostics: readonly Diagnostic[]): boolean {
  return !diagnostics.some(({ severity }) => severity === "error");
}

/** A diagnostic in one line: where, and what. */
export function formatDiagnostic({ line, message }: Diagnostic): string {
  return line === 0 ? message : `line ${line}: ${message}`;
}

function diagnostic(code: LintCode, at: PolicyLine | 0, message: string): Diagnostic {
  const { severity } = LINT_RULES[code];
  return at === 0
    ? { code, severity, line: 0, message }
    : { code, severity, line: at.number, message, text: at.text };
}

/** Lines with the same identity repeat each other: the name of a field, or the host of an `mx` line. */
function identity({ key, value }: PolicyLine): string {
  return key === "mx" ? `mx ${parseMxPattern(value) ?? value}` : key;
}

function lintProblem(line: PolicyLine, problem: LineProblem): Diagnostic {
  return problem === "mx is not a host name or *. and one"
    ? lintInvalidMx(line)
    : diagnostic(PROBLEM_CODES[problem], line, problem);
}

function lintUnknown(line: PolicyLine, { suggest }: LintOptions): Diagnostic[] {
  const { key, value } = line;
  const meant = suggest(key, FIELDS);
  const found = [
    meant === undefined
      ? diagnostic("unknown-field", line, `'${key}' is not a field of a policy`)
      : diagnostic("misspelt-field", line, `'${key}' is not a field of a policy; '${meant}' is`),
  ];
  if (/[^\p{ASCII}]/u.test(value)) {
    found.push(diagnostic("not-ascii", line, "the value holds characters outside ASCII"));
  }
  return found;
}

function lintInvalidMx(line: PolicyLine): Diagnostic {
  for (const [form, code, message] of MX_MISTAKES) {
    if (!form.test(line.value)) continue;
    const name = code === "mx-u-label" ? toALabel(line.value) : undefined;
    return diagnostic(code, line, name === undefined ? message : `${message}: it is '${name}'`);
  }
  return diagnostic("mx-invalid", line, "mx is not a host name");
}

function lintRepetition(line: PolicyLine, first: PolicyLine | undefined): Diagnostic[] {
  if (first === undefined || first === line || !FIELDS.includes(line.key)) return [];
  return line.key === "mx"
    ? [diagnostic("mx-repeated", line, `mx names the host of line ${first.number} again`)]
    : [diagnostic("duplicate-field", line, `${line.key} is already in line ${first.number}`)];
}

function lintMaxAge(line: PolicyLine, removal: boolean): Diagnostic[] {
  const seconds = parseInt(line.value, 10);
  if (seconds > MAX_AGE_LIMIT) {
    return [diagnostic("max-age-over-limit", line, "max_age is more than 31557600")];
  }
  // A policy that is being withdrawn has a short max_age (RFC 8461 §8.3).
  if (removal || seconds >= MAX_AGE_SHORT) return [];
  return seconds === 0
    ? [diagnostic("max-age-zero", line, "max_age is 0")]
    : [diagnostic("max-age-short", line, "max_age is less than a week")];
}

function lintMx(line: PolicyLine): Diagnostic[] {
  const { value } = line;
  const found: Diagnostic[] = [];
  if (value.endsWith(".")) found.push(diagnostic("mx-final-dot", line, "mx ends with a dot"));
  if (/[A-Z]/.test(value)) found.push(diagnostic("mx-upper-case", line, "mx has capital letters"));
  const labels = (parseMxPattern(value) ?? "").split(".");
  if (labels.length === 1) {
    found.push(diagnostic("mx-single-label", line, "mx has a single label"));
  }
  if (labels.length === 2 && labels[0] === "*") {
    found.push(
      diagnostic("mx-wildcard-wide", line, "mx is a wildcard over a whole top-level domain"),
    );
  }
  return found;
}

/** Turns the diagnostics that cost the policy into errors, and adds those for missing fields. */
function lintWhole(lines: readonly PolicyLine[], diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const malformed = lines.filter((line) => line.problem !== undefined);
  const fatal = new Set<number>();
  const missing: Diagnostic[] = [];
  for (const { field, code } of REQUIRED) {
    const found = lines.filter((line) => line.key === field);
    // Any valid `mx` line will do. Of the other fields, the first line counts.
    const counting = field === "mx" ? found : found.slice(0, 1);
    if (counting.some((line) => line.problem === undefined)) continue;
    const mode = lines.find((line) => line.key === "mode");
    if (field === "mx" && mode?.value === "none") continue;
    // If there is none, a malformed line that contains the name is the likely culprit.
    const culprits = counting.length > 0
      ? counting
      : malformed.filter((line) => line.text.includes(field));
    if (culprits.length === 0) missing.push(diagnostic(code, 0, `${field} is missing`));
    for (const { number } of culprits) fatal.add(number);
  }
  return [
    ...missing,
    ...diagnostics.map((found): Diagnostic =>
      fatal.has(found.line) && found.code !== "duplicate-field"
        ? { ...found, severity: "error" }
        : found
    ),
  ];
}
