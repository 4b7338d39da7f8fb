/**
 * The arguments of `check`, read.
 *
 * @module
 */

import { PROBE_TIMEOUT_MS } from "../check/tls_probe.ts";
import { isCidr, parseNameServer } from "../base/address.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { toALabel } from "../sts/domain.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readSeconds } from "./arguments.ts";
import { readConfig } from "./read_config.ts";

/** What to check, how, and what to make of it. */
export interface CheckSettings {
  /** In lower-case A-labels, each once. */
  readonly domains: readonly string[];
  /** The configuration, with what the arguments change in it. */
  readonly config: Config;
  readonly form: "text" | "json" | "nagios" | "changes";
  readonly colour: boolean;
  /** Show on standard error how far the check has come, if that is a terminal. */
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

/** More would keep a plugin longer than Nagios lets it run, seconds. */
const TIMEOUT_MAX = 60;

const SMTP_PORT = 25;

const FORMS = ["json", "nagios", "watch"] as const;

/** Reads the arguments. @throws {UsageError} If one is wrong, or two exclude each other. */
export function readCheckSettings(args: CommandArgs, io: Io): CheckSettings {
  const [form, other] = FORMS.filter((name) => args.flag(name));
  if (other !== undefined) throw new UsageError(`--${form} and --${other} exclude each other`);
  const since = args.value("since");
  if (form === "watch" && since === undefined) {
    throw new UsageError("--watch needs --since FILE, to know what has changed");
  }
  const timeout = readTimeout(args);
  const { config } = readConfig(args.value("config"), io);
  return {
    domains: readDomains(args.operands),
    config: changeConfig(config, { args, timeout }),
    form: form === "watch" ? "changes" : form ?? "text",
    colour: io.isTerminal && (io.env("NO_COLOR") ?? "") === "",
    progress: form !== "nagios",
    html: args.value("html"),
    since,
    timeout,
    mxOnly: args.flag("mx-only"),
    smtp: !args.flag("no-smtp"),
    smtpPort: readPort(args.value("smtp-port")),
  };
}

function readDomains(operands: readonly string[]): string[] {
  const domains = operands.map((operand) => {
    const domain = toALabel(operand);
    if (domain !== undefined && domain.includes(".")) return domain;
    throw new UsageError(`not a domain: ${JSON.stringify(operand.slice(0, 80))}`);
  });
  return [...new Set(domains)];
}

function readTimeout(args: CommandArgs): number {
  const seconds = readSeconds(args, "timeout") ?? PROBE_TIMEOUT_MS / 1000;
  if (seconds >= 1 && seconds <= TIMEOUT_MAX) return seconds * 1000;
  throw new UsageError(`--timeout is from 1 to ${TIMEOUT_MAX} seconds`);
}

function readPort(text: string | undefined): number {
  if (text === undefined) return SMTP_PORT;
  const port = /^[0-9]{1,5}$/.test(text) ? parseInt(text, 10) : 0;
  if (port >= 1 && port <= 65535) return port;
  throw new UsageError(`--smtp-port is a port number: given '${text}'`);
}

function changeConfig(
  config: Config,
  { args, timeout }: { args: CommandArgs; timeout: number },
): Config {
  const servers = args.values("resolver").map((text) => {
    const server = parseNameServer(text);
    if (server !== undefined) return server;
    throw new UsageError(`--resolver is an address such as 127.0.0.1: given '${text}'`);
  });
  const ranges = args.values("allow-private");
  const wrong = ranges.find((text) => !isCidr(text));
  if (wrong !== undefined) {
    throw new UsageError(`--allow-private is a range such as 10.0.0.0/8: given '${wrong}'`);
  }
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
