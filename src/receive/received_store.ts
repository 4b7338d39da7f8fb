/**
 * The store of received reports in a SQLite file.
 *
 * A file that cannot be used never stops the daemon (`sqlite/file_keeper.ts`): {@link ReceivedStore.add} then says
 * `full`, and the report stays where it came from. Reading throws, so that nobody takes "cannot be read" for "nothing
 * was reported". Which of several reports with one id counts is decided in `keep_report.ts`, which day a report counts
 * for in `days.ts`.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { readLoad } from "./arrival_load.ts";
import { FAULT_KINDS, faultKind, FileFault } from "../sqlite/fault.ts";
import { FileKeeper } from "../sqlite/file_keeper.ts";
import { keepReport } from "./keep_report.ts";
import { pruneSlice } from "./prune.ts";
import { MAX_WORDS, ReceivedDb } from "./received_db.ts";
import {
  listDomains,
  listOutcomes,
  listProblems,
  listReports,
  readBody,
  readDays,
} from "./rows.ts";
import { FILE_MAX_OCTETS } from "./schema.ts";
import { takeOver } from "./take_over.ts";
import type {
  AdmittedReport,
  ArrivalLoad,
  ArrivalQuery,
  Keeping,
  KeptReport,
  OutcomeRow,
  ProblemRow,
  ReceivedStore,
  RowQuery,
} from "./types.ts";

/**
 * Tries to open a file that another process is just creating, as mails do that come at the same time; and the time
 * between them, ms. Nothing else waits meanwhile.
 */
const OPEN_TRIES = 10;
const OPEN_WAIT_MS = 50;

/** Options of {@link createReceivedStore}. */
export interface ReceivedStoreOptions {
  /** The file; its directories are made when missing. */
  readonly path: string;
  /** Where faults are logged. */
  readonly log: Log;
  /** Where they are counted. */
  readonly metrics: Metrics;
  /** The process's time, ms. */
  readonly now: () => number;
  /** How many days counts are kept. */
  readonly keepDays: number;
  /** Accepts a file and a directory that others can write. @default {false} */
  readonly allowUnsafeDirectory?: boolean;
  /** The file grows to this many octets at most. @default {FILE_MAX_OCTETS} */
  readonly maxFileOctets?: number;
  /** Distinct texts in the file. @default {MAX_WORDS} */
  readonly maxWords?: number;
}

/** Opens the store. Never throws: a file that cannot be used shows in `error`. */
export function createReceivedStore(options: ReceivedStoreOptions): ReceivedStore {
  return new SqliteReceivedStore(options);
}

class SqliteReceivedStore implements ReceivedStore {
  readonly #options: ReceivedStoreOptions;
  readonly #keeper: FileKeeper<ReceivedDb>;
  /** Something was written that a power cut could undo. */
  #isUnsynced = false;

  constructor(options: ReceivedStoreOptions) {
    this.#options = options;
    const { path, log, now } = options;
    const errors = options.metrics.counter(
      "mta_sts_received_store_errors_total",
      "Errors of the file of received TLS reports, by kind.",
      ["kind"],
    );
    for (const kind of FAULT_KINDS) errors.cell(kind);
    this.#keeper = new FileKeeper<ReceivedDb>({
      path,
      names: {
        file: "file of received reports",
        contents: "counts",
        meanwhile: "reports stay where they are",
      },
      log,
      errors,
      now,
      open: () => openDb(options),
      takeOver,
      note: (file) => file.noteTime(now()),
      onOpened() {},
      onReopened() {},
    });
    this.flush();
  }

  add(report: AdmittedReport): Keeping {
    return this.#write((file) => keepReport(file, report)) ?? "full";
  }

  arrivals(query: ArrivalQuery): ArrivalLoad {
    return this.#read((file) => readLoad(file, query));
  }

  prune(now: number): number {
    const { keepDays } = this.#options;
    return this.#write((file) => pruneSlice(file, { now, keepDays })) ?? 0;
  }

  flush(): void {
    if (!this.#keeper.isDue || !this.#keeper.settle() || !this.#isUnsynced) return;
    // The mail that a report came in may be gone: a power cut must not cost more than what came since the last call.
    this.#isUnsynced = !this.#keeper.write((file) => file.sync());
  }

  isFull(): boolean {
    return this.#read((file) => file.isFull());
  }

  get error(): string | undefined {
    return this.#keeper.error;
  }

  domains(): string[] {
    return this.#read(listDomains);
  }

  outcomes(query: RowQuery): OutcomeRow[] {
    return this.#read((file) => listOutcomes(file, query));
  }

  problems(query: RowQuery): ProblemRow[] {
    return this.#read((file) => listProblems(file, query));
  }

  reports(domain: string, limit: number): KeptReport[] {
    return this.#read((file) => listReports(file, { domain, limit }));
  }

  body(id: number): Uint8Array | undefined {
    return this.#read((file) => readBody(file, id));
  }

  days(domain: string): { readonly first: string; readonly last: string } | undefined {
    return this.#read((file) => readDays(file, domain));
  }

  close(): void {
    this.flush();
    this.#keeper.close();
  }

  #read<T>(action: (file: ReceivedDb) => T): T {
    const reading = this.#keeper.read(action);
    if (reading.kind === "read") return reading.value;
    throw new FileFault("open", reading.reason);
  }

  /** In one transaction; tried once more if the file could be repaired. @returns `undefined` if it did not take it. */
  #write<T>(action: (file: ReceivedDb) => T): T | undefined {
    let result: T | undefined;
    const attempt = () =>
      this.#keeper.write((file) => {
        result = file.transaction(() => action(file));
        this.#isUnsynced = true;
      });
    if (attempt()) return result;
    result = undefined;
    return this.#keeper.isDue && this.#keeper.settle() && attempt() ? result : undefined;
  }
}

/** @throws {Error} As {@link ReceivedDb} does. */
function openDb(options: ReceivedStoreOptions): ReceivedDb {
  for (let tries = 1;; tries++) {
    try {
      return new ReceivedDb(options.path, {
        now: options.now,
        maxFileOctets: options.maxFileOctets ?? FILE_MAX_OCTETS,
        maxWords: options.maxWords ?? MAX_WORDS,
        allowUnsafeDirectory: options.allowUnsafeDirectory ?? false,
      });
    } catch (error) {
      if (faultKind(error) !== "busy" || tries === OPEN_TRIES) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, OPEN_WAIT_MS);
    }
  }
}
