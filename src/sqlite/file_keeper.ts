/**
 * Keeps a file working, or works without it: no state of the file stops the daemon.
 *
 * After a write has failed no other is tried until `settle`, so that a locked or dead file cannot
 * block one answer after the other; reads go on as far as the open handle can, and say so when they
 * cannot: that something could not be read is never the same as that it is not there. `settle` repairs
 * what can be repaired:
 *
 * - locked, full: the same handle is tried again later;
 * - removed, replaced: what is there now (or a new file) is opened, and takes over the contents
 *   of the old handle, which can still read the removed file;
 * - corrupt: as soon as that is found the file is renamed, which makes it a removed one;
 * - unsafe, another program's, from a later version: left alone.
 *
 * Each change for the worse or better is logged once. What the file holds is the business of whoever
 * opens it: see {@link FileKeeperOptions}.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import type { Log } from "../base/log.ts";
import { setAside } from "./file_path.ts";
import { describeFault, type FaultKind, faultKind } from "./fault.ts";
import type { FileKeeperOptions, KeeperNames } from "./keeper_options.ts";
import type { SqliteFile } from "./sqlite_file.ts";

/** Wait after the first repair that failed, ms; doubled up to {@link RETRY_MAX_MS}. */
const RETRY_FIRST_MS = 1000;

/** Longest wait between repairs, ms: within a minute of the end of a fault all is written. */
const RETRY_MAX_MS = 60_000;

/** {@link FileKeeperOptions.note} is called at least this often, ms. */
const NOTE_MS = 60_000;

/** Faults that opening the file again does not help against. */
const PASSING: readonly FaultKind[] = ["busy", "full"];

/** A fault that lasts until the next repair. */
interface Fault {
  readonly kind: FaultKind;
  readonly error: string;
  /** Logged and shown: not just a lock that may be gone in a moment, or damage about to be repaired. */
  readonly isAnnounced: boolean;
}

/** The result of reading. */
export type Reading<T> =
  | { readonly kind: "read"; readonly value: T }
  /** The words are our own, and fit into a reply to Postfix. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** Keeps one file. No method throws. */
export class FileKeeper<File extends SqliteFile> {
  readonly #options: FileKeeperOptions<File>;
  readonly #log: Log;
  #file: File | undefined;
  #fault: Fault | undefined;
  #failedRepairs = 0;
  #retryAt = 0;
  #notedAt = -Infinity;
  /** Reading has failed since the file was sound. */
  #hasFailedToRead = false;
  /** Reading waits for a lock in vain: not tried again before the next repair. */
  #isReadLocked = false;

  /** The file is not opened before the first {@link settle}. */
  constructor(options: FileKeeperOptions<File>) {
    this.#options = options;
    this.#log = options.log;
  }

  /** Whether it is time to call {@link settle}: always, unless repairs have failed. */
  get isDue(): boolean {
    return this.#fault === undefined || this.#options.now() >= this.#retryAt;
  }

