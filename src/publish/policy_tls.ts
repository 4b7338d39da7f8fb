/**
 * TLS of the policy host: each client gets the certificate of the policy host that it names (RFC 8461 §7.1).
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { HttpSource } from "../http/server.ts";
import type { PemPair } from "../http/tls_session.ts";
import { createTlsSources } from "../http/tls_source.ts";
import { domainOfPolicyHost } from "./policy_site.ts";

/** What {@link createPolicyTlsSources} needs. */
export interface PolicyTlsOptions {
  /** The certificate for the policy host of a domain. */
  readonly findCertificate: (domain: string) => PemPair | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Creates the function that turns a TCP listener into a source of connections with TLS. */
export function createPolicyTlsSources(
  { findCertificate, log, metrics }: PolicyTlsOptions,
): (listener: Deno.TcpListener) => HttpSource {
  return createTlsSources({
    findCertificate: (host) => {
      const domain = domainOfPolicyHost(host ?? "");
      return domain === undefined ? undefined : findCertificate(domain);
    },
    failures: metrics.counter(
      "mta_sts_publish_tls_failures_total",
      "Connections to the policy host on which TLS failed, by step.",
      ["step"],
    ),
    log,
  });
}
