/**
 * The server of policy files: policies and certificates from two directories, an HTTP server with
 * TLS or without, and its metrics.
 *
 * @module
 */

import { formatEndpoint } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { createHttpServer, text } from "../http/server.ts";
import type { HttpServer } from "../http/server.ts";
import type { LintOptions } from "./lint.ts";
import { createPolicySite } from "./policy_site.ts";
import { createPolicyTlsSources } from "./policy_tls.ts";
import type { Files } from "../base/files.ts";
import { watchCertificates } from "./watched_certificates.ts";
import type { Credentials } from "./watched_certificates.ts";
import type { WatchedFiles } from "../base/watched_files.ts";
import { watchPolicy } from "./watched_policy.ts";

/** Where to listen. */
export interface TcpAddress {
  readonly hostname: string;
  readonly port: number;
}

/** What to serve, and where. */
export interface PublisherOptions {
  readonly policyDirectory: string;
  /** Not read without `https`. */
  readonly certificateDirectory: string;
  readonly https: readonly TcpAddress[];
  /** For a web server in front of this one. */
  readonly http: readonly TcpAddress[];
  readonly metricsAt: readonly TcpAddress[];
}

/** What the server works with. */
export interface PublisherEffects extends LintOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Calls a function each time the operator asks for a reload. @returns A function that ends this. */
  readonly onReload: (reload: () => void) => () => void;
}

/** A running server. */
export interface Publisher {
  /** Policies and certificates in use. */
  readonly counts: { readonly policies: number; readonly certificates: number };
  /** Waits for a scan under way, then closes all listeners and connections. */
  stop(): Promise<void>;
}

/** Connections that wait for their client: a burst, at four files each within the usual limit of 1024. */
const WAITING_MAX = 200;

/** Pause between scans of the files, ms: a changed policy is served soon, and a scan costs little. */
const SCAN_INTERVAL_MS = 10_000;

/**
 * Reads the files once, then listens.
 *
 * @throws {Error} With one line for the operator, if an address cannot be listened on.
 */
export async function startPublisher(
  options: PublisherOptions,
  effects: PublisherEffects,
): Promise<Publisher> {
  const { https, http, metricsAt } = options;
  const { clock, log, metrics } = effects;
  const { policies, certificates } = watchDirectories(options, effects);
  const scan = async () => {
    await policies.scan();
    // The policies say which certificates are needed.
    await certificates.scan();
  };
  registerGauges(metrics, policies, certificates);
  await scan();

  const site = createPolicySite({ policies, log, metrics });
  const server = createHttpServer({ ...site, clock, log, maxWaiting: WAITING_MAX });
  const tlsSource = createPolicyTlsSources({ findCertificate: certificates.get, log, metrics });
  const metricsServer = createMetricsServer(effects);
  const close = () => {
    server.close();
    metricsServer.close();
  };
  try {
    for (const address of https) server.serve(tlsSource(listen(address, "https", log)));
    for (const address of http) server.serve(listen(address, "http", log));
    for (const address of metricsAt) metricsServer.serve(listen(address, "metrics", log));
  } catch (error) {
    close();
    throw error;
  }
  const stopScans = repeatScans(scan, effects.onReload);
  return {
    counts: { policies: policies.size, certificates: certificates.size },
    async stop(): Promise<void> {
      await stopScans();
      close();
    },
  };
}

function watchDirectories(
  { policyDirectory, certificateDirectory, https }: PublisherOptions,
  { files, clock, log, suggest }: PublisherEffects,
) {
  const policies = watchPolicy({ directory: policyDirectory, files, log, suggest });
  const certificates = watchCertificates({
    directory: certificateDirectory,
    domains: https.length > 0 ? () => policies.keys() : () => [],
    files,
    log,
    now: clock.now,
  });
  return { policies, certificates };
}

/** @throws {Error} With one line for the operator. */
function listen(address: TcpAddress, protocol: string, log: Log): Deno.TcpListener {
  try {
    const listener = Deno.listen(address);
    const { port } = listener.addr;
    const actual = formatEndpoint({ kind: "inet", ...address, port });
    log.info("listening", { protocol, address: actual });
    return listener;
  } catch (error) {
    const where = formatEndpoint({ kind: "inet", ...address });
    const why = messageOf(error);
    throw new Error(`Cannot listen on ${where}: ${why}`, { cause: error });
  }
}

function createMetricsServer({ clock, log, metrics }: PublisherEffects): HttpServer {
  return createHttpServer({
    clock,
    log,
    handle: ({ path }) =>
      path === "/metrics"
        ? { status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: metrics.render() }
        : text(404, "The only path here is /metrics."),
  });
}

function registerGauges(
  metrics: Metrics,
  policies: WatchedFiles<unknown>,
  certificates: WatchedFiles<Credentials>,
): void {
  metrics.gaugeFn("mta_sts_publish_policies", "Policies served.", () => policies.size);
  metrics.gaugeFn(
    "mta_sts_publish_certificate_expiry_timestamp_seconds",
    "When the first of the certificates in use expires; +Inf without any.",
    () => Math.min(...certificates.values().map(({ expires }) => expires / 1000)),
  );
}

/**
 * Scans at regular intervals and at each reload, one scan at a time.
 *
 * @returns A function that ends this and waits for a scan under way.
 */
function repeatScans(
  scan: () => Promise<void>,
  onReload: PublisherEffects["onReload"],
): () => Promise<void> {
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
