/**
 * Stores a report once, however often and whichever way it comes.
 *
 * Reports of one submitter with the same report-id, begin and policy domain are one report. If their contents differ,
 * all are kept and marked, and one counts: a signed one before an unsigned one, so that guessing an id is not enough to
 * replace what a sender has signed; then the one with more failed sessions, with more sessions, with the greater hash.
 * So what counts does not depend on the order in which they come, and no later version hides a failure.
 *
 * @module
 */

import { countArrival } from "./arrival_load.ts";
import { dayNumber } from "./days.ts";
import type { ReceivedDb, WordUse } from "./received_db.ts";
import { wayCode } from "./codes.ts";
import { boundProblems, type PartProblem, partsOf, type ReportPart } from "./report_part.ts";
import { numberOf } from "./rows.ts";
import * as sql from "./statements.ts";
import type { AdmittedReport, Keeping } from "./types.ts";

/**
 * Failures that are kept apart for a domain, day and submitter; beyond, one row a result for each report. All unsigned
 * reports about a domain and day have as many together, and beyond none: submitters can be made up.
 */
export const MAX_DAY_PROBLEMS = 300;

/** Failures of an unsigned report that are kept apart. Real ones have one to three. */
export const MAX_UNSIGNED_PROBLEMS = 10;

/**
 * The largest body that is kept, octets of gzip. Reports have 0.5 to 5 KB; the largest that is read has 1 MiB, and a
 * sender may send a thousand a day. Counts are kept in any case.
 */
export const BODY_MAX_OCTETS: number = 64 * 1024;

/** The same for an unsigned report: those of a month take a third of the room for bodies at most. */
export const UNSIGNED_BODY_MAX_OCTETS: number = 8 * 1024;

/** UTF-16 units kept of names, ids and addresses. */
const TEXT_MAX_CHARS = 255;

/** Keeps a report. To be called within a transaction. */
export function keepReport(file: ReceivedDb, report: AdmittedReport): Keeping {
  const addition = prepare(file, report);
  if (addition === undefined) return "full";
  let bodyOf: number | undefined;
  const keepings = new Set<Keeping>();
  for (const part of partsOf(report)) {
    const { keeping, row } = keepPart(file, { ...addition, part, bodyOf });
    keepings.add(keeping);
    bodyOf ??= row;
  }
  // Now the domains have ids.
  countArrival(file, addition);
  return (["full", "kept", "changed"] as const).find((one) => keepings.has(one)) ?? "duplicate";
}

/** What the parts of a report have in common. */
interface Addition {
  readonly report: AdmittedReport;
  /** The id of the submitter. */
  readonly submitter: number;
  /** The last day on which words of this report are needed. */
  readonly wordDay: number;
  readonly signed: 0 | 1;
  /** Only what is there may be counted. */
  readonly isFull: boolean;
}

interface PartAddition extends Addition {
  readonly part: ReportPart;
  /** The row that has the body already. */
  readonly bodyOf: number | undefined;
}

/** @returns `undefined` if the submitter is new, and there is no room for it. */
function prepare(file: ReceivedDb, report: AdmittedReport): Addition | undefined {
  const { submitter: name, authentication, receivedAt, range } = report;
  const isFull = file.isFull();
  const wordDay = Math.max(dayNumber(receivedAt), dayNumber(range.begin) + 1);
  const use = authentication === "dkim" ? "name" : "unsigned-name";
  const submitter = isFull ? file.findWord(name) : file.useWord(name, { day: wordDay, use });
  if (submitter === undefined) return undefined;
  return { report, submitter, wordDay, signed: authentication === "dkim" ? 1 : 0, isFull };
}

/** The rows of a report, as its key finds them. */
type Key = [domain: number, first: number, last: number, submitter: number, key: number];

