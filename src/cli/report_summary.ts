/**
 * `report summary [DOMAIN…]`: who could not deliver securely to our domains, why, since when, and what to do.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import { UsageError } from "../config/usage_error.ts";
import { lastDays, readSummary } from "../receive/summary.ts";
import type { DomainSummary } from "../receive/summary_types.ts";
import type { CommandArgs, Io } from "./command.ts";
import { SUMMARY_DAYS, SUMMARY_THRESHOLDS } from "./options.ts";
import { readConfig } from "./read_config.ts";
import { chooseDomains, withReceivedView } from "./received_view.ts";
import { formatSummaryJson } from "./summary_json.ts";
import { formatSummaryNagios, formatSummaryUnknown, type Thresholds } from "./summary_nagios.ts";
import { formatSummary } from "./summary_text.ts";

const EXIT_FAILURES = 1;

/** What `received.keep_days` can be at most. */
const DAYS_MAX = 4000;

/** Runs the command. @returns The exit status. */
// deno-lint-ignore require-await
export async function run(args: CommandArgs, io: Io): Promise<number> {
  if (!args.flag("nagios")) return summarize(args, io);
  try {
    return summarize(args, io);
  } catch (error) {
    // Exit status 2 for wrong arguments would be CRITICAL to Nagios.
    const { text, exit } = formatSummaryUnknown(messageOf(error));
    io.out(text);
    return exit;
  }
}

function summarize(args: CommandArgs, io: Io): number {
  if (args.flag("json") && args.flag("nagios")) {
    throw new UsageError("'--json' and '--nagios' cannot be given together");
  }
  const thresholds = readThresholds(args);
  const days = readDays(args.value("days"));
  const { config } = readConfig(args.value("config"), io);
  const range = lastDays(Date.now(), days);
  return withReceivedView(config, io, {
    use(view) {
      const summaries: DomainSummary[] = [];
      let failures = 0;
      const domains = chooseDomains(args.operands, { config, view });
      for (const [index, domain] of domains.entries()) {
        const summary = readSummary(view, { domain, ...range });
        if (summary.verdict === "failures") failures++;
        if (args.flag("nagios")) summaries.push(summary);
        else if (args.flag("json")) io.out(formatSummaryJson(summary));
        else io.out((index === 0 ? "" : "\n") + formatSummary(summary));
      }
      if (!args.flag("nagios")) return failures > 0 ? EXIT_FAILURES : 0;
      const { text, exit } = formatSummaryNagios(summaries, thresholds);
      io.out(text);
      return exit;
    },
  });
}

function readDays(text: string | undefined): number {
  if (text === undefined) return SUMMARY_DAYS;
  const days = /^[0-9]{1,4}$/.test(text) ? parseInt(text, 10) : 0;
  if (days >= 1 && days <= DAYS_MAX) return days;
  throw new UsageError(`'--days' takes 1 to ${DAYS_MAX}: given '${text}'`);
}

function readThresholds(args: CommandArgs): Thresholds {
  const read = (name: "warning" | "critical") => {
    const given = args.value(name);
    if (given !== undefined && !args.flag("nagios")) {
      throw new UsageError(`'--${name}' goes with '--nagios'`);
    }
    const text = given ?? SUMMARY_THRESHOLDS[name];
    const percent = /^[0-9]{1,3}(?:\.[0-9]{1,6})?$/.test(text) ? parseFloat(text) : NaN;
    if (percent >= 0 && percent <= 100) return percent / 100;
    throw new UsageError(`'--${name}' takes 0 to 100 percent: given '${text}'`);
  };
  const thresholds = { warning: read("warning"), critical: read("critical") };
  if (thresholds.warning > thresholds.critical) {
    throw new UsageError("'--warning' is above '--critical'");
  }
  return thresholds;
}
