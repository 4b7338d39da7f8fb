/**
 * The format of a file and its settings. Each version of a format is a numbered step from the one before,
 * and an older file takes all steps that it lacks in one transaction. A file of a later version is refused
 * and left as it is.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { FileFault } from "./fault.ts";
import { transaction } from "./transaction.ts";

/** SQLite's default, in octets; the bound of a file is set in pages. */
const PAGE_OCTETS = 4096;

/**
 * A commit that finds this many pages in the WAL (64 MB) copies them to the file itself. That is the
 * safety net: `checkpoint()` comes long before, away from the path of an answer.
 */
const AUTOCHECKPOINT_PAGES = 16_384;

/** The WAL file is cut back to this many octets once it has grown beyond. */
const WAL_KEEP_OCTETS = 8 * 1024 ** 2;

/** The statements of a step. */
export type Migration = readonly string[];

/** What the files of one store have in common. */
export interface FileFormat {
  /** In the file header: tells our files from those of other programs. */
  readonly applicationId: number;
  /**
   * The steps: number `n`, counted from 0, leads from version `n` to `n + 1`; version 0 is an empty file. A
   * step that was released is never changed.
   */
  readonly migrations: readonly Migration[];
}

/** What {@link prepareDatabase} needs beside the database. */
export interface PrepareOptions {
  /** For messages. */
  readonly path: string;
  /** The format wanted. */
  readonly format: FileFormat;
  /** The file grows to this many octets at most. */
  readonly maxFileOctets: number;
}

/**
 * Brings an opened file into shape: settings and schema.
 *
 * @throws {FileFault} Of kind `foreign` or `newer`; such a file has not been changed.
 * @throws {Error} SQLite's, with `errcode`; a file of an earlier version is then as it was.
 */
export function prepareDatabase(database: DatabaseSync, options: PrepareOptions): void {
  const version = requireKnown(database, options);
  // Takes effect before there is a table; later it is a write, which a read-only file refuses.
  if (version === 0) database.prepare("PRAGMA auto_vacuum = INCREMENTAL").all();
  for (
    const setting of [
      "journal_mode = WAL",
      // A kill loses nothing, a power cut what was written since the last checkpoint; no put waits for the disk.
      "synchronous = NORMAL",
      `wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`,
      `journal_size_limit = ${WAL_KEEP_OCTETS}`,
      `max_page_count = ${Math.floor(options.maxFileOctets / PAGE_OCTETS)}`,
    ]
  ) {
    database.prepare(`PRAGMA ${setting}`).all();
  }
  const isOlder = version < options.format.migrations.length;
  if (isOlder) transaction(database, () => migrate(database, options));
}

/**
 * Finds the version of a file; 0 for an empty one. Changes nothing.
 *
 * @throws {FileFault} Of kind `foreign` or `newer`.
 */
export function requireKnown(
  database: DatabaseSync,
  { path, format }: Pick<PrepareOptions, "path" | "format">,
): number {
  const read = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];
  const latest = format.migrations.length;
  // First: another process may be making the tables, and makes them together with what is read next.
  const hasTables = read("SELECT count(*) FROM sqlite_schema") !== 0;
  const application = read("PRAGMA application_id");
  const version = read("PRAGMA user_version");
  if (application === 0 && version === 0 && !hasTables) return 0;
  if (application !== format.applicationId) {
    throw new FileFault("foreign", `${path} belongs to another program: name another file`);
  }
  if (typeof version !== "number" || version < 1 || version > latest) {
    const text = `${path} was written by a later version (schema ${version}, not ${latest})`;
    throw new FileFault("newer", `${text}: name another file or upgrade`);
  }
  return version;
}

function migrate(database: DatabaseSync, options: PrepareOptions): void {
  const { applicationId, migrations } = options.format;
  // Another process may have been faster.
  const version = requireKnown(database, options);
  for (const step of migrations.slice(version)) {
    for (const statement of step) database.prepare(statement).run();
  }
  database.prepare(`PRAGMA application_id = ${applicationId}`).run();
  database.prepare(`PRAGMA user_version = ${migrations.length}`).run();
}
