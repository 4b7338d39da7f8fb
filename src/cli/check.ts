/**
 * `check DOMAIN…`: checks domains as their owners want it, and reports in the form asked for.
 *
 * @module
 */

import type { DomainReport } from "../check/report.ts";
import { formatHtml } from "../check/report_html.ts";
import { formatJson, type RunFacts } from "../check/report_json.ts";
import { formatNagios, formatUnknown } from "../check/report_nagios.ts";
import { formatChanges, formatText } from "../check/report_text.ts";
import { changes, type Memory } from "../check/memory.ts";
import { PROBE_TIMEOUT_MS } from "../check/tls_probe.ts";
import { UsageError } from "../config/usage_error.ts";
import { type CheckSettings, readCheckSettings } from "./check_settings.ts";
import { loadMemory, runCheck, saveFile, saveMemory } from "./check_run.ts";
import { CONFIG_OPTION, PROGRAM } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { VERSION } from "../base/version.ts";

/** Exit status by verdict; with several domains the gravest counts. */
const EXITS: Readonly<Record<DomainReport["verdict"], number>> = { ok: 0, warning: 1, error: 3 };

export const checkCommand: Command = {
  name: "check",
  operands: "DOMAIN…",
  arity: [1, Infinity],
  summary: "Check domains as their owners want it, down to the TLS of every MX host",
  description: [
    "Looks at everything senders look at: the MTA-STS record, the policy host and its certificate,",
    "the policy, every MX host by STARTTLS on every address, the record of TLS reports, DNSSEC and",
    "DANE. Each finding says what was seen, why it matters and what to do.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "json", short: "j", text: "Print JSON, as docs/check.schema.json describes it" },
    { name: "html", value: "FILE", text: "Write a page to FILE as well" },
    {
      name: "nagios",
      text: "Print what Nagios and Icinga expect of a plugin, exit status included",
    },
    { name: "mx-only", text: "Check the MX hosts alone" },
    { name: "no-smtp", text: "Do not connect to MX hosts" },
    {
      name: "since",
      value: "FILE",
      text: "Keep in FILE what was seen, and compare with the last run",
    },
    { name: "watch", text: "Print only what changed since the last run; for cron, with --since" },
    {
      name: "resolver",
      value: "ADDRESS",
      many: true,
      text: "Ask this DNS resolver: 127.0.0.1, [::1]:5353",
    },
    { name: "ca", value: "FILE", text: "Trust the authorities in this PEM file, and no others" },
    {
      name: "allow-private",
      value: "RANGE",
      many: true,
      text: "Connect to addresses in this private range, such as 10.0.0.0/8",
    },
    {
      name: "timeout",
      value: "SECONDS",
      text: `Longest time for one address of a host (default ${PROBE_TIMEOUT_MS / 1000})`,
    },
    {
      name: "smtp-port",
      value: "PORT",
      text: "Port of the MX hosts, in test networks (default 25)",
    },
  ],
  exits: [
    [0, "no faults; with --nagios: OK"],
    [1, "warnings; with --nagios: WARNING"],
    [2, "wrong arguments or configuration; with --nagios: CRITICAL"],
    [3, "errors, or no resolver answers; with --nagios: UNKNOWN"],
  ],
  examples: [
    [`${PROGRAM} check example.com`, "A report to read"],
    [`${PROGRAM} check --watch --since /var/lib/misc/mta-sts.json example.com`, "From cron"],
    [`${PROGRAM} check --nagios example.com`, "From Nagios or Icinga"],
  ],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  if (!args.flag("nagios")) return await check(args, io);
  try {
    return await check(args, io);
  } catch (error) {
    // A plugin that could not do its work says so in its own words; status 2 would be an alarm.
    const { text, exit } = formatUnknown(error instanceof Error ? error.message : String(error));
    io.out(text);
    return exit;
  }
}

async function check(args: CommandArgs, io: Io): Promise<number> {
  const settings = readCheckSettings(args, io);
  const memory = settings.since === undefined ? new Map() : await loadMemory(settings.since);
  const started = performance.now();
  const reports = await runCheck(settings, memory);
  const run: RunFacts = {
    program: PROGRAM,
    version: VERSION,
    time: Date.now(),
    elapsed: performance.now() - started,
  };
  if (settings.html !== undefined) await saveFile(settings.html, formatHtml(reports, run));
  if (settings.since !== undefined) await saveMemory(settings.since, { memory, reports });
  return print(reports, { settings, memory, run, io });
}

function print(
  reports: readonly DomainReport[],
  { settings, memory, run, io }: {
    settings: CheckSettings;
    memory: Memory;
    run: RunFacts;
    io: Io;
  },
): number {
  switch (settings.form) {
    case "nagios": {
      const { text, exit } = formatNagios(reports, run);
      io.out(text);
      return exit;
    }
    case "json":
      io.out(formatJson(reports, run));
      break;
    case "changes":
      for (const { domain, findings, undecided } of reports) {
        const found = changes(memory.get(domain), findings);
        // What could not be looked at is not gone.
        io.out(formatChanges(domain, found.filter(({ kind }) => kind === "new" || !undecided)));
      }
      break;
    case "text":
      io.out(formatText(reports, { colour: settings.colour }));
      break;
    default:
      throw new UsageError(`unknown form ${settings.form satisfies never}`);
  }
  return Math.max(...reports.map(({ verdict }) => EXITS[verdict]));
}
