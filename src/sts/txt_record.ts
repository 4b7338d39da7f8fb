/**
 * The TXT record at `_mta-sts.<domain>` (RFC 8461 §3.1): which of several counts, and its `id`.
 *
 * The version at the start follows the grammar: `v=STSv1` with optional white space before the
 * semicolon. The prose of the same section wants exactly `v=STSv1;`, but whoever publishes a
 * record that satisfies the grammar means MTA-STS. What a record means for a held policy is
 * decided in `src/resolver`.
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "../base/white_space.ts";

/** Which of a name's TXT records counts, or why none does (RFC 8461 §3.1). */
export type TxtSelection =
  | {
    readonly kind: "found";
    /** 1 to 32 letters and digits. Compare it for equality only. */
    readonly id: string;
  }
  | {
    readonly kind: "none";
    /**
     * - `absent`: no record is for MTA-STS.
     * - `several`: more than one record is for MTA-STS, so none counts.
     * - `invalid`: the only record for MTA-STS has a mistake.
     */
    readonly reason: "absent" | "several" | "invalid";
    /** What is wrong, for a postmaster; one of a set of constant texts. */
    readonly detail: string;
  };

const CANDIDATE = /^v=STSv1[ \t]*;/;
const ID = /^[A-Za-z0-9]{1,32}$/;
const EXTENSION = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+$/;

const QUOTES = "the record holds quotation marks, which belong to the zone file only";
const BACKSLASH = "the record holds a backslash, which belongs to the zone file only";
const SPACED_ID = "there is white space around id=";

/** How a record begins that is meant for MTA-STS but does not count, and its mistake. The first match counts. */
const NEAR_MISSES: readonly (readonly [RegExp, string])[] = [
  [/^[ \t]*"+[ \t]*v[ \t]*=[ \t]*STSv1/i, QUOTES],
  [/^v=STSv1[ \t]*\\/, BACKSLASH],
  [/^v=STSv1[ \t]*$/, "the record ends after v=STSv1: the id is missing"],
  [/^v=STSv1[^0-9A-Za-z]/, "there is no semicolon after v=STSv1"],
  [/^[ \t]+v=STSv1(?![0-9A-Za-z])/, "the record begins with white space"],
  [/^[ \t]*v[ \t]*=[ \t]*STSv1(?![0-9A-Za-z])/, "there is white space around v="],
  [/^[ \t]*v[ \t]*=[ \t]*STSv1(?![0-9A-Za-z])/i, "v=STSv1 is not in its exact case"],
];

/**
 * Selects the record that counts and reads its `id` (RFC 8461 §3.1).
 *
 * Of repeated `id` fields the first counts. Unknown fields are ignored.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const records = ["v=spf1 -all", "v=STSv1; id=20260101T000000;"];
 * assertEquals(selectTxtRecord(records), { kind: "found", id: "20260101T000000" });
 * ```
 * @param records The TXT records of the name, each with its character-strings joined and one
 *   char per octet.
 */
export function selectTxtRecord(records: readonly string[]): TxtSelection {
  const [record, ...others] = records.filter((text) => CANDIDATE.test(text));
  if (others.length > 0) {
    return none("several", "more than one TXT record begins with v=STSv1;");
  }
  return record === undefined ? explainAbsence(records) : readRecord(record);
}

/**
 * Prints the record for an `id` (RFC 8461 §3.1).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatTxtRecord("20260101"), "v=STSv1; id=20260101;");
 * ```
 * @throws {RangeError} If `id` is not 1 to 32 letters and digits.
 */
export function formatTxtRecord(id: string): string {
  if (!ID.test(id)) {
    throw new RangeError("Cannot format TXT record: id is not 1 to 32 letters and digits");
  }
  return `v=STSv1; id=${id};`;
}

function none(reason: "absent" | "several" | "invalid", detail: string): TxtSelection {
  return { kind: "none", reason, detail };
}

function explainAbsence(records: readonly string[]): TxtSelection {
  for (const record of records) {
    const miss = NEAR_MISSES.find(([form]) => form.test(record));
    if (miss !== undefined) return none("invalid", miss[1]);
  }
  return none("absent", "no TXT record begins with v=STSv1;");
}

function readRecord(record: string): TxtSelection {
  if (!/^[\t\x20-\x7e]*$/.test(record)) {
    return none("invalid", "the record holds characters other than printable ASCII");
  }
  const [, ...fields] = record.split(";");
  const last = trimWspStart(fields.pop() ?? "");
  // White space is allowed around a semicolon only, so not at the end of a record without a final one.
  const trimmed = fields.map((field) => trimWspStart(trimWspEnd(field)));
  if (last !== "") trimmed.push(last);

  let id: string | undefined;
  for (const field of trimmed) {
    const problem = fieldProblem(field, id === undefined);
    if (problem !== undefined) return none("invalid", problem);
    if (id === undefined && field.startsWith("id=")) id = field.slice(3);
  }
  return id === undefined ? none("invalid", "the id is missing") : { kind: "found", id };
}

/** What is wrong with a field, if anything. Only the first `id` must be valid. */
function fieldProblem(field: string, idWanted: boolean): string | undefined {
  if (idWanted && field.startsWith("id=")) return idProblem(field.slice(3));
  if (EXTENSION.test(field)) return undefined;
  if (field === "") return "there is nothing between two semicolons";
  if (/^id[ \t]+=/.test(field)) return SPACED_ID;
  return field.includes('"') ? QUOTES : "a field is not name=value without spaces";
}

function idProblem(id: string): string | undefined {
  if (ID.test(id)) return undefined;
  if (id === "") return "the id is empty";
  if (id.includes('"')) return QUOTES;
  if (id.includes("\\")) return BACKSLASH;
  if (/^[ \t]/.test(id)) return SPACED_ID;
  if (/[ \t]/.test(id)) return "there is white space after the id, without a semicolon";
  if (id.includes("-")) return "the id holds a hyphen; only letters and digits are allowed";
  return /^[A-Za-z0-9]*$/.test(id)
    ? "the id is longer than 32 characters"
    : "the id holds characters other than letters and digits";
}
