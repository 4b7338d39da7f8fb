/**
 * Opens what the report daemon collects from, as configured: Postfix's datagrams, and what `serve` reports.
 *
 * @module
 */

import type { Aggregator } from "../collect/aggregator.ts";
import { collectDatagrams } from "../collect/datagrams.ts";
import {
  adoptStandardInput,
  type DatagramSource,
  measureQueueLength,
  openDatagramSocket,
  QUEUE_LENGTH_MIN,
} from "../collect/datagram_socket.ts";
import { serveInlet } from "../collect/inlet.ts";
import type { CollectAddress } from "../config/report_keys.ts";
import { UsageError } from "../config/usage_error.ts";
import { openSocket } from "../postfix/listen.ts";
import type { ReportContext } from "./report_context.ts";

/** What {@link openReportSources} works with. */
export interface ReportSourcesOptions {
  readonly context: ReportContext;
  readonly aggregator: Pick<Aggregator, "add">;
}

/**
 * Opens them.
 *
 * @returns What closes them.
 * @throws {UsageError} If the configuration names none.
 * @throws {Error} If one cannot be opened; with one line for the operator.
 */
export async function openReportSources(
  { context, aggregator }: ReportSourcesOptions,
): Promise<{ close(): void }> {
  const { collect, feed, socketMode } = context.config().report;
  const { log } = context;
  if (collect === undefined && feed === undefined) {
    throw new UsageError("nothing to collect from", {
      hint: "set 'report.collect', and 'smtp_tlsrpt_socket_name' of Postfix to the same socket",
    });
  }
  const add = aggregator.add.bind(aggregator);
  const closers: { close(): void }[] = [];
  if (collect !== undefined) {
    const source = await openSource(collect, { mode: socketMode, warnings: context.warnings });
    await warnOfQueue(context);
    collectDatagrams({ ...context, source, add });
    log.info("collecting", { from: collect.kind === "stdin" ? "standard input" : collect.path });
    closers.push(source);
  }
  if (feed !== undefined && feed.kind === "unix") {
    try {
      const socket = await openSocket({ ...feed, mode: socketMode });
      closers.push(serveInlet({ ...context, source: socket, add }));
      log.info("collecting", { from: feed.path });
    } catch (error) {
      for (const closer of closers) closer.close();
      throw error;
    }
  }
  return { close: () => closers.forEach((closer) => closer.close()) };
}

async function openSource(
  collect: CollectAddress,
  { mode, warnings }: { mode: number; warnings: ReportContext["warnings"] },
): Promise<DatagramSource> {
  if (collect.kind === "unix") return await openDatagramSocket(collect.path, mode);
  return adoptStandardInput(() =>
    warnings.warn("standard input", "nothing on standard input", {
      remedy: "start the socket unit, and set StandardInput=socket in this one",
    })
  );
}

/** Postfix drops what the kernel does not queue, and nobody else sees that. */
async function warnOfQueue({ log, metrics }: ReportContext): Promise<void> {
  const length = await measureQueueLength();
  metrics.gauge(
    "mta_sts_report_kernel_queue_length",
    "Datagrams that the kernel queues for the socket of Postfix, counted up to 128.",
  ).cell().value = length ?? NaN;
  if (length === undefined || length >= QUEUE_LENGTH_MIN) return;
  log.warn("the kernel queues few datagrams, and a burst of mail loses some", {
    queued: length,
    remedy: "set net.unix.max_dgram_qlen=512 with sysctl, and create the socket again",
  });
}
