/**
 * Keeps the cache file working, or works without it: no state of the file stops the daemon.
 *
 * After a write has failed no other is tried until `settle`, so that a locked or dead file cannot
 * block one answer after the other; reads go on as far as the open handle can, and say so when they
 * cannot: that something could not be read is never the same as that it is not there. `settle` repairs
 * what can be repaired:
 *
 * - locked, full: the same handle is tried again later;
 * - removed, replaced: what is there now (or a new file) is opened, and takes over all policies
 *   from the old handle, which can still read the removed file;
 * - corrupt: as soon as that is found the file is renamed, which makes it a removed one;
 * - unsafe, another program's, from a later version: left alone.
 *
 * Each change for the worse or better is logged once.
 *
 * @module
 */

import type { Log, Metric } from "../base/telemetry.ts";
import { CacheFile, type Table } from "../cache/cache_file.ts";
import { setAside } from "./file_path.ts";
import { describeFault, type FaultKind, faultKind } from "./fault.ts";
import type { StoreHealth } from "../cache/types.ts";

/** Wait after the first repair that failed, ms; doubled up to {@link RETRY_MAX_MS}. */
const RETRY_FIRST_MS = 1000;

/** Longest wait between repairs, ms: within a minute of the end of a fault all is written. */
const RETRY_MAX_MS = 60_000;

/** The time is noted in the file this often, ms: by so much at most a process begins before the end of another. */
const NOTE_TIME_MS = 60_000;

/** Faults that opening the file again does not help against. */
const PASSING: readonly FaultKind[] = ["busy", "full"];

/** Options of {@link FileKeeper}. */
export interface FileKeeperOptions {
  readonly path: string;
  readonly log: Log;
  /** Counts faults by `kind`: a {@link FaultKind}, or `row` for a row that is not believed. */
  readonly errors: Metric;
  /** The process's time, ms. */
  readonly now: () => number;
  /** The time as far as it has proved right, ms: only that is noted in the file. */
  readonly proven: () => number;
  /** Told, when the file is opened first, the latest time noted in it, ms. */
  readonly onLastSeen: (time: number) => void;
  /** Told that what could not be read before can be read now, or that another file is in use. */
  readonly onReopened: () => void;
  readonly allowUnsafeDirectory: boolean;
  readonly maxFileOctets: number;
}

/** A fault that lasts until the next repair. */
interface Fault {
  readonly kind: FaultKind;
  readonly error: string;
  /** Logged and shown: not just a lock that may be gone in a moment, or damage about to be repaired. */
  readonly isAnnounced: boolean;
}

/** What came of reading. */
export type Reading<T> =
  | { readonly kind: "read"; readonly value: T }
  /** The words are our own, and fit into a reply to Postfix. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** The cache file through its better and worse days. No method throws unless it says so. */
export class FileKeeper {
  readonly #options: FileKeeperOptions;
  readonly #log: Log;
  #file: CacheFile | undefined;
  #fault: Fault | undefined;
  #failedRepairs = 0;
  #retryAt = 0;
  #notedAt = -Infinity;
  #saidBadRow = false;
  #hasOpened = false;
  /** Reading has failed since the file was sound. */
  #hasFailedToRead = false;
  /** Reading waits for a lock in vain: not tried again before the next repair. */
  #isReadLocked = false;

  /** The file is not opened before the first {@link settle}. */
  constructor(options: FileKeeperOptions) {
    this.#options = options;
    this.#log = options.log;
  }

  /** Whether it is time to call {@link settle}: always, unless repairs have failed. */
  get isDue(): boolean {
    return this.#fault === undefined || this.#options.now() >= this.#retryAt;
  }

