/**
 * Access to DNS and policy hosts as configured, for the daemon and for each command that needs it.
 *
 * @module
 */

import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { createDnsClient } from "../dns/client.ts";
import type { DnsClient } from "../dns/types.ts";
import { createAddressGuard } from "../base/address_guard.ts";
import { dialPolicyHost } from "../https/connect.ts";
import { createPolicyClient, PROXY_VARIABLES } from "../https/policy_client.ts";
import { createPolicyFetcher } from "../https/policy_fetch.ts";
import { createRelay } from "../https/relay.ts";
import { createReportPoster, type PostReport } from "../https/report_post.ts";
import { chooseRoute, NO_RESOLVER } from "../https/route.ts";
import { loadTrustRoots, nextRoots } from "../https/trust_roots.ts";
import type { TrustRoots } from "../https/trust_roots.ts";
import type { FetchPolicy } from "../https/types.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Clock } from "../base/clock.ts";

/** DNS and HTTPS as configured. */
export interface Network {
  readonly dns: DnsClient;
  readonly fetchPolicy: FetchPolicy;
  readonly roots: TrustRoots;
  close(): void;
}

/** What {@link openNetwork} and {@link openReportNetwork} log to, count with and wait by. */
export interface NetworkParts {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** The trust roots of the network before, if this one replaces it. */
  readonly roots?: TrustRoots;
}

/**
 * Puts the network together.
 *
 * Proxies and a set of trust roots belong to the process. The environment is changed here, before the
 * first use of TLS, so that the configuration alone decides about both.
 *
 * @throws {UsageError} If the trust roots cannot be read.
 */
export async function openNetwork(config: Config, parts: NetworkParts): Promise<Network> {
  const { concurrency } = config.https;
  const { dns, roots, https, close } = await openWaysOut(config, parts, { concurrency });
  const fetchPolicy = createPolicyFetcher({ ...parts, ...config.https, ...https });
  return { dns, fetchPolicy, roots, close };
}

/** DNS and HTTPS as configured, for reports. */
export interface ReportNetwork {
  readonly dns: DnsClient;
  readonly post: PostReport;
  close(): void;
}

/** Reports that are posted at once. */
const POSTS_MAX = 10;

/**
 * The same for the report daemon.
 *
 * @throws {UsageError} If the trust roots cannot be read.
 */
export async function openReportNetwork(
  config: Config,
  parts: NetworkParts,
): Promise<ReportNetwork> {
  const limits = { concurrency: POSTS_MAX, perAddress: POSTS_MAX };
  const { dns, https, close } = await openWaysOut(config, parts, limits);
  return { dns, post: createReportPoster({ ...parts, ...limits, ...https }), close };
}

/** DNS, and the client for HTTPS with what leads it to judged addresses. @throws {UsageError} If the trust roots cannot be read. */
async function openWaysOut(
  config: Config,
  parts: NetworkParts,
  { concurrency }: { readonly concurrency: number },
) {
  const roots = await chooseRoots(config, parts.roots);
  for (const name of PROXY_VARIABLES) Deno.env.delete(name);
  for (const [name, value] of Object.entries(roots.environment)) {
    if (value === undefined) Deno.env.delete(name);
    else Deno.env.set(name, value);
  }
  const route = chooseRoute(config.https);
  if (route.kind === "proxy" && !("RES_OPTIONS" in route.environment) && hasNoResolver()) {
    throw new UsageError("Cannot look up the name of a proxy after a start without one", {
      hint: "restart, or give its address in 'https.proxy'",
    });
  }
  for (const [name, value] of Object.entries(route.environment)) Deno.env.set(name, value);
  const { servers, timeout, dnssecProbe } = config.dns;
  const dns = createDnsClient({ ...parts, servers, timeout, dnssecProbe });
  const relay = route.kind === "relay"
    ? createRelay({ clock: parts.clock, concurrency })
    : undefined;
  const proxy = route.kind === "relay" ? relay?.proxy : route.url;
  const client = createPolicyClient({
    caCerts: roots.caCerts,
    ...(proxy === undefined ? {} : { proxy }),
  });
  const https = {
    client,
    lookup: dns.lookup,
    guard: createAddressGuard(config.https.allowPrivate),
    ...(relay && { direct: { relay, dial: dialPolicyHost } }),
  };
  return {
    dns,
    roots,
    https,
    close(): void {
      dns.close();
      client.close();
      relay?.close();
    },
  };
}

/**
 * Loads the trust roots of a configuration; the environment is not changed.
 *
 * @param before Those of the network before, if there was one.
 * @throws {UsageError} If they cannot be read.
 */
export async function chooseRoots(config: Config, before?: TrustRoots): Promise<TrustRoots> {
  const certFile = before === undefined ? Deno.env.get("SSL_CERT_FILE") : before.certFile;
  const roots = await loadTrustRoots(config.https.ca, certFile === undefined ? {} : { certFile });
  if (roots.kind === "failed") {
    throw new UsageError(roots.detail, { hint: "name another file in 'tls.ca'" });
  }
  return nextRoots(roots, before);
}

/** Whether an earlier configuration has switched off the C library's resolver, for as long as the process lives. */
function hasNoResolver(): boolean {
  return Deno.env.get("RES_OPTIONS") === NO_RESOLVER.RES_OPTIONS;
}
