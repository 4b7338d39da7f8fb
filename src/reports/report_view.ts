/**
 * A report file, opened read-only while a daemon may be using it. For `report status` and `report show`.
 *
 * @module
 */

import { SqliteView } from "../sqlite/sqlite_view.ts";
import { countOf, numberOf, readReport, type Sender } from "./counted.ts";
import { REPORT_FORMAT } from "./schema.ts";
import * as sql from "./statements.ts";
import type { CountedReport } from "./types.ts";

/** A day as it stands. */
export interface DaySummary {
  /** Days since the epoch, UTC. */
  readonly day: number;
  /** `open`, `closing` or `closed`. */
  readonly state: string;
  /** Domains that something was counted for. */
  readonly domains: number;
  /** Sessions that succeeded. */
  readonly ok: number;
  /** Sessions that failed. */
  readonly failed: number;
  /** Deliveries by state. */
  readonly deliveries: Readonly<Record<string, number>>;
}

/** A delivery that has failed at least once. */
export interface DeliveryError {
  /** Days since the epoch, UTC. */
  readonly day: number;
  /** The domain that the report is for. */
  readonly domain: string;
  /** Where it goes. */
  readonly uri: string;
  /** As in `DeliveryRow`. */
  readonly state: string;
  /** Why the last try failed. */
  readonly error: string;
}

/** An opened file. Every method throws a `FileFault` with one line for the operator. */
export class ReportView {
  readonly #view: SqliteView;

  /** Opens the file. */
  constructor(path: string) {
    this.#view = new SqliteView(path, REPORT_FORMAT);
  }

  /** All days, the latest first. */
  days(): DaySummary[] {
    const deliveries = new Map<number, Record<string, number>>();
    for (const { day, state, count } of this.#view.all(sql.COUNT_DELIVERIES)) {
      const states = deliveries.get(numberOf(day)) ?? {};
      states[String(state)] = countOf(count);
      deliveries.set(numberOf(day), states);
    }
    return this.#view.all(sql.LIST_DAYS).toReversed().map((row) => {
      const day = numberOf(row.day);
      const sums = this.#view.one(sql.SUM_DAY, day) ?? {};
      return {
        day,
        state: String(row.state),
        domains: countOf(sums.domains),
        ok: countOf(sums.ok),
        failed: countOf(sums.failed),
        deliveries: deliveries.get(day) ?? {},
      };
    });
  }

  /** When the delivery that waits longest is due, ms; `undefined` if none waits. */
  firstDue(): number | undefined {
    const dueAt = this.#view.one(sql.FIRST_DUE)?.dueAt;
    return typeof dueAt === "number" ? dueAt : undefined;
  }

  /** The deliveries that failed last. */
  errors(limit: number): DeliveryError[] {
    return this.#view.all(sql.LIST_ERRORS, limit).map(({ day, domain, uri, state, error }) => ({
      day: numberOf(day),
      domain: String(domain),
      uri: String(uri),
      state: String(state),
      error: String(error),
    }));
  }

  /** The latest day on which something was counted for a domain. */
  lastDay(domain: string): number | undefined {
    for (const { day } of this.#view.all(sql.LIST_DAYS).toReversed()) {
      if (this.#view.one(sql.HAS_DOMAIN, numberOf(day), domain) !== undefined) return numberOf(day);
    }
    return undefined;
  }

  /** The report of a domain and day; `undefined` if nothing was counted. */
  report(query: { day: number; domain: string; sender: Sender }): CountedReport | undefined {
    return readReport(this.#view, query);
  }

  /** Ends the use of the file. */
  close(): void {
    this.#view.close();
  }
}
