/**
 * `check DOMAIN…`: everything about MTA-STS, TLS reports and DANE that the owner of a domain should know.
 *
 * @module
 */

import { createAddressGuard } from "../base/address_guard.ts";
import { messageOf } from "../base/error_text.ts";
import { VERSION } from "../base/version.ts";
import { checkDomains } from "../check/check.ts";
import { changes, type Memory } from "../check/memory.ts";
import { loadMemory, saveMemory } from "../check/memory_file.ts";
import { createProgressLine } from "../check/progress_line.ts";
import type { DomainReport } from "../check/report.ts";
import { formatHtml } from "../check/report_html.ts";
import { formatJson, type RunFacts } from "../check/report_json.ts";
import { formatNagios, formatUnknown } from "../check/report_nagios.ts";
import { formatChanges, formatText } from "../check/report_text.ts";
import { PROBE_TIMEOUT_MS } from "../check/probe_timeout.ts";
import { createTlsProbe } from "../check/tls_probe.ts";
import { closest } from "../config/suggest.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { createFiles } from "../base/files.ts";
import type { FileWrite } from "../base/files.ts";
import { readDomains, readNameServers, readPort, readRanges, readSeconds } from "./arguments.ts";
import { PROGRAM } from "./command.ts";
import type { CommandArgs, Io } from "./command.ts";
import { withNetwork } from "./network.ts";
import { readConfig } from "./read_config.ts";

/** What to check, how, and which report to make. */
interface CheckSettings {
  /** In lower-case A-labels, each once. */
  readonly domains: readonly string[];
  /** The configuration with the changes that the arguments make to it. */
  readonly config: Config;
  readonly form: "text" | "json" | "nagios" | "changes";
  readonly colour: boolean;
  /** Show the progress on standard error, if that is a terminal. */
  readonly progress: boolean;
  /** File for the page. */
  readonly html: string | undefined;
  /** File for the memory. */
  readonly since: string | undefined;
  /** For one address, ms. */
  readonly timeout: number;
  readonly mxOnly: boolean;
  readonly smtp: boolean;
  readonly smtpPort: number;
}

/** Nagios ends a plugin that takes longer, seconds. */
const TIMEOUT_MAX = 60;

const SMTP_PORT = 25;

/** The options that choose a form. */
const FORM_OPTIONS = ["json", "nagios", "watch"] as const;

/** Exit status by verdict; the gravest of all domains counts. */
const EXITS: Readonly<Record<DomainReport["verdict"], number>> = { ok: 0, warning: 1, error: 3 };

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  if (!args.flag("nagios")) return await check(args, io);
  try {
    return await check(args, io);
  } catch (error) {
    // Exit status 2 for wrong arguments would be CRITICAL to Nagios.
    const { text, exit } = formatUnknown(messageOf(error));
    io.out(text);
    return exit;
  }
}

async function check(args: CommandArgs, io: Io): Promise<number> {
  const settings = readSettings(args, io);
  const { html, since } = settings;
  const files = createFiles();
  const memory = since === undefined ? new Map() : await readMemory(since);
  const started = performance.now();
  const reports = await runCheck(settings, memory);
  const run: RunFacts = {
    program: PROGRAM,
    version: VERSION,
    time: Date.now(),
    elapsed: performance.now() - started,
  };
  if (html !== undefined) {
    throwIfFailed(await files.write(html, new TextEncoder().encode(formatHtml(reports, run))));
  }
  if (since !== undefined) throwIfFailed(await saveMemory(since, { memory, reports }, { files }));
  return print(reports, { settings, memory, run, io });

  async function readMemory(file: string): Promise<Memory> {
    const read = await loadMemory(file, files);
    if (read.kind === "read") return read.memory;
    const { detail, advice } = read;
    throw new UsageError(detail, advice === undefined ? {} : { hint: advice });
  }
}

function throwIfFailed(written: FileWrite): void {
  if (written.kind === "failed") throw new UsageError(written.detail);
}

function runCheck(settings: CheckSettings, memory: Memory): Promise<readonly DomainReport[]> {
  const { config, domains, timeout } = settings;
  return withNetwork(config, async ({ network, clock }) => {
    const write = (text: string) => void Deno.stderr.writeSync(new TextEncoder().encode(text));
    const progress = settings.progress && Deno.stderr.isTerminal()
      ? createProgressLine(domains.length, write)
      : undefined;
    try {
      return await checkDomains(domains, {
        ...settings,
        // A proxy is the only way to policy hosts, and the probe does not use it.
        directHttps: config.https.proxy === undefined,
        clock,
        memory,
        suggest: closest,
        effects: {
          ...network,
          probeTls: createTlsProbe({ clock, timeout, caCerts: network.roots.caCerts }),
          guard: createAddressGuard(config.https.allowPrivate),
        },
        ...(progress && { onProgress: progress.show }),
      });
    } finally {
      progress?.end();
    }
  });
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
        // A fault that this check could not look for is not gone.
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

/** Reads the arguments. @throws {UsageError} If one is wrong, or two exclude each other. */
function readSettings(args: CommandArgs, io: Io): CheckSettings {
  const [form, other] = FORM_OPTIONS.filter((name) => args.flag(name));
  if (other !== undefined) throw new UsageError(`--${form} and --${other} exclude each other`);
  const since = args.value("since");
  if (form === "watch" && since === undefined) {
    throw new UsageError("--watch needs --since FILE to compare with");
  }
  const timeout = readTimeout(args);
  const { config } = readConfig(args.value("config"), io);
  return {
    domains: readDomains(args),
    config: changeConfig(config, { args, timeout }),
    form: form === "watch" ? "changes" : form ?? "text",
    colour: io.isTerminal && (io.env("NO_COLOR") ?? "") === "",
    progress: form !== "nagios",
    html: args.value("html"),
    since,
    timeout,
    mxOnly: args.flag("mx-only"),
    smtp: !args.flag("no-smtp"),
    smtpPort: readPort(args, "smtp-port") ?? SMTP_PORT,
  };
}

function readTimeout(args: CommandArgs): number {
  const seconds = readSeconds(args, "timeout") ?? PROBE_TIMEOUT_MS / 1000;
  if (seconds >= 1 && seconds <= TIMEOUT_MAX) return seconds * 1000;
  throw new UsageError(`--timeout takes 1 to ${TIMEOUT_MAX} seconds: given ${seconds}`);
}

function changeConfig(
  config: Config,
  { args, timeout }: { args: CommandArgs; timeout: number },
): Config {
  const servers = readNameServers(args, "resolver");
  const ranges = readRanges(args, "allow-private");
  const ca = args.value("ca");
  const { dns, https } = config;
  return {
    ...config,
    dns: { ...dns, servers: servers.length > 0 ? servers : dns.servers },
    https: {
      ...https,
      ca: ca === undefined ? https.ca : { file: ca },
      allowPrivate: [...https.allowPrivate, ...ranges],
      timeout: Math.min(https.timeout, timeout),
    },
  };
}
