/**
 * The life of `report serve`: it collects what happened with TLS, counts it in its file, closes days, and sends the
 * reports (RFC 8460).
 *
 * It is a separate process: datagrams of any local program, addresses that strangers choose and the DKIM key stay
 * out of the process that decides about mail.
 *
 * @module
 */

import { createAdjustableLog, type Log } from "../base/log.ts";
import { VERSION } from "../base/version.ts";
import { Aggregator } from "../collect/aggregator.ts";
import { startDayClose } from "../deliver/day_close.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/types.ts";
import { logNotes } from "./config_notes.ts";
import { reloadSettings } from "./reload_settings.ts";
import { createReportContext, reportFileOf } from "./report_context.ts";
import { sends, startDelivery } from "./report_delivery.ts";
import { openReportHttp } from "./report_http.ts";
import { whyNoMail } from "./report_mailer.ts";
import { openReportSources } from "./report_sources.ts";
import { createNotifier } from "./sd_notify.ts";
import { onReload, waitForStop } from "./signals.ts";
import type { SystemdEnvironment } from "./systemd_environment.ts";
import { feedWatchdog } from "./watchdog.ts";

/** What {@link runReportDaemon} works with. */
export interface ReportDaemonOptions {
  /** Reads the configuration, at the start and at each reload. @throws {UsageError} For mistakes in it. */
  readonly read: () => LoadedConfig;
  /** The report file if the configuration names none. */
  readonly defaultFile: string | undefined;
  readonly systemd: SystemdEnvironment;
  /** Whether standard error goes to the journal of systemd. */
  readonly journal: boolean;
}

/** Keys, and beginnings of keys, that take effect only at a start: sockets, file and network are opened once. */
const FIXED: readonly string[] = [
  ...["report.collect", "report.socket_mode", "report.feed", "report.http", "report.file"],
  ...["dns.", "tls.", "https.", "allow_private"],
];

/**
 * Runs the report daemon until a signal stops it.
 *
 * @throws {UsageError} If the configuration has mistakes, or says that nothing is collected.
 * @throws {Error} If a socket cannot be opened; with one line for the operator.
 */
export async function runReportDaemon(options: ReportDaemonOptions): Promise<void> {
  const { config, notes } = options.read();
  const log = createAdjustableLog({ ...config.log, journal: options.journal });
  logNotes(notes, log);
  const file = reportFileOf(config, options.defaultFile);
  let current = config;
  const context = createReportContext({ config: () => current, log, file });
  const { store, clock } = context;
  const aggregator = new Aggregator({ ...context });
  const stopSignal = waitForStop();
  const sources = await openReportSources({ context, aggregator });
  const delivery = startDelivery(context);
  const closeHttp = await openReportHttp({ context, aggregator, delivery });
  const stopDayClose = startDayClose({
    store,
    clock,
    log,
    settle: (day) => aggregator.settle(day),
    window: () => current.report.window,
    keepDays: () => current.report.keepDays,
  });
  const notifier = createNotifier(options.systemd.notifySocket, log);
  const stopReloads = onReload(() => {
    current = reloadSettings({ read: options.read, running: current, log, fixed: FIXED });
  });
  const feed = () => notifier.send("WATCHDOG=1");
  const stopFeeding = feedWatchdog(options.systemd.watchdog, { clock, feed });
  logStart(config, { log, file });
  notifier.send("READY=1", "STATUS=Collecting");

  log.info("stopping", { signal: await stopSignal });
  stopReloads();
  stopFeeding();
  notifier.send("STOPPING=1");
  notifier.close();
  sources.close();
  stopDayClose();
  delivery.close();
  aggregator.close();
  closeHttp();
  store.close();
  log.info("stopped");
}

function logStart(config: Config, { log, file }: { log: Log; file: string }): void {
  log.info("started", { version: VERSION, config: config.file ?? "embedded defaults", file });
  if (!sends(config)) {
    log.info("counting only", { remedy: "set 'report.organization' and 'report.contact' to send" });
    return;
  }
  const reason = whyNoMail(config);
  if (reason !== undefined) log.warn("no report mail is sent", { reason });
}
