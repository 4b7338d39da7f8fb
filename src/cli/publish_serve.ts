/**
 * `publish serve`: the server of policy files.
 *
 * @module
 */

import { formatEndpoint } from "../base/address.ts";
import { applyOverrides } from "../config/overrides.ts";
import { closest } from "../config/suggest.ts";
import { UsageError } from "../config/usage_error.ts";
import { createHttpServer, text } from "../http/server.ts";
import type { HttpServer } from "../http/server.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import type { Log, Metrics } from "../base/telemetry.ts";
import { watchCertificates } from "../publish/watched_certificates.ts";
import type { Credentials } from "../publish/watched_certificates.ts";
import { watchPolicy } from "../publish/watched_policy.ts";
import { createPolicySite } from "../publish/policy_site.ts";
import type { WatchedFiles } from "../publish/watched_files.ts";
import { createTlsSources } from "../publish/tls_source.ts";
import { createClock } from "../base/clock.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { readAddresses } from "./arguments.ts";
import { createFiles } from "../publish/files.ts";
import { readConfig } from "./read_config.ts";
import { onReload, waitForStop } from "../daemon/signals.ts";
import { VERSION } from "../base/version.ts";

/** Connections that wait for their client: enough for a burst, within the usual 1024 files at four files each. */
const WAITING_MAX = 200;

/** Pause between looks at the files, ms: a changed policy is served soon, and a look costs little. */
const SCAN_INTERVAL_MS = 10_000;

const HTTPS_DEFAULT = { hostname: "::", port: 443 };

export const publishServeCommand: Command = {
  name: "publish serve",
  operands: "",
  arity: [0, 0],
  summary: "Serve policy files over HTTPS, or over HTTP behind a web server",
  description: [
    "Serves DOMAIN.txt of the policy directory as https://mta-sts.DOMAIN/.well-known/mta-sts.txt.",
    "Files and certificates are looked at every ten seconds, and at a HUP. A file that holds no valid",
    "policy is refused, and so is a certificate for another name; the last good one stays in use.",
    "Certificates are DOMAIN.pem with DOMAIN.key, or mta-sts.DOMAIN/fullchain.pem with privkey.pem as",
    "certbot has them in /etc/letsencrypt/live.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "policies", short: "p", value: "DIR", text: "Directory of the policy files" },
    { name: "certs", value: "DIR", text: "Directory of the certificates, for HTTPS" },
    {
      name: "https",
      value: "ADDRESS",
      many: true,
      text: "Listen here for HTTPS (default [::]:443 unless --http is given)",
    },
    {
      name: "http",
      value: "ADDRESS",
      many: true,
      text: "Listen here for HTTP, behind a web server",
    },
    { name: "metrics", value: "ADDRESS", many: true, text: "Serve /metrics here" },
    { name: "log-level", value: "LEVEL", text: "debug, info, warn or error" },
    { name: "log-format", value: "FORMAT", text: "text or json" },
  ],
  exits: [[0, "stopped by a signal"], [2, "wrong arguments"], [3, "cannot listen"]],
  examples: [
    [
      "mta-sts-resolver publish serve -p /var/lib/mta-sts --certs /etc/letsencrypt/live",
      "HTTPS with certbot's certificates",
    ],
    [
      "mta-sts-resolver publish serve -p /var/lib/mta-sts --http 127.0.0.1:8080",
      "Behind a web server that passes the Host on",
    ],
  ],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const { policyDirectory, certificateDirectory, https, http, metricsAt } = readOptions(args);
  const config = applyOverrides(readConfig(args.value("config"), io).config, {
    logLevel: args.value("log-level"),
    logFormat: args.value("log-format"),
  });
  const log = createLog({ ...config.log, journal: io.env("JOURNAL_STREAM") !== undefined });
  const clock = createClock();
  const metrics = createMetrics();
  const files = createFiles();
  const policies = watchPolicy({ directory: policyDirectory, files, log, suggest: closest });
  const certificates = watchCertificates({
    directory: certificateDirectory,
    domains: https.length > 0 ? () => policies.keys() : () => [],
    files,
    log,
    now: clock.now,
  });
  countShelves(metrics, policies, certificates);
  await policies.scan();
  await certificates.scan();

  const site = createPolicySite({ policies, log, metrics });
  const server = createHttpServer({ ...site, clock, log, maxWaiting: WAITING_MAX });
  const tlsSource = createTlsSources({ findCertificate: certificates.get, log, metrics });
  const metricsServer = createMetricsServer(metrics, { clock, log });
  try {
    for (const address of https) server.serve(tlsSource(listen(address, "https", log)));
    for (const address of http) server.serve(listen(address, "http", log));
    for (const address of metricsAt) metricsServer.serve(listen(address, "metrics", log));
    const counts = { policies: policies.size, certificates: certificates.size };
    log.info("started", { version: VERSION, ...counts });
    const stopScans = scanNowAndThen(async () => {
      await policies.scan();
      await certificates.scan();
    });
    log.info("stopping", { signal: await waitForStop() });
    await stopScans();
  } finally {
    server.close();
    metricsServer.close();
  }
  log.info("stopped");
  return 0;
}

function readOptions(args: CommandArgs) {
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

/** @throws {Error} With one line for the operator. */
function listen(
  address: { readonly hostname: string; readonly port: number },
  protocol: string,
  log: Log,
): Deno.TcpListener {
  try {
    const listener = Deno.listen(address);
    const { port } = listener.addr;
    log.info("listening", {
      protocol,
      address: formatEndpoint({ kind: "inet", ...address, port }),
    });
    return listener;
  } catch (error) {
    const where = formatEndpoint({ kind: "inet", ...address });
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot listen on ${where}: ${why}`, { cause: error });
  }
}

function createMetricsServer(
  metrics: Metrics,
  parts: Pick<Parameters<typeof createHttpServer>[0], "clock" | "log">,
): HttpServer {
  return createHttpServer({
    ...parts,
    handle: ({ path }) =>
      path === "/metrics"
        ? { status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: metrics.render() }
        : text(404, "Only /metrics is here."),
  });
}

function countShelves(
  metrics: Metrics,
  policies: WatchedFiles<unknown>,
  certificates: WatchedFiles<Credentials>,
): void {
  metrics.gaugeFn("mta_sts_publish_policies", "Policies that are served.", () => policies.size);
  metrics.gaugeFn(
    "mta_sts_publish_certificate_expiry_timestamp_seconds",
    "When the first of the certificates in use expires; +Inf without any.",
    () => Math.min(...certificates.values().map(({ expires }) => expires / 1000)),
  );
}

/**
 * Scans every now and then, and at a HUP; never twice at once.
 *
 * @returns A function that ends it, and waits for a scan under way.
 */
function scanNowAndThen(scan: () => Promise<void>): () => Promise<void> {
  let last = Promise.resolve();
  let waiting = false;
  const next = () => {
    if (waiting) return;
    waiting = true;
    last = last.then(() => {
      waiting = false;
      return scan();
    });
  };
  const timer = setInterval(next, SCAN_INTERVAL_MS);
  const stopReloads = onReload(next);
  return async () => {
    clearInterval(timer);
    stopReloads();
    await last;
  };
}
