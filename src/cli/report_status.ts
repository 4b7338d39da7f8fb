/**
 * `report status`: the counts, and the deliveries of the last days.
 *
 * @module
 */

import { quoteRemote } from "../base/quote_text.ts";
import { measureQueueLength, QUEUE_LENGTH_MIN } from "../collect/datagram_socket.ts";
import type { Config } from "../config/types.ts";
import { checkDkim, describeDkim } from "../daemon/dkim_check.ts";
import { whyNothing } from "../daemon/report_delivery.ts";
import { formatDay } from "../reports/report_id.ts";
import type { DaySummary, DeliveryError, ReportView } from "../reports/report_view.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";
import { withNetwork } from "./network.ts";
import { withReportView } from "./report_file.ts";

/** Failed deliveries that are shown. */
const MAX_ERRORS = 10;

/** What the command prints. */
interface Status {
  readonly days: readonly DaySummary[];
  readonly next_due: string | undefined;
  readonly errors: readonly DeliveryError[];
  /** Datagrams that the kernel queues for a socket, counted up to 128. */
  readonly kernel_queue_length: number | undefined;
  /** Whether mails can be sent, and will be believed. */
  readonly mail: string;
}

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const { config } = readConfig(args.value("config"), io);
  const stored = withReportView(config, io, { use: readStatus });
  const status = {
    ...stored,
    kernel_queue_length: await measureQueueLength(),
    mail: await describeMail(config),
  };
  io.out(args.flag("json") ? toJson(status) : format(status));
  return 0;
}

/** Asks DNS only if there is a key. */
async function describeMail(config: Config): Promise<string> {
  const reason = whyNothing(config);
  if (reason !== undefined) return reason;
  if (config.report.dkim.milter) return describeDkim({ kind: "none" });
  return await withNetwork(
    config,
    async ({ network }) => describeDkim(await checkDkim(config, network.dns)),
  );
}

function readStatus(view: ReportView): Omit<Status, "kernel_queue_length" | "mail"> {
  const dueAt = view.firstDue();
  return {
    days: view.days(),
    next_due: dueAt === undefined ? undefined : new Date(dueAt).toISOString(),
    errors: view.errors(MAX_ERRORS),
  };
}

function toJson(status: Status): string {
  const dated = <T extends { day: number }>(rows: readonly T[]) =>
    rows.map((row) => ({ ...row, day: formatDay(row.day) }));
  const value = { ...status, days: dated(status.days), errors: dated(status.errors) };
  return JSON.stringify(value, null, 2) + "\n";
}

function format(status: Status): string {
  const { days, next_due: nextDue, errors, kernel_queue_length: queue, mail } = status;
  const lines = ["day\tstate\tdomains\tok\tfailed\tdue\tsent\trefused\texpired"];
  for (const { day, state, domains, ok, failed, deliveries } of days) {
    const sums = ["due", "sent", "refused", "expired"].map((each) => deliveries[each] ?? 0);
    lines.push([formatDay(day), state, domains, ok, failed, ...sums].join("\t"));
  }
  lines.push("", `next report due: ${nextDue ?? "none"}`);
  if (queue !== undefined) {
    const isShort = queue < QUEUE_LENGTH_MIN;
    const length = isShort ? `${queue}: too few for a burst of mail` : `${queue} or more`;
    lines.push(`datagrams that the kernel queues for a socket: ${length}`);
  }
  lines.push(mail);
  for (const { day, domain, uri, state, error } of errors) {
    lines.push(`${formatDay(day)} ${domain} ${quoteRemote(uri)} ${state}: ${quoteRemote(error)}`);
  }
  return lines.join("\n") + "\n";
}
