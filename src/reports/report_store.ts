/**
 * The store of TLS reports in a SQLite file: what was counted, which days are closed, and which deliveries are due.
 *
 * A file that cannot be used never stops the daemon (`sqlite/file_keeper.ts`). Counting then says so, and the
 * aggregator keeps what it has; everything else throws a {@link FileFault}, so that nobody takes "cannot be read" for
 * "is not there" or sends a report twice.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { FAULT_KINDS, FileFault } from "../sqlite/fault.ts";
import { FileKeeper } from "../sqlite/file_keeper.ts";
import { parseRua } from "../tlsrpt/rua.ts";
import { type Batch, countBatch } from "./count_batch.ts";
import { countOf, numberOf, readReport, type Sender } from "./counted.ts";
import { type DayOverview, readOverview } from "./day_overview.ts";
import { DAY_MS } from "./report_id.ts";
import { ReportFile } from "./report_file.ts";
import { FILE_MAX_OCTETS } from "./schema.ts";
import * as sql from "./statements.ts";
import type { CountedReport, DeliveryOutcome, DeliveryQueue, DueReport } from "./types.ts";

/** Rows of a table that one prune deletes; the rest goes at the next. */
const PRUNE_ROWS = 500;

/** Characters of an error that are kept. */
const ERROR_MAX_CHARS = 500;

/** Options of {@link createReportStore}. */
export interface ReportStoreOptions {
  /** The file; its directories are made when missing. */
  readonly path: string;
  /** Where faults are logged. */
  readonly log: Log;
  /** Where they are counted. */
  readonly metrics: Metrics;
  /** The process's time, ms; never runs backwards. */
  readonly now: () => number;
  /** The time as far as it has proved right, ms; the file notes no later one. */
  readonly proven: () => number;
  /** Called once, with the latest time noted in the file, ms. */
  readonly onLastSeen: (time: number) => void;
  /** Who reports; asked for each report. */
  readonly sender: () => Sender;
  /** Accepts a file and a directory that others can write. @default {false} */
  readonly allowUnsafeDirectory?: boolean;
  /** The file grows to this many octets at most. @default {FILE_MAX_OCTETS} */
  readonly maxFileOctets?: number;
}

/** A day that is to be closed, and the domain up to which that is done. */
export interface OpenDay {
  /** Days since the epoch, UTC. */
  readonly day: number;
  /** The last domain planned; empty at the beginning. */
  readonly cursor: string;
}

/** Opens the store. Never throws: a file that cannot be used shows in `error`. */
export function createReportStore(options: ReportStoreOptions): ReportStore {
  return new ReportStore(options);
}

/** The store. */
export class ReportStore implements DeliveryQueue {
  readonly #options: ReportStoreOptions;
  readonly #keeper: FileKeeper<ReportFile>;
  #hasOpened = false;

