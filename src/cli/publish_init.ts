/**
 * `publish init DOMAIN`: proposes a policy, writes it, and prints the remaining steps.
 *
 * @module
 */

import { createTlsProbe, PROBE_TIMEOUT_MS } from "../check/tls_probe.ts";
import { isIpv4, isIpv6 } from "../base/host.ts";
import { UsageError } from "../config/usage_error.ts";
import { DEFAULT_MAX_AGE, initPolicy } from "../publish/init.ts";
import { readReportUri } from "../publish/records.ts";
import { WEB_SERVERS } from "../publish/web_snippets.ts";
import type { WebServer } from "../publish/web_snippets.ts";
import { toALabel } from "../sts/domain.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import {
  MAX_AGE_OPTION,
  MX_OPTION,
  OUT_OPTION,
  policyFile,
  readDomain,
  readMaxAge,
  readMode,
  readPatterns,
} from "./arguments.ts";
import { createCertificateView } from "../check/certificate_view.ts";
import { createFiles } from "../publish/files.ts";
import { withNetwork } from "./network.ts";
import { readConfig } from "./read_config.ts";

const EXIT_REFUSED = 1;
const EXIT_FAILURE = 3;

export const publishInitCommand: Command = {
  name: "publish init",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Propose a policy for a domain, write it, and print its DNS records",
  description: [
    "Checks the MX hosts of the domain and their certificates, writes the policy file DOMAIN.txt, and",
    "prints the DNS records and a web server configuration for it.",
    "Publishes nothing itself: serve the file first, then add the records (RFC 8461 §8.1).",
  ],
  options: [
    CONFIG_OPTION,
    OUT_OPTION,
    { name: "mode", value: "MODE", text: "Mode of the policy: testing (default) or enforce" },
    MAX_AGE_OPTION,
    MX_OPTION,
    { name: "rua", value: "ADDRESS", text: "Where senders report to: a mail address or https URI" },
    { name: "web-host", value: "HOST", text: "Name or address of the web server" },
    {
      name: "web",
      value: "SERVER",
      text: "Web server to configure: nginx, apache, caddy or all (default)",
    },
    { name: "no-smtp", text: "Do not connect to the MX hosts" },
    {
      name: "force",
      short: "f",
      text: "Overwrite the policy file, and enforce in spite of bad certificates",
    },
  ],
  exits: [
    [0, "written"],
    [1, "refused; the message says what is wrong and what to do"],
    [2, "wrong arguments or configuration"],
    [3, "DNS failed, or the file cannot be written"],
  ],
  examples: [[
    "mta-sts-resolver publish init example.com --out /var/lib/mta-sts --rua tls@example.com",
    "Write a policy in mode testing, with reports",
  ]],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const domain = readDomain(args);
  const webHost = readWebHost(args.value("web-host"));
  const reportUri = readRua(args.value("rua"));
  const options = {
    domain,
    mode: readMode(args, ["testing", "enforce"]) ?? "testing",
    maxAge: readMaxAge(args) ?? DEFAULT_MAX_AGE,
    mx: readPatterns(args),
    file: policyFile(args, domain),
    force: args.flag("force"),
    webServers: readWebServers(args.value("web") ?? "all"),
    ...(webHost === undefined ? {} : { webHost }),
    ...(reportUri === undefined ? {} : { reportUri }),
  };
  const { config } = readConfig(args.value("config"), io);
  return await withNetwork(config, async ({ network, clock }) => {
    const probe = createTlsProbe({
      clock,
      timeout: PROBE_TIMEOUT_MS,
      caCerts: network.roots.caCerts,
    });
    const outcome = await initPolicy(options, {
      dns: network.dns,
      files: createFiles(),
      now: clock.now,
      ...(args.flag("no-smtp")
        ? {}
        : { viewCertificate: createCertificateView(network.dns.lookup, probe) }),
    });
    if (outcome.kind === "written") {
      io.out(outcome.report);
      return 0;
    }
    io.err(`${domain}: ${outcome.problem}`);
    if (outcome.kind === "failed") return EXIT_FAILURE;
    io.err(`${domain}: ${outcome.advice}`);
    return EXIT_REFUSED;
  });
}

function readRua(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const uri = readReportUri(text);
  if (uri !== undefined) return uri;
  throw new UsageError(`--rua takes a mail address or https URI: given ${JSON.stringify(text)}`);
}

function readWebHost(text: string | undefined): string | undefined {
  if (text === undefined || isIpv4(text) || isIpv6(text)) return text;
  const name = toALabel(text);
  if (name !== undefined) return name;
  throw new UsageError(`--web-host takes a host name or address: given ${JSON.stringify(text)}`);
}

function readWebServers(text: string): readonly WebServer[] {
  if (text === "all") return WEB_SERVERS;
  const chosen = WEB_SERVERS.filter((server) => server === text);
  if (chosen.length > 0) return chosen;
  throw new UsageError(`--web takes one of ${WEB_SERVERS.join(", ")}, all: given '${text}'`);
}
