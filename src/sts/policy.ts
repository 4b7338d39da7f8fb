/**
 * The policy file (RFC 8461 §3.2): parsed, printed, and quoted line by line.
 *
 * The parser follows the grammar to the letter where it decides what a policy says. It is lenient where
 * a harmless mistake would cost a domain its protection: it skips blank lines, malformed extension lines
 * and invalid `mx` lines (as long as one valid `mx` is left if the mode needs one), and it accepts a
 * final dot and upper case in `mx`. Only LF and CRLF end a line. A byte order mark or a bare CR is part
 * of its line and makes it invalid.
 *
 * @module
 */

import { parseMxPattern } from "./mx_pattern.ts";
import { trimWspEnd, trimWspStart } from "../base/white_space.ts";

/** What a sender does with hosts that fail the policy (RFC 8461 §5). */
export type PolicyMode = "enforce" | "testing" | "none";

/** A valid policy. */
export interface Policy {
  /** See {@link PolicyMode}. */
  readonly mode: PolicyMode;
  /** Patterns in lower case without repetitions, in the order published; may be empty only if `mode` is `none`. */
  readonly mx: readonly string[];
  /** How long the policy may be cached, in seconds; at most {@link MAX_AGE_LIMIT}. */
  readonly maxAge: number;
}

/** The longest `max_age`, in seconds: about a year (RFC 8461 §3.2). Larger values count as this one. */
export const MAX_AGE_LIMIT = 31557600;

/** A policy file as it was read: what it says, and which lines reports quote. */
export interface PolicyFile {
  /** The file, verbatim. */
  readonly text: string;
  /** What the file says. */
  readonly policy: Policy;
  /** See {@link policyStrings}; empty for a file with more than {@link QUOTED_MAX_LINES}. */
  readonly strings: readonly string[];
}

/**
 * The most lines of a file that are kept for reports. Each takes 24 octets or more when quoted, so a longer file
 * does not fit into a reply to Postfix (100,000 octets) and would only fill the memory.
 */
const QUOTED_MAX_LINES = 4200;

/** The largest policy file, in octets (RFC 8461 §3.3 suggests 64 KiB). */
export const POLICY_MAX_BYTES = 64 * 1024;

/** What can be wrong with a line, or with the value of a known field. */
export type LineProblem =
  | "the line is blank"
  | "the line begins with a byte order mark"
  | "the line begins with white space"
  | "there is white space before the colon"
  | "the line does not begin with a field name and a colon"
  | "the value is missing"
  | "there is a CR without LF, which ends no line"
  | "the value holds characters that do not print"
  | "version is not STSv1"
  | "mode is not enforce, testing or none"
  | "max_age is not a number of 1 to 10 digits"
  | "mx is not a host name or *. and one";

/** A line of a policy file. */
export interface PolicyLine {
  /** 1-based. */
  readonly number: number;
  /** The line as published, without its end and the white space that precedes the end. */
  readonly text: string;
  /** The field name as published; `""` if the line does not begin with a field name and a colon. */
  readonly key: string;
  /** What follows the colon and its white space; `""` if there is no `key`. */
  readonly value: string;
  /** The line is `name: value` in printable characters; the value may be wrong. */
  readonly wellFormed: boolean;
  /** What is wrong with the line, if anything. */
  readonly problem: LineProblem | undefined;
}

/** The text is no valid policy (`sts-policy-invalid`, RFC 8460 §4.3.2.2). The message never quotes it. */
export class PolicySyntaxError extends SyntaxError {
  /** The 1-based line at fault; 0 if the text as a whole is at fault. */
  readonly line: number;

  /** Creates the error for a line, or with line 0 for the text as a whole. */
  constructor(problem: string, line: number) {
    super(line === 0 ? problem : `line ${line}: ${problem}`);
    this.name = "PolicySyntaxError";
    this.line = line;
  }
}

const FIELD_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;

/** Control characters, and U+FFFD, which stands for octets that are not UTF-8. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\ufffd]/u;

const MODES: readonly string[] = ["enforce", "testing", "none"] satisfies PolicyMode[];

/**
 * Parses the text of a policy file (RFC 8461 §3.2).
 *
 * Of repeated fields other than `mx` the first counts, valid or not. Unknown fields are ignored.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const text = "version: STSv1\nmode: enforce\nmx: *.Mail.example\nmax_age: 86400\n";
 * assertEquals(parsePolicy(text), { mode: "enforce", mx: ["*.mail.example"], maxAge: 86400 });
 * ```
 * @param text The body as fetched, decoded without removing a byte order mark.
 * @throws {PolicySyntaxError} If the text is larger than {@link POLICY_MAX_BYTES}, if `version`,
 *   `mode` or `max_age` is missing or invalid, or if no valid `mx` is left and `mode` is not `none`.
 */
export function parsePolicy(text: string): Policy {
  return policyOf(splitPolicy(text));
}

/**
 * Reads a policy file once, for the answer and for reports (RFC 8461 §3.2, RFC 8460 §4.5).
 *
 * @param text As for {@link parsePolicy}.
 * @throws {PolicySyntaxError} As {@link parsePolicy}.
 */
export function readPolicyFile(text: string): PolicyFile {
  const lines = splitPolicy(text);
  const policy = policyOf(lines);
  return { text, policy, strings: lines.length > QUOTED_MAX_LINES ? [] : quotedOf(lines) };
}

/** What a policy takes in memory beside its text and its lines, octets. */
const POLICY_OVERHEAD_OCTETS = 400;

/** What a pattern or a quoted line takes, octets: most are a view of the text. */
const LINE_OVERHEAD_OCTETS = 40;

/**
 * About how many octets a policy takes in memory, rather too many than too few.
 *
 * A text with a single character beyond Latin-1 takes two octets for each of its characters.
 */
