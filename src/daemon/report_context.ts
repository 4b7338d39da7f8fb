/**
 * The parts that everything in the report daemon works with: configuration, clock, log, counters and the report file.
 *
 * @module
 */

import { createClock, type ProcessClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { createMetrics, type Metrics } from "../base/metrics.ts";
import { createWarnings, type Warnings } from "../base/warnings.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import type { Sender } from "../reports/counted.ts";
import { createReportStore, type ReportStore } from "../reports/report_store.ts";
import { requireSafeDirectory } from "./safe_directory.ts";
import { logClock } from "./clock_log.ts";

/** The parts that everything in the report daemon works with. */
export interface ReportContext {
  /** The configuration as last read. */
  readonly config: () => Config;
  readonly clock: ProcessClock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly warnings: Warnings;
  readonly store: ReportStore;
}

/** The report file of a configuration. @throws {UsageError} If there is none. */
export function reportFileOf({ report }: Config, defaultFile: string | undefined): string {
  const file = report.file ?? defaultFile;
  if (file !== undefined) return file;
  throw new UsageError("no file for the reports", { hint: "name one in 'report.file'" });
}

/** Makes the context and opens the report file. @throws {UsageError} If other users can write to its directory. */
export function createReportContext(
  { config, log, file }: { config: () => Config; log: Log; file: string },
): ReportContext {
  const { allowUnsafeDirectory } = config().cache;
  requireSafeDirectory(file, { allowUnsafeDirectory });
  const clock = createClock({ onChange: logClock(log) });
  const metrics = createMetrics();
  const store = createReportStore({
    path: file,
    log,
    metrics,
    now: clock.now,
    proven: clock.proven,
    onLastSeen: clock.seen,
    sender: () => senderOf(config()),
    allowUnsafeDirectory,
  });
  return { config, clock, log, metrics, warnings: createWarnings({ log, clock }), store };
}

/** Who reports, as far as known. */
export function senderOf({ report }: Config): Sender {
  return { organization: report.organization ?? "", contact: report.contact ?? "" };
}
