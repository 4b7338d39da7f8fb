/**
 * Copies whatever can be read of a file of received reports into another one, after the file was damaged, removed or
 * replaced while in use. A year of counts cannot be requested again.
 *
 * @module
 */

import { type AnyRow, salvageRows } from "../sqlite/salvage.ts";
import type { ReceivedDb, Value } from "./received_db.ts";
import { numberOf } from "./rows.ts";
import * as sql from "./statements.ts";

/** Rows read at once. */
const ROWS = 100;

const OUTCOME_KEY = ["domain", "day", "submitter", "key", "policy"];
const PROBLEM_KEY = ["domain", "day", "submitter", "key", "result", "mx", "reason", "network"];

/** Columns of a report behind the domain; those of `word` ids are translated. */
const REPORT_COLUMNS = [
  ...["domain", "day", "submitter", "key", "content", "signed", "changed", "way", "received_at"],
  ...["range_begin", "range_end", "organization", "contact", "deviations", "report_id"],
];

/**
 * Copies what can be read. To be called within a transaction of `fresh`. A report that `fresh` has already stays as it
 * is there.
 *
 * @returns How many rows of counts.
 * @throws {Error} What `fresh` throws.
 */
export function takeOver(old: ReceivedDb, fresh: ReceivedDb): number {
  const words = copyWords(old, fresh);
  const idOf = (id: Value) => typeof id === "number" ? words.get(id) : undefined;
  const isTaken = takenKeys(fresh);
  let copied = 0;
  const head = (row: AnyRow) => {
    const domain = idOf(row.domain as Value);
    const submitter = idOf(row.submitter as Value);
    if (domain === undefined || submitter === undefined) return undefined;
    const key = [domain, row.day, submitter, row.key] as [number, number, number, number];
    return isTaken(key) ? undefined : key;
  };
  const text = (id: unknown) => idOf(id as Value) ?? 0;
  for (const row of walk(old, { table: "outcome", key: OUTCOME_KEY })) {
    const key = head(row);
    const { policy, signed, content, ok, failed } = row as Record<string, Value>;
    if (key === undefined || content === undefined) continue;
    copied += fresh.change(sql.ADD_OUTCOME, ...key, policy!, signed!, content, ok!, failed!);
  }
  for (const row of walk(old, { table: "problem", key: PROBLEM_KEY })) {
    const key = head(row);
    const { result, network, signed, count } = row as Record<string, Value>;
    if (key === undefined) continue;
    const names = [text(row.mx), text(row.reason), network!, signed!, count!] as const;
    fresh.change(sql.COPY_PROBLEM, ...key, result!, ...names);
  }
  copyReports(old, { fresh, head, text });
  return copied;
}

/** @returns The new ids by the old ones. */
function copyWords(old: ReceivedDb, fresh: ReceivedDb): Map<number, number> {
  const words = new Map<number, number>();
  const all = (text: string, ...values: unknown[]) => old.all(text, ...values as Value[]);
  for (
    const { rowid: id, text, day, sender } of salvageRows(
      all,
      "SELECT id AS rowid, text, day, sender FROM word",
    )
  ) {
    if (typeof text !== "string") continue;
    const copy = fresh.useWord(text, { day: numberOf(day) });
    if (copy === undefined) continue;
    words.set(numberOf(id), copy);
    if (sender === 1) fresh.change(sql.MARK_SENDER, copy);
  }
  return words;
}

/** Tells which reports `fresh` had before. */
function takenKeys(fresh: ReceivedDb): (key: readonly number[]) => boolean {
  const isEmpty = fresh.one("SELECT 1 FROM outcome LIMIT 1") === undefined;
  if (isEmpty) return () => false;
  const taken = new Set<string>();
  for (const row of walk(fresh, { table: "outcome", key: OUTCOME_KEY })) {
    taken.add([row.domain, row.day, row.submitter, row.key].join(" "));
  }
  return (key) => taken.has(key.join(" "));
}

/** The rows of a table without row ids, from both ends as far as no damage is met. */
function* walk(
  file: ReceivedDb,
  { table, key }: { readonly table: string; readonly key: readonly string[] },
): IterableIterator<AnyRow> {
  const names = key.join(", ");
  const marks = key.map(() => "?").join(", ");
  for (const [sign, order] of [[">", "ASC"], ["<", "DESC"]] as const) {
    const first = `SELECT * FROM ${table} ORDER BY ${orderBy(key, order)} LIMIT ?`;
    const next = `SELECT * FROM ${table} WHERE (${names}) ${sign} (${marks}) ORDER BY ${
      orderBy(key, order)
    } LIMIT ?`;
    let from: Value[] | undefined;
    for (let limit = ROWS; limit > 0;) {
      let rows: AnyRow[];
      try {
        rows = from === undefined ? file.all(first, limit) : file.all(next, ...from, limit);
      } catch {
        // Down to single rows at the edge of the damage.
        limit = Math.floor(limit / ROWS);
        continue;
      }
      if (rows.length === 0) return;
      from = key.map((name) => rows.at(-1)![name] as Value);
      yield* rows;
    }
  }
}

function orderBy(key: readonly string[], order: string): string {
  return key.map((name) => `${name} ${order}`).join(", ");
}

interface ReportCopy {
  readonly fresh: ReceivedDb;
  readonly head: (row: AnyRow) => readonly number[] | undefined;
  readonly text: (id: unknown) => number;
}

/** Bodies that are shared by two rows go with the row that has them. */
function copyReports(old: ReceivedDb, { fresh, head, text }: ReportCopy): void {
  const all = (query: string, ...values: unknown[]) => old.all(query, ...values as Value[]);
  const select = `SELECT id AS rowid, ${REPORT_COLUMNS.join(", ")}, body FROM report`;
  for (const row of salvageRows(all, select)) {
    const key = head(row);
    if (key === undefined) continue;
    const { content, signed, changed, way, received_at: at } = row as Record<string, Value>;
    const { range_begin: begin, range_end: end, report_id: id, body } = row as Record<
      string,
      Value
    >;
    fresh.change(
      sql.ADD_REPORT,
      ...[...key, content!, signed!, changed!, way!, at!, begin!, end!],
      ...[text(row.organization), text(row.contact), text(row.deviations), id!, null, body!],
    );
  }
}
