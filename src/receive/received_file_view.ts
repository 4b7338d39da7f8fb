/**
 * A file of received reports, opened read-only while a daemon may be using it. For `report summary`, `publish roll` and
 * the like.
 *
 * @module
 */

import { SqliteView } from "../sqlite/sqlite_view.ts";
import {
  listDomains,
  listOutcomes,
  listProblems,
  listReports,
  readBody,
  readDays,
} from "./rows.ts";
import { RECEIVED_FORMAT } from "./schema.ts";
import type { KeptReport, OutcomeRow, ProblemRow, ReceivedView, RowQuery } from "./types.ts";

/** An opened file. Every method throws a `FileFault` with one line for the operator. */
export class ReceivedFileView implements ReceivedView {
  readonly #view: SqliteView;

  /** Opens the file. */
  constructor(path: string) {
    this.#view = new SqliteView(path, RECEIVED_FORMAT);
  }

  /** As in `ReceivedView`. */
  domains(): string[] {
    return listDomains(this.#view);
  }

  /** As in `ReceivedView`. */
  outcomes(query: RowQuery): OutcomeRow[] {
    return listOutcomes(this.#view, query);
  }

  /** As in `ReceivedView`. */
  problems(query: RowQuery): ProblemRow[] {
    return listProblems(this.#view, query);
  }

  /** As in `ReceivedView`. */
  reports(domain: string, limit: number): KeptReport[] {
    return listReports(this.#view, { domain, limit });
  }

  /** As in `ReceivedView`. */
  body(id: number): Uint8Array | undefined {
    return readBody(this.#view, id);
  }

  /** As in `ReceivedView`. */
  days(domain: string): { readonly first: string; readonly last: string } | undefined {
    return readDays(this.#view, domain);
  }

  /** Ends the use of the file. */
  close(): void {
    this.#view.close();
  }
}
