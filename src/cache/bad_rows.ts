/**
 * Rows that are not believed: each is counted, and the first of a file is logged.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Metric } from "../base/metrics.ts";
import type { Table } from "./cache_file.ts";

/** Options of {@link BadRows}. */
export interface BadRowsOptions {
  /** The file, for the log. */
  readonly path: string;
  /** Where the first one is logged. */
  readonly log: Log;
  /** Has a cell `row`. */
  readonly errors: Metric;
}

/** Notes the rows that are not believed. */
export class BadRows {
  readonly #options: BadRowsOptions;
  #hasLogged = false;

  /** Notes none yet. @param options Where they are noted. */
  constructor(options: BadRowsOptions) {
    this.#options = options;
  }

  /** Notes one. */
  note(table: Table): void {
    const { path, log, errors } = this.#options;
    errors.cell("row").value++;
    if (!this.#hasLogged) log.warn("cache row not believed", { file: path, table });
    this.#hasLogged = true;
  }

  /** Another file is in use: its first one is logged as well. */
  startOver(): void {
    this.#hasLogged = false;
  }
}