/** @returns Also the row that was added to the kept reports, if one was. */
function keepPart(
  file: ReceivedDb,
  addition: PartAddition,
): { readonly keeping: Keeping; readonly row?: number | undefined } {
  const { part, submitter, wordDay, isFull, signed } = addition;
  const domain = isFull ? file.findWord(part.domain) : file.useWord(part.domain, { day: wordDay });
  if (domain === undefined) return { keeping: "full" };
  const key: Key = [domain, ...part.days, submitter, part.key];
  const counted = file.one(sql.FIND_COUNTED, ...key);
  if (counted === undefined) {
    if (isFull) return { keeping: "full" };
    countPart(file, addition, domain);
    return { keeping: "kept", row: addReport(file, addition, { domain, changed: false }) };
  }
  const twin = file.all(sql.FIND_REPORTS, ...key).find(({ content }) => content === part.content);
  if (twin !== undefined && signed === 1) file.change(sql.SIGN_REPORT, numberOf(twin.id));
  if (counts({ ...part.sums, content: part.content, signed }, counted)) {
    file.change(sql.DROP_OUTCOMES, ...key);
    file.change(sql.DROP_PROBLEMS, ...key);
    countPart(file, addition, domain);
  }
  if (twin !== undefined || counted.content === part.content) return { keeping: "duplicate" };
  file.change(sql.MARK_CHANGED, ...key);
  const row = isFull ? undefined : addReport(file, addition, { domain, changed: true });
  return { keeping: "changed", row };
}

/** Whether a version counts rather than the one that does. */
function counts(one: Record<string, unknown>, other: Record<string, unknown>): boolean {
  for (const property of ["signed", "failed", "ok", "content"]) {
    const difference = numberOf(one[property]) - numberOf(other[property]);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function countPart(
  file: ReceivedDb,
  { part, submitter, signed, wordDay }: PartAddition,
  domain: number,
): void {
  const { day, key, content, outcomes } = part;
  const head = [domain, day, submitter, key] as const;
  for (const { policy, ok, failed } of outcomes) {
    file.change(sql.ADD_OUTCOME, ...head, policy, signed, content, ok, failed);
  }
  // Where there is no room for a word, the failure is kept without it.
  const word = (text: string) =>
    text === "" ? 0 : file.useWord(text, { day: wordDay, use: detailUse(signed) }) ?? 0;
  for (const problem of roomFor(file, { part, submitter, signed, domain })) {
    const { result, mx, reason, network, count } = problem;
    file.change(sql.ADD_PROBLEM, ...head, result, word(mx), word(reason), network, signed, count);
  }
}

/** The failures that are kept of a report. */
function roomFor(
  file: ReceivedDb,
  { part: { day, problems }, submitter, signed, domain }:
    & Pick<PartAddition, "part" | "submitter" | "signed">
    & { readonly domain: number },
): readonly PartProblem[] {
  const count = (text: string, ...values: number[]) =>
    numberOf(file.one(text, domain, day, ...values, MAX_DAY_PROBLEMS)?.count);
  if (signed === 1) {
    return boundProblems(problems, MAX_DAY_PROBLEMS - count(sql.COUNT_PROBLEMS, submitter));
  }
  const isOver = count(sql.COUNT_UNSIGNED_PROBLEMS) >= MAX_DAY_PROBLEMS;
  return isOver ? [] : boundProblems(problems, MAX_UNSIGNED_PROBLEMS);
}

function detailUse(signed: 0 | 1): WordUse {
  return signed === 1 ? "detail" : "unsigned-detail";
}

/** @returns The id of the row. */
function addReport(
  file: ReceivedDb,
  { report, part, submitter, signed, bodyOf, wordDay }: PartAddition,
  { domain, changed }: { readonly domain: number; readonly changed: boolean },
): number | undefined {
  const { range, organization, contact, deviations, gzip, way, receivedAt, reportId } = report;
  const word = (text = "") =>
    text === "" ? null : file.useWord(text, { day: wordDay, use: detailUse(signed) }) ?? null;
  const most = signed === 1 ? BODY_MAX_OCTETS : UNSIGNED_BODY_MAX_OCTETS;
  const isKept = bodyOf === undefined && gzip.length <= most && file.hasRoomForBodies();
  const added = file.change(
    sql.ADD_REPORT,
    ...[domain, part.day, submitter, part.key, part.content, signed, changed ? 1 : 0],
    ...[wayCode(way), receivedAt, range.begin, range.end],
    ...[word(cut(organization)), word(cut(contact))],
    ...[
      word(deviations.map(({ code }) => code).join(" ")),
      cut(reportId),
      bodyOf ?? null,
      isKept ? gzip : null,
    ],
  );
  return added === 0 ? undefined : numberOf(file.one(sql.LAST_ID)?.id);
}

/** Without NUL, which ends a text in SQLite. */
function cut(text = ""): string {
  return text.slice(0, TEXT_MAX_CHARS).replaceAll("\0", "?");
}
