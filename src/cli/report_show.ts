/**
 * `report show DOMAIN`: the report of a domain as it will be sent, or was.
 *
 * @module
 */

import { UsageError } from "../config/usage_error.ts";
import { senderOf } from "../daemon/report_context.ts";
import { formatDay, parseDay } from "../reports/report_id.ts";
import { toDomainName } from "../sts/domain.ts";
import { writeReport } from "../tlsrpt/write_report.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";
import { withReportView } from "./report_file.ts";

const EXIT_NOT_FOUND = 1;

export const reportShowCommand: Command = {
  name: "report show",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Print the TLS report of a domain",
  description: [
    "Prints the report of DOMAIN (RFC 8460) for a UTC day, by default the last one with sessions.",
    "The report of today covers the day so far. Nothing is sent.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "day", value: "DATE", text: "The day, such as 2026-11-27" },
  ],
  exits: [
    [0, "printed"],
    [1, "nothing was counted for the domain"],
    [2, "wrong arguments or configuration"],
    [3, "no report file"],
  ],
  run,
};

function run(args: CommandArgs, io: Io): Promise<number> {
  const [operand = ""] = args.operands;
  const domain = toDomainName(operand);
  if (domain === undefined) throw new UsageError(`not a domain: '${operand}'`);
  const date = args.value("day");
  const given = date === undefined ? undefined : parseDay(date);
  if (date !== undefined && given === undefined) {
    throw new UsageError(`'--day' takes a date such as 2026-11-27: given '${date}'`);
  }
  const { config } = readConfig(args.value("config"), io);
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
    return Promise.resolve(EXIT_NOT_FOUND);
  }
  io.out(JSON.stringify(JSON.parse(writeReport(counted.report)), null, 2) + "\n");
  return Promise.resolve(0);
}
