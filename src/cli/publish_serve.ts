/**
 * `publish serve`: serves policy files.
 *
 * @module
 */

import { createClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { VERSION } from "../base/version.ts";
import { applyOverrides } from "../config/overrides.ts";
import { closest } from "../config/suggest.ts";
import { UsageError } from "../config/usage_error.ts";
import { onReload, waitForStop } from "../daemon/signals.ts";
import { createFiles } from "../publish/files.ts";
import { type PublisherOptions, startPublisher } from "../publish/publisher.ts";
import { readAddresses } from "./arguments.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

const HTTPS_DEFAULT = { hostname: "::", port: 443 };

export const publishServeCommand: Command = {
  name: "publish serve",
  operands: "",
  arity: [0, 0],
  summary: "Serve policy files over HTTPS, or over HTTP behind a web server",
  description: [
    "Serves DOMAIN.txt of the policy directory as https://mta-sts.DOMAIN/.well-known/mta-sts.txt.",
    "Reads changed policies and certificates every ten seconds, and at a HUP. Refuses a file without a",
    "valid policy and a certificate for another name; the last good one stays in use.",
    "Certificates are DOMAIN.pem with DOMAIN.key, or mta-sts.DOMAIN/fullchain.pem with privkey.pem, the",
    "layout of certbot in /etc/letsencrypt/live.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "policies", short: "p", value: "DIR", text: "Directory of the policy files" },
    { name: "certs", value: "DIR", text: "Directory of the certificates, for HTTPS" },
    {
      name: "https",
      value: "ADDRESS",
      many: true,
      text: "Listen on this address for HTTPS (default [::]:443 unless --http is given)",
    },
    {
      name: "http",
      value: "ADDRESS",
      many: true,
      text: "Listen on this address for HTTP, behind a web server",
    },
    { name: "metrics", value: "ADDRESS", many: true, text: "Serve /metrics on this address" },
    { name: "log-level", value: "LEVEL", text: "Log level: debug, info, warn or error" },
    { name: "log-format", value: "FORMAT", text: "Log format: text or json" },
  ],
  exits: [[0, "stopped by a signal"], [2, "wrong arguments"], [3, "cannot listen"]],
  examples: [
    [
      "mta-sts-resolver publish serve -p /var/lib/mta-sts --certs /etc/letsencrypt/live",
      "Serve HTTPS with certificates of certbot",
    ],
    [
      "mta-sts-resolver publish serve -p /var/lib/mta-sts --http 127.0.0.1:8080",
      "Serve HTTP behind a web server that passes on the Host header",
    ],
  ],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const options = readOptions(args);
  const config = applyOverrides(readConfig(args.value("config"), io).config, {
    logLevel: args.value("log-level"),
    logFormat: args.value("log-format"),
  });
  const log = createLog({ ...config.log, journal: io.env("JOURNAL_STREAM") !== undefined });
  const publisher = await startPublisher(options, {
    files: createFiles(),
    clock: createClock(),
    log,
    metrics: createMetrics(),
    suggest: closest,
    onReload,
  });
  log.info("started", { version: VERSION, ...publisher.counts });
  log.info("stopping", { signal: await waitForStop() });
  await publisher.stop();
  log.info("stopped");
  return 0;
}

function readOptions(args: CommandArgs): PublisherOptions {
  const policyDirectory = args.value("policies");
  const certificateDirectory = args.value("certs");
  const http = readAddresses(args, "http");
  const named = readAddresses(args, "https");
  const https = named.length === 0 && http.length === 0 ? [HTTPS_DEFAULT] : named;
  if (policyDirectory === undefined) throw new UsageError("--policies DIR is missing");
  if (https.length > 0 && certificateDirectory === undefined) {
    throw new UsageError("HTTPS needs --certs DIR", { hint: "or use --http behind a web server" });
  }
  return {
    policyDirectory,
    certificateDirectory: certificateDirectory ?? "",
    https,
    http,
    metricsAt: readAddresses(args, "metrics"),
  };
}
