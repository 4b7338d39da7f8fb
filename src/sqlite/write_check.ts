/**
 * Whether the file system takes changes of a file at this moment.
 *
 * SQLite finds that out by itself when it writes, but it keeps the index of its WAL in memory that is mapped
 * from a file. A change of that memory ends the process with a signal if nothing can be written (the file
 * system went read-only after an error). So the check comes first, on the WAL. It does not touch the file
 * itself, because to close a descriptor of that would end SQLite's locks on it.
 *
 * @module
 */

import { walOf } from "./file_path.ts";
import { FileFault } from "./fault.ts";

/** `EROFS`, as Deno puts it. */
const READ_ONLY_SYSTEM = "(os error 30)";

/** Tries whether one file can be changed. */
export class WriteCheck {
  readonly #path: string;
  /** Open as long as the file, so that it stays the WAL of this one when another takes its name. */
  #wal: Deno.FsFile | undefined;

  /** Opens nothing yet. @param path The file. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Sets the time of change of the WAL, which a write does anyway; that takes 2 microseconds.
   *
   * @throws {FileFault} Of kind `readonly`. Anything else that may be wrong is left for SQLite to find.
   */
  requireWritable(): void {
    try {
      this.#wal ??= Deno.openSync(walOf(this.#path), { write: true });
      const now = new Date();
      this.#wal.utimeSync(now, now);
    } catch (error) {
      if (!isReadOnly(error)) return;
      throw new FileFault("readonly", `${this.#path} cannot be written: make it writable`);
    }
  }

  /** Ends the use of the WAL. */
  close(): void {
    this.#wal?.close();
    this.#wal = undefined;
  }
}

function isReadOnly(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    (error instanceof Error && error.message.includes(READ_ONLY_SYSTEM));
}