  /** Reads from the file. */
  read<T>(action: (file: CacheFile) => T): Reading<T> {
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
  write(action: (file: CacheFile) => void): boolean {
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
   * @param action The writes, done in one transaction; without it the time is noted now and then.
   * @returns Whether the file works and has taken them.
   */
  settle(action?: (file: CacheFile) => void): boolean {
    const now = this.#options.now();
    this.#isReadLocked = false;
    const before = this.#file;
    try {
      const file = this.#soundFile();
      if (action || this.#fault || now - this.#notedAt >= NOTE_TIME_MS) {
        const writeAll = () => {
          action?.(file);
          file.noteTime(this.#options.proven());
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
    if (this.#fault?.isAnnounced) this.#log.info("cache file usable again", this.#name());
    this.#fault = undefined;
    this.#failedRepairs = 0;
    if (this.#hasFailedToRead || this.#file !== before) this.#options.onReopened();
    this.#hasFailedToRead = false;
    return true;
  }

  health(): StoreHealth {
    if (!this.#fault?.isAnnounced) return { kind: "ok" };
    return { kind: "degraded", error: this.#fault.error };
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** @throws {Error} If there is no file to write to; the old one, if any, can still be read. */
  #soundFile(): CacheFile {
    const old = this.#file;
    const isSound = this.#fault === undefined || PASSING.includes(this.#fault.kind);
    const hasMoved = old?.hasMoved() ?? false;
    if (old !== undefined && isSound && !hasMoved) return old;
    if (hasMoved) old?.abandonCompanions();
    const fresh = this.#open();
    if (old !== undefined) this.#takeOver(old, fresh);
    this.#file = fresh;
    this.#tellLastSeen(fresh);
    this.#notedAt = -Infinity;
    this.#saidBadRow = false;
    return fresh;
  }

  #open(): CacheFile {
    const onBadRow = (table: Table) => this.#noteBadRow(table);
    const open = () => new CacheFile(this.#options.path, { ...this.#options, onBadRow });
    try {
      return open();
    } catch (error) {
      if (faultKind(error) !== "corrupt" || !this.#setAside(error)) throw error;
      this.#options.errors.cell("corrupt").value++;
      return open();
    }
  }

  /** Once: the time of this process does not depend on files that are put in place later. */
  #tellLastSeen(file: CacheFile): void {
    if (this.#hasOpened) return;
    const lastSeen = file.lastSeen();
    this.#hasOpened = true;
    if (lastSeen !== undefined) this.#options.onLastSeen(lastSeen);
  }

  /** Blocks for as long as it takes, 10 s and more for a million: no policy may be missed meanwhile. */
  #takeOver(old: CacheFile, fresh: CacheFile): void {
    try {
      if (!old.isSameAs(fresh)) {
        let policies = 0;
        const copyAll = () => {
          for (const policy of old.salvage()) {
            fresh.putPolicy(policy);
            const { failure, mx } = old.salvageCompanions(policy.domain);
            if (failure !== undefined) fresh.putFailure(failure);
            for (const view of mx) fresh.putMx(view);
            policies++;
          }
        };
        fresh.write(() => fresh.transaction(copyAll));
        this.#log.warn("cache file replaced, policies taken over", { ...this.#name(), policies });
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
      this.#log.error("cache file unusable, working from memory", { kind, error: text });
    }
    this.#fault = { kind, error: text, isAnnounced: wasAnnounced || !isPassing };
  }

  /** @returns Whether the file could be renamed. */
  #setAside(error: unknown): boolean {
    const { path, now } = this.#options;
    try {
      const aside = setAside(path, now());
      const message = error instanceof Error ? error.message : String(error);
      this.#log.error("cache file corrupt, set aside", { ...this.#name(), aside, error: message });
      return true;
    } catch {
      return false;
    }
  }

  #unavailable(): Reading<never> {
    return { kind: "unavailable", reason: `cache file unusable (${this.#fault?.kind ?? "open"})` };
  }

  #noteBadRow(table: Table): void {
    this.#options.errors.cell("row").value++;
    if (!this.#saidBadRow) this.#log.warn("cache row not believed", { ...this.#name(), table });
    this.#saidBadRow = true;
  }

  #name(): { file: string } {
    return { file: this.#options.path };
  }
}