  /** Opens the file. */
  constructor(options: ReportStoreOptions) {
    this.#options = options;
    const { path, log, now, proven } = options;
    const errors = options.metrics.counter(
      "mta_sts_report_store_errors_total",
      "Faults of the report file, by kind.",
      ["kind"],
    );
    for (const kind of FAULT_KINDS) errors.cell(kind);
    this.#keeper = new FileKeeper<ReportFile>({
      path,
      names: { file: "report file", contents: "secrets" },
      log,
      errors,
      now,
      open: () =>
        new ReportFile(path, {
          now,
          maxFileOctets: options.maxFileOctets ?? FILE_MAX_OCTETS,
          allowUnsafeDirectory: options.allowUnsafeDirectory ?? false,
        }),
      takeOver,
      note: (file) => file.noteTime(proven()),
      onOpened: (file) => this.#onOpened(file),
      onReopened() {},
    });
    this.flush();
  }

  /** Adds a batch. @returns What was dropped; `undefined` if the file did not take the batch. */
  count(batch: Batch): number | undefined {
    let dropped = 0;
    const done = this.#keeper.write((file) =>
      dropped = file.transaction(() => countBatch(file, batch))
    );
    return done ? dropped : undefined;
  }

  /** Repairs the file if need be, and copies what was written to where it survives a power cut. */
  flush(): void {
    if (this.#keeper.isDue) this.#keeper.settle();
  }

  /** What is wrong with the file, in one line; `undefined` if nothing is. */
  get error(): string | undefined {
    return this.#keeper.error;
  }

  /** Whether new keys are no longer counted, because the file nears its bound. */
  isFull(): boolean {
    return this.#read((file) => file.isFull());
  }

  /** The latest day that takes no more counts; `undefined` if there is none. */
  lastClosed(): number | undefined {
    const day = this.#read((file) => file.one(sql.LAST_CLOSED)?.day);
    return typeof day === "number" ? day : undefined;
  }

  /** The oldest day before `today` that is not closed. */
  nextToClose(today: number): OpenDay | undefined {
    const row = this.#read((file) => file.one(sql.NEXT_TO_CLOSE, today));
    return row && { day: numberOf(row.day), cursor: String(row.cursor) };
  }

  /** All days in the file, oldest first. */
  days(): { day: number; state: string }[] {
    const rows = this.#read((file) => file.all(sql.LIST_DAYS));
    return rows.map(({ day, state }) => ({ day: numberOf(day), state: String(state) }));
  }

  /**
   * Plans the deliveries of the next domains of a day.
   *
   * @param dueAt When the report of a domain is due, ms.
   * @returns Whether the day is closed with this.
   */
  planSlice(
    { day, cursor }: OpenDay,
    { limit, dueAt }: { limit: number; dueAt: (domain: string, instance: Uint8Array) => number },
  ): boolean {
    return this.#write((file) => {
      const rows = file.all(sql.LIST_DOMAINS, day, cursor, limit);
      const domains = rows.map((row) => String(row.domain));
      const instance = file.instance();
      for (const domain of domains) {
        const time = dueAt(domain, instance);
        file.change(sql.ADD_DELIVERY, day, domain, "", time, time);
      }
      const isDone = domains.length < limit;
      file.change(sql.SET_DAY, day, isDone ? "closed" : "closing", domains.at(-1) ?? cursor);
      return isDone;
    });
  }

  due(now: number, limit: number): DueReport[] {
    const rows = this.#read((file) => file.all(sql.LIST_DUE, now, limit));
    return rows.map((row) => ({
      day: numberOf(row.day),
      domain: String(row.domain),
      uri: row.uri === "" ? undefined : String(row.uri),
      attempts: countOf(row.attempts),
      firstAt: numberOf(row.firstAt),
    }));
  }

  plan(day: number, domain: string, uris: readonly string[], now: number): void {
    this.#write((file) => {
      if (file.change(sql.DROP_UNPLANNED, day, domain) === 0) return;
      for (const uri of uris) file.change(sql.ADD_DELIVERY, day, domain, uri, now, now);
    });
  }

  settle(row: { day: number; domain: string; uri: string }, outcome: DeliveryOutcome): void {
    const { day, domain, uri } = row;
    const { now } = this.#options;
    const error = outcome.state === "sent" ? null : outcome.error.slice(0, ERROR_MAX_CHARS);
    const dueAt = outcome.state === "due" ? outcome.dueAt : now();
    this.#write((file) => {
      const settled = file.change(sql.SETTLE, day, domain, uri, outcome.state, dueAt, error);
      const destination = parseRua(uri);
      if (settled === 0 || outcome.state !== "sent" || destination.kind === "invalid") return;
      const { kind, host } = destination;
      const key = kind === "mailto" ? host : `https://${host}`;
      file.change(sql.COUNT_MAILED, Math.floor(now() / DAY_MS), key);
    });
  }

  report(day: number, domain: string): CountedReport | undefined {
    const sender = this.#options.sender();
    return this.#read((file) => readReport(file, { day, domain, sender }));
  }

  /** Reports sent on a day to addresses at a domain, or posted to a host that is given as `https://host`. */
  mailsTo(day: number, domain: string): number {
    return this.#read((file) => countOf(file.one(sql.GET_MAILED, day, domain)?.count));
  }

  /**
   * Makes deliveries due now; of one domain also those that were refused or have expired.
   *
   * @param query Day and domain; without them, all.
   * @returns Number of deliveries.
   */
  hasten(query: { day: number | undefined; domain: string | undefined; now: number }): number {
    const { day = -1, domain = "", now } = query;
    return this.#write((file) => file.change(sql.HASTEN, now, day, domain));
  }

  /** Deliveries by state, over all days. */
  deliveries(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { state, count } of this.#read((file) => file.all(sql.COUNT_DELIVERIES))) {
      sums.set(String(state), (sums.get(String(state)) ?? 0) + countOf(count));
    }
    return sums;
  }

  /** A day at a glance; see {@link readOverview}. */
  overview(query: { day: number; limit: number }): DayOverview {
    return this.#read((file) => readOverview(file, query));
  }

  /** When the oldest delivery that waits is due, ms; `undefined` if none waits. */
  firstDue(): number | undefined {
    const dueAt = this.#read((file) => file.one(sql.FIRST_DUE)?.dueAt);
    return typeof dueAt === "number" ? dueAt : undefined;
  }

  /**
   * Forgets days, a bounded number of rows at a time.
   *
   * @param before The first day that is kept.
   * @returns Number of rows deleted.
   */
  prune(before: number): number {
    return this.#write((file) => {
      let rows = 0;
      for (const text of sql.PRUNES) rows += file.change(text, before, PRUNE_ROWS);
      file.change(sql.DROP_DAYS, before);
      file.all(sql.VACUUM);
      return rows;
    });
  }

  /** Ends the use of the file. */
  close(): void {
    this.flush();
    this.#keeper.close();
  }

  #onOpened(file: ReportFile): void {
    // Once: the time of this process does not depend on files that are put in place later.
    if (this.#hasOpened) return;
    this.#hasOpened = true;
    const lastSeen = file.lastSeen();
    if (lastSeen !== undefined) this.#options.onLastSeen(lastSeen);
  }

  #read<T>(action: (file: ReportFile) => T): T {
    const reading = this.#keeper.read(action);
    if (reading.kind === "read") return reading.value;
    throw new FileFault("open", reading.reason);
  }

  #write<T>(action: (file: ReportFile) => T): T {
    let result: T | undefined;
    const done = this.#keeper.write((file) => {
      result = file.transaction(() => action(file));
    });
    if (!done) throw new FileFault("open", this.error ?? "report file cannot be written");
    return result as T;
  }
}

/** The counts of a file that is gone or damaged are lost; report ids and times stay what they are. */
function takeOver(old: ReportFile, fresh: ReportFile): number {
  let instance: Uint8Array;
  try {
    instance = old.instance();
  } catch {
    return 0;
  }
  if (instance.length === 0) return 0;
  fresh.setInstance(instance);
  return 1;
}
