/**
 * Opens a SQLite file to look at it: nothing beside it is created, changed or left behind.
 *
 * SQLite makes a WAL and an index beside a file in WAL mode even for a reader. Its `immutable` avoids that, but
 * takes a URI, which the runtime refuses unless it may do everything. So a file that nobody has open is copied, and
 * the copy is read.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { walOf } from "./file_path.ts";

/** Bytes 18 and 19 of the header are the journal mode for writing and reading: 2 is WAL, 1 is none of it. */
const JOURNAL_MODE_OFFSET = 18;

/** An opened file. */
export interface ReadOnlyDatabase {
  /** Refuses every change. */
  readonly database: DatabaseSync;
  /** Ends the use. */
  close(): void;
}

/**
 * Opens a file.
 *
 * @param options `timeout`: how long to wait for a lock of another process, ms.
 * @throws {Error} What SQLite or the system says.
 */
export function openReadOnly(
  path: string,
  { timeout }: { readonly timeout: number },
): ReadOnlyDatabase {
  // SQLite would report a missing file as one that cannot be opened.
  Deno.statSync(path);
  if (!isMissing(walOf(path))) return openInPlace(path, timeout);
  const directory = Deno.makeTempDirSync({ prefix: "mta-sts-resolver-" });
  const remove = () => Deno.removeSync(directory, { recursive: true });
  try {
    const copy = `${directory}/copy.db`;
    copyWithoutWal(path, copy);
    if (!isMissing(walOf(path))) {
      // A daemon has just started: the copy may be half of its work.
      remove();
      return openInPlace(path, timeout);
    }
    const database = new DatabaseSync(copy, { readOnly: true });
    return {
      database,
      close(): void {
        database.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** With the WAL of a process that has the file open. */
function openInPlace(path: string, timeout: number): ReadOnlyDatabase {
  const database = new DatabaseSync(path, { readOnly: true, timeout });
  return { database, close: () => database.close() };
}

function copyWithoutWal(path: string, copy: string): void {
  Deno.copyFileSync(path, copy);
  Deno.chmodSync(copy, 0o600);
  using file = Deno.openSync(copy, { read: true, write: true });
  if (file.statSync().size <= JOURNAL_MODE_OFFSET) return;
  file.seekSync(JOURNAL_MODE_OFFSET, Deno.SeekMode.Start);
  const mode = new Uint8Array(2);
  file.readSync(mode);
  // Anything else is damage, which SQLite finds.
  if (mode[0] !== 2 || mode[1] !== 2) return;
  file.seekSync(JOURNAL_MODE_OFFSET, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array([1, 1]));
}

/** Whether there is no file at a path; what cannot be looked at counts as there. */
export function isMissing(path: string): boolean {
  try {
    Deno.statSync(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
