/**
 * `publish init DOMAIN`: proposes a policy, writes it, and prints the remaining steps.
 *
 * @module
 */

import { PROBE_TIMEOUT_MS } from "../check/probe_timeout.ts";
import { createTlsProbe } from "../check/tls_probe.ts";
import { isIpv4, isIpv6 } from "../base/host.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { DEFAULT_MAX_AGE, initPolicy } from "../publish/init.ts";
import {
  hostOfCertificate,
  proposeReportUris,
  type ReceiverProposal,
} from "../publish/receiver_uris.ts";
import { readReportUri } from "../publish/records.ts";
import { WEB_SERVERS } from "../publish/web_snippets.ts";
import type { WebServer } from "../publish/web_snippets.ts";
import { findEntry } from "../receive/own_domains.ts";
import { toALabel } from "../sts/domain.ts";
import type { CommandArgs, Io } from "./command.ts";
import { policyFile, readDomain, readMaxAge, readMode, readPatterns } from "./arguments.ts";
import { createCertificateView } from "../check/certificate_view.ts";
import { createFiles } from "../base/files.ts";
import { withNetwork } from "./network.ts";
import { readConfig } from "./read_config.ts";

/** A chain of a few certificates is smaller than 20 KiB in PEM, bytes. */
const CHAIN_MAX_BYTES = 128 * 1024;

const EXIT_REFUSED = 1;
const EXIT_FAILURE = 3;

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const domain = readDomain(args);
  const webHost = readWebHost(args.value("web-host"));
  const rua = readRua(args.value("rua"));
  const { config } = readConfig(args.value("config"), io);
  const { rua: reportUri, remarks: reportRemarks } = rua === undefined
    ? await proposeReceiver(domain, config)
    : { rua, remarks: [] };
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
    reportRemarks,
  };
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

/** Where reports arrive here, if the configuration receives those of the domain. */
async function proposeReceiver(domain: string, { received }: Config): Promise<ReceiverProposal> {
  if (findEntry(domain, received.domains) === undefined) return { rua: undefined, remarks: [] };
  const isPosted = received.listen.length > 0;
  const chain = isPosted && received.certs !== undefined
    ? await createFiles().read(`${received.certs}/fullchain.pem`, CHAIN_MAX_BYTES)
    : undefined;
  return proposeReportUris(domain, {
    maildir: received.maildir,
    token: isPosted ? received.token : undefined,
    host: chain?.kind === "read"
      ? hostOfCertificate(new TextDecoder().decode(chain.bytes))
      : undefined,
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
