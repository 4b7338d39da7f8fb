/**
 * `report send [DOMAIN…]`: has reports sent now, or sends a copy to the operator.
 *
 * @module
 */

import { type Clock, createClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { defaultReportFile } from "../config/defaults.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { openReportNetwork } from "../daemon/network.ts";
import { reportFileOf, senderOf } from "../daemon/report_context.ts";
import { sends } from "../daemon/report_delivery.ts";
import { openMailServer, whyNoMail } from "../daemon/report_mailer.ts";
import { type Attempt, judgePost } from "../deliver/attempt.ts";
import { Mailer } from "../deliver/mailer.ts";
import { composeReportMail, packReport, REPORT_TYPE } from "../deliver/report_mail.ts";
import { formatDay, parseDay } from "../reports/report_id.ts";
import { createReportStore } from "../reports/report_store.ts";
import { isMissing } from "../sqlite/read_only.ts";
import { toDomainName } from "../sts/domain.ts";
import type { Report } from "../tlsrpt/report.ts";
import { type Destination, parseRua } from "../tlsrpt/rua.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";
import { withReportView } from "./report_file.ts";

const EXIT_NOTHING = 1;

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const domains = args.operands.map((operand) => {
    const domain = toDomainName(operand);
    if (domain === undefined) throw new UsageError(`not a domain: '${operand}'`);
    return domain;
  });
  const date = args.value("day");
  const day = date === undefined ? undefined : parseDay(date);
  if (date !== undefined && day === undefined) {
    throw new UsageError(`'--day' takes a date such as 2026-11-27: given '${date}'`);
  }
  const { config } = readConfig(args.value("config"), io);
  if (!sends(config)) {
    throw new UsageError("nobody reports: nothing can be sent", {
      hint: "set 'report.organization' and 'report.contact'",
    });
  }
  const to = args.value("to");
  return to === undefined
    ? hasten(config, { domains, day, io })
    : await sendCopies(config, { domains, day, to: readUri(to, { config, domains }), io });
}

function readUri(
  uri: string,
  { config, domains }: { config: Config; domains: readonly string[] },
): Destination {
  if (domains.length === 0) throw new UsageError("'--to' needs a DOMAIN whose report is sent");
  const destination = parseRua(uri);
  if (destination.kind === "invalid") {
    throw new UsageError(`'--to' takes a mailto or https URI: ${destination.reason}`);
  }
  const reason = destination.kind === "mailto" ? whyNoMail(config) : undefined;
  if (reason !== undefined) throw new UsageError(`no mail can be sent: ${reason}`);
  return destination;
}

/** Makes deliveries due. @returns The exit status. */
function hasten(
  config: Config,
  { domains, day, io }: { domains: readonly string[]; day: number | undefined; io: Io },
): number {
  const path = reportFileOf(config, defaultReportFile(io.env));
  if (isMissing(path)) throw new Error(`cannot read ${path}: has 'report serve' created it?`);
  const store = createReportStore({
    path,
    log: createLog({ level: "error", format: "text" }),
    metrics: createMetrics(),
    now: Date.now,
    // The daemon knows the time; the file keeps what that has noted.
    proven: () => 0,
    onLastSeen() {},
    sender: () => senderOf(config),
    allowUnsafeDirectory: config.cache.allowUnsafeDirectory,
  });
  try {
    const chosen = domains.length === 0 ? [undefined] : domains;
    const due = chosen.reduce(
      (sum, domain) => sum + store.hasten({ day, domain, now: Date.now() }),
      0,
    );
    io.out(`${due} ${due === 1 ? "delivery is" : "deliveries are"} due now\n`);
    return due === 0 ? EXIT_NOTHING : 0;
  } finally {
    store.close();
  }
}

/** Sends copies. @returns The exit status. */
async function sendCopies(
  config: Config,
  { domains, day, to, io }: {
    domains: readonly string[];
    day: number | undefined;
    to: Destination;
    io: Io;
  },
): Promise<number> {
  const sender = senderOf(config);
  const reports = withReportView(config, io, {
    use: (view) =>
      domains.map((domain) => {
        const which = day ?? view.lastDay(domain);
        const counted = which === undefined
          ? undefined
          : view.report({ day: which, domain, sender });
        return { domain, report: counted?.report };
      }),
  });
  const clock = createClock();
  const way = to.kind === "mailto" ? openMailWay(config, clock) : await openWebWay(config, clock);
  let exit = 0;
  for (const { domain, report } of reports) {
    if (report === undefined) {
      io.err(`nothing was counted for ${domain}`);
      exit = EXIT_NOTHING;
      continue;
    }
    const attempt = await way.send(report, to);
    const what = `${domain} ${formatDay(report.begin / DAY_MS)}`;
    if (attempt.kind === "accepted") io.out(`${what}: sent\n`);
    else {
      io.err(`${what}: ${attempt.error}`);
      exit = EXIT_NOTHING;
    }
  }
  await way.close();
  return exit;
}

/** A day, ms. */
const DAY_MS = 24 * 3600 * 1000;

/** How copies go out. */
interface Way {
  send(report: Report, to: Destination): Promise<Attempt>;
  close(): Promise<void>;
}

function openMailWay(config: Config, clock: Clock): Way {
  const mailer = new Mailer({ clock, open: () => openMailServer(config, { clock }) });
  return {
    async send(report, to) {
      const address = to.kind === "mailto" ? to.address : "";
      const message = composeReportMail(report, { to: address, time: clock.now() });
      return await mailer.send({ from: report.contact, to: address, message });
    },
    close: () => mailer.close(),
  };
}

async function openWebWay(config: Config, clock: Clock): Promise<Way> {
  const log = createLog({ level: "error", format: "text" });
  const network = await openReportNetwork(config, { log, metrics: createMetrics(), clock });
  return {
    async send(report, to) {
      const url = to.kind === "https" ? to.url : "";
      const result = await network.post({ url, type: REPORT_TYPE, body: packReport(report) });
      return judgePost(
        result.kind === "answered"
          ? result
          : { kind: "failed", isRefused: false, detail: result.detail },
      );
    },
    close() {
      network.close();
      return Promise.resolve();
    },
  };
}