  /** Reads from the file. */
  read<T>(action: (file: File) => T): Reading<T> {
    if (this.#file === undefined || this.#isReadLocked) return this.#unavailable();
    try {
      return { kind: "read", value: action(this.#file) };
    } catch (error) {
      this.#fail(error, { isRepair: false });
      this.#hasFailedToRead = true;
      this.#isReadLocked = faultKind(error) === "busy";
      return this.#unavailable();
    }
  }

  /** Writes to the file. @returns Whether that was tried and done. */
  write(action: (file: File) => void): boolean {
    const file = this.#file;
    if (file === undefined || this.#fault !== undefined) return false;
    try {
      file.write(() => action(file));
      return true;
    } catch (error) {
      this.#fail(error, { isRepair: false });
      return false;
    }
  }

  /**
   * Opens or repairs the file if need be, and writes to it.
   *
   * @param action The writes, done in one transaction; without it the file is only noted in now and then.
   * @returns Whether the file works and has taken them.
   */
  settle(action?: (file: File) => void): boolean {
    const now = this.#options.now();
    this.#isReadLocked = false;
    const before = this.#file;
    try {
      const file = this.#soundFile();
      if (action || this.#fault || now - this.#notedAt >= NOTE_MS) {
        const writeAll = () => {
          action?.(file);
          this.#options.note(file);
        };
        file.write(() => file.transaction(writeAll));
        this.#notedAt = now;
      }
      file.checkpoint(now);
    } catch (error) {
      this.#retryAt = now + Math.min(RETRY_FIRST_MS * 2 ** this.#failedRepairs, RETRY_MAX_MS);
      this.#failedRepairs++;
      this.#fail(error, { isRepair: true });
      return false;
    }
    if (this.#fault?.isAnnounced) this.#log.info(`${this.#names.file} usable again`, this.#at());
    this.#fault = undefined;
    this.#failedRepairs = 0;
    if (this.#hasFailedToRead || this.#file !== before) this.#options.onReopened();
    this.#hasFailedToRead = false;
    return true;
  }

  /** What is wrong with the file and what to do, in one line; `undefined` if nothing is. */
  get error(): string | undefined {
    return this.#fault?.isAnnounced ? this.#fault.error : undefined;
  }

  /** Ends the use of the file. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** @throws {Error} If there is no file to write to; the old one, if any, can still be read. */
  #soundFile(): File {
    const old = this.#file;
    const isSound = this.#fault === undefined || PASSING.includes(this.#fault.kind);
    const hasMoved = old?.hasMoved() ?? false;
    if (old !== undefined && isSound && !hasMoved) return old;
    if (hasMoved) old?.abandonCompanions();
    const fresh = this.#open();
    if (old !== undefined) this.#takeOver(old, fresh);
    this.#file = fresh;
    this.#options.onOpened(fresh);
    this.#notedAt = -Infinity;
    return fresh;
  }

  #open(): File {
    try {
      return this.#options.open();
    } catch (error) {
      if (faultKind(error) !== "corrupt" || !this.#setAside(error)) throw error;
      this.#options.errors.cell("corrupt").value++;
      return this.#options.open();
    }
  }

  /** Blocks for as long as it takes, 10 s and more for a million rows: none may be missed meanwhile. */
  #takeOver(old: File, fresh: File): void {
    const { file, contents } = this.#names;
    try {
      if (!old.isSameAs(fresh)) {
        let count = 0;
        const copyAll = () => void (count = this.#options.takeOver(old, fresh));
        fresh.write(() => fresh.transaction(copyAll));
        const fields = { ...this.#at(), [contents]: count };
        this.#log.warn(`${file} replaced, ${contents} taken over`, fields);
      }
    } catch (error) {
      // Reading the old file throws nothing, so it is the fresh one that is damaged.
      if (faultKind(error) === "corrupt") this.#setAside(error);
      fresh.close();
      throw error;
    }
    old.close();
  }

  #fail(error: unknown, { isRepair }: { isRepair: boolean }): void {
    const kind = faultKind(error);
    this.#options.errors.cell(kind).value++;
    if (kind === "corrupt" && this.#file?.hasMoved() === false) this.#setAside(error);
    // A lock may be gone in a moment, and what was set aside is replaced by the next repair.
    const isPassing = !isRepair && (kind === "busy" || this.#file?.hasMoved() === true);
    const wasAnnounced = this.#fault?.isAnnounced ?? false;
    const text = describeFault(this.#options.path, error);
    if (!isPassing && !(wasAnnounced && this.#fault?.kind === kind)) {
      const { file, meanwhile = "working from memory" } = this.#names;
      this.#log.error(`${file} unusable, ${meanwhile}`, { kind, error: text });
    }
    this.#fault = { kind, error: text, isAnnounced: wasAnnounced || !isPassing };
  }

  /** @returns Whether the file could be renamed. */
  #setAside(error: unknown): boolean {
    const { path, now } = this.#options;
    try {
      const aside = setAside(path, now());
      const message = messageOf(error);
      const fields = { ...this.#at(), aside, error: message };
      this.#log.error(`${this.#names.file} corrupt, set aside`, fields);
      return true;
    } catch {
      return false;
    }
  }

  #unavailable(): Reading<never> {
    const kind = this.#fault?.kind ?? "open";
    return { kind: "unavailable", reason: `${this.#names.file} unusable (${kind})` };
  }

  get #names(): KeeperNames {
    return this.#options.names;
  }

  #at(): { file: string } {
    return { file: this.#options.path };
  }
}
