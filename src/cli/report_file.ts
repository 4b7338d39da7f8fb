/**
 * The report file as the commands about reports find it.
 *
 * @module
 */

import { defaultReportFile } from "../config/defaults.ts";
import type { Config } from "../config/types.ts";
import { reportFileOf } from "../daemon/report_context.ts";
import { ReportView } from "../reports/report_view.ts";
import { isMissing } from "../sqlite/read_only.ts";
import type { Io } from "./command.ts";

/**
 * Opens the file read-only, and closes it after `use`.
 *
 * @throws {UsageError} If the configuration names no file and there is no default.
 * @throws {Error} If there is no file, or it cannot be read; with one line for the operator.
 */
export function withReportView<Result>(
  config: Config,
  io: Pick<Io, "env">,
  { use }: { use: (view: ReportView) => Result },
): Result {
  const path = reportFileOf(config, defaultReportFile(io.env));
  if (isMissing(path)) {
    throw new Error(`cannot read ${path}: has 'report serve' created it?`);
  }
  const view = new ReportView(path);
  try {
    return use(view);
  } finally {
    view.close();
  }
}
