/**
 * `report show DOMAIN`: the report of a domain as it will be sent, or was.
 *
 * @module
 */

import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { senderOf } from "../daemon/report_context.ts";
import { sends } from "../daemon/report_delivery.ts";
import { formatDay, parseDay } from "../reports/report_id.ts";
import type { CountedReport } from "../reports/types.ts";
import { toDomainName } from "../sts/domain.ts";
import { writeReport } from "../tlsrpt/write_report.ts";
import type { CommandArgs, Io } from "./command.ts";
import { withNetwork } from "./network.ts";
import { readConfig } from "./read_config.ts";
import { withReportView } from "./report_file.ts";
import { composeShownMail } from "./report_mail.ts";

const EXIT_NOT_FOUND = 1;

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const [operand = ""] = args.operands;
  const domain = toDomainName(operand);
  if (domain === undefined) throw new UsageError(`not a domain: '${operand}'`);
  const date = args.value("day");
  const given = date === undefined ? undefined : parseDay(date);
  if (date !== undefined && given === undefined) {
    throw new UsageError(`'--day' takes a date such as 2026-11-27: given '${date}'`);
  }
  const { config } = readConfig(args.value("config"), io);
  if (args.flag("mail") && !sends(config)) {
    throw new UsageError("nobody reports: there is no mail", {
      hint: "set 'report.organization' and 'report.contact'",
    });
  }
  const sender = senderOf(config);
  const counted = withReportView(config, io, {
    use(view) {
      const day = given ?? view.lastDay(domain);
      return day === undefined ? undefined : view.report({ day, domain, sender });
    },
  });
  if (counted === undefined) {
    const when = given === undefined ? "" : ` on ${formatDay(given)}`;
    io.err(`nothing was counted for ${domain}${when}`);
    return EXIT_NOT_FOUND;
  }
  if (args.flag("mail")) return await printMail(counted, config, io);
  io.out(JSON.stringify(JSON.parse(writeReport(counted.report)), null, 2) + "\n");
  return 0;
}

/** Prints the mail; notes go to standard error. @returns The exit status. */
async function printMail(counted: CountedReport, config: Config, io: Io): Promise<number> {
  const mail = await withNetwork(
    config,
    ({ network, clock }) =>
      composeShownMail(counted, { config, lookup: network.dns.lookup, clock }),
  );
  if (mail.kind === "none") {
    io.err(`no report goes to ${counted.report.domain} by mail: ${mail.reason}`);
    return EXIT_NOT_FOUND;
  }
  for (const note of mail.notes) io.err(`note: ${note}`);
  io.out(mail.text);
  return 0;
}