export function policyOctets({ text, policy, strings }: PolicyFile): number {
  const width = /[\u0100-\uffff]/.test(text) ? 2 : 1;
  const lines = policy.mx.length + strings.length;
  return POLICY_OVERHEAD_OCTETS + width * text.length + LINE_OVERHEAD_OCTETS * lines;
}

/**
 * When a policy expires (RFC 8461 §3.2).
 *
 * @param fetchedAt When it was fetched, ms.
 * @returns The time in ms; the policy is not used from this moment on.
 */
export function expiryOf({ maxAge }: Policy, fetchedAt: number): number {
  return fetchedAt + maxAge * 1000;
}

function splitPolicy(text: string): PolicyLine[] {
  if (isTooLarge(text)) throw new PolicySyntaxError("larger than 64 KiB", 0);
  return readPolicyLines(text);
}

function policyOf(lines: readonly PolicyLine[]): Policy {
  requireField(lines, "version");
  const mode = requireField(lines, "mode") as PolicyMode;
  const maxAge = Math.min(parseInt(requireField(lines, "max_age"), 10), MAX_AGE_LIMIT);
  const mx = new Set<string>();
  for (const { key, value } of lines) {
    const pattern = key === "mx" ? parseMxPattern(value) : undefined;
    if (pattern !== undefined) mx.add(pattern);
  }
  // This throws, because no `mx` is valid, and names the first one.
  if (mx.size === 0 && mode !== "none") requireField(lines, "mx");
  return { mode, mx: [...mx], maxAge };
}

/**
 * Prints a policy file with CRLF line ends (RFC 8461 §3.2).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const policy = { mode: "testing", mx: ["mx.example"], maxAge: 86400 } as const;
 * assertEquals(parsePolicy(formatPolicy(policy)), policy);
 * ```
 */
export function formatPolicy(policy: Policy): string {
  return [
    "version: STSv1",
    `mode: ${policy.mode}`,
    ...policy.mx.map((pattern) => `mx: ${pattern}`),
    `max_age: ${policy.maxAge}`,
    "",
  ].join("\r\n");
}

/**
 * The policy as reports quote it, one string for each field (RFC 8460 §4.5): the well-formed lines as
 * published, including errors in their values, without control characters and without white space at the end.
 * A tab can only be after the colon. It becomes a space.
 */
export function policyStrings(text: string): string[] {
  return quotedOf(readPolicyLines(text));
}

function quotedOf(lines: readonly PolicyLine[]): string[] {
  const fields = lines.filter((line) => line.wellFormed);
  return fields.map((line) => line.text.replaceAll("\t", " "));
}

/**
 * Splits a policy file into lines and judges each by itself (RFC 8461 §3.2). Never throws. The time it
 * takes is proportional to the length of the text.
 */
export function readPolicyLines(text: string): PolicyLine[] {
  const lines = text.split("\n");
  const rest = lines.pop() ?? "";
  const read = lines.map((line, index) =>
    readLine(line.endsWith("\r") ? line.slice(0, -1) : line, index + 1)
  );
  if (rest !== "") read.push(readLine(rest, lines.length + 1));
  return read;
}

function readLine(line: string, number: number): PolicyLine {
  const text = trimWspEnd(line);
  const name = text.slice(0, Math.max(0, text.indexOf(":")));
  const key = FIELD_NAME.test(name) ? name : "";
  const value = key === "" ? "" : trimWspStart(text.slice(name.length + 1));
  const wellFormed = value !== "" && !UNPRINTABLE.test(value);
  const problem = wellFormed ? valueProblem(key, value) : shapeProblem(text, key, value);
  return { number, text, key, value, wellFormed, problem };
}

function shapeProblem(text: string, key: string, value: string): LineProblem {
  if (text === "") return "the line is blank";
  if (text.startsWith("\ufeff")) return "the line begins with a byte order mark";
  if (/^[ \t]/.test(text)) return "the line begins with white space";
  if (/^[A-Za-z0-9_.-]+[ \t]+:/.test(text)) return "there is white space before the colon";
  if (key === "") return "the line does not begin with a field name and a colon";
  if (value === "") return "the value is missing";
  return value.includes("\r")
    ? "there is a CR without LF, which ends no line"
    : "the value holds characters that do not print";
}

function valueProblem(key: string, value: string): LineProblem | undefined {
  switch (key) {
    case "version":
      return value === "STSv1" ? undefined : "version is not STSv1";
    case "mode":
      return MODES.includes(value) ? undefined : "mode is not enforce, testing or none";
    case "max_age":
      return /^[0-9]{1,10}$/.test(value) ? undefined : "max_age is not a number of 1 to 10 digits";
    case "mx":
      return parseMxPattern(value) === undefined
        ? "mx is not a host name or *. and one"
        : undefined;
    default:
      return undefined;
  }
}

/**
 * The value of the first field of that name, which must be valid. If there is none, the likely culprit is
 * a malformed line with the name in it.
 */
function requireField(lines: readonly PolicyLine[], key: string): string {
  const line = lines.find((candidate) => candidate.key === key) ??
    lines.find((candidate) => candidate.key === "" && candidate.text.includes(key));
  if (line === undefined) throw new PolicySyntaxError(`${key} is missing`, 0);
  if (line.problem !== undefined) throw new PolicySyntaxError(line.problem, line.number);
  return line.value;
}

/** Whether the text has too many octets in UTF-8. A UTF-16 unit takes one to three of them. */
function isTooLarge(text: string): boolean {
  if (text.length * 3 <= POLICY_MAX_BYTES) return false;
  return text.length > POLICY_MAX_BYTES ||
    new TextEncoder().encode(text).length > POLICY_MAX_BYTES;
}
