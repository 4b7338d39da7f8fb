/**
 * `check` for the daemon of received reports: one domain, as its page shows it.
 *
 * @module
 */

import { createAddressGuard } from "../base/address_guard.ts";
import type { Clock } from "../base/clock.ts";
import { checkDomains } from "../check/check.ts";
import type { DomainReport } from "../check/report.ts";
import { PROBE_TIMEOUT_MS } from "../check/probe_timeout.ts";
import { createTlsProbe } from "../check/tls_probe.ts";
import { closest } from "../config/suggest.ts";
import type { Config } from "../config/types.ts";
import type { Network } from "../daemon/network.ts";
import type { SeenNow } from "../status/check_seen.ts";

/** Port of MX hosts. */
const SMTP_PORT = 25;

/** What {@link checkNow} works with. */
export interface CheckNowOptions {
  readonly network: Pick<Network, "dns" | "fetchPolicy" | "roots">;
  readonly clock: Clock;
  readonly config: Pick<Config, "https">;
  /** Port of the MX hosts, in test networks. @default {25} */
  readonly smtpPort?: number;
}

/**
 * Checks a domain.
 *
 * @param domain Lower-case A-labels.
 * @returns Rejects only for a bug.
 */
export async function checkNow(
  domain: string,
  { network, clock, config: { https }, smtpPort = SMTP_PORT }: CheckNowOptions,
): Promise<SeenNow> {
  const caCerts = network.roots.caCerts;
  const [report] = await checkDomains([domain], {
    mxOnly: false,
    smtp: true,
    smtpPort,
    // A proxy is the only way to policy hosts, and the probe does not use it.
    directHttps: https.proxy === undefined,
    clock,
    suggest: closest,
    effects: {
      ...network,
      probeTls: createTlsProbe({ clock, timeout: PROBE_TIMEOUT_MS, caCerts }),
      guard: createAddressGuard(https.allowPrivate),
    },
  });
  return describeSeen(report!, clock.now());
}

/** A report of `check` as the page needs it. @param at When it was made, ms. */
export function describeSeen({ findings, undecided, facts }: DomainReport, at: number): SeenNow {
  return {
    at,
    undecided,
    findings: findings.map(({ id, severity, group, subject, seen, title, fix }) => ({
      id,
      severity,
      group,
      subject,
      seen,
      title,
      fix,
    })),
    mxHosts: facts.mxHosts.map(({ name, covered, tlsaRecords }) => ({
      name,
      tlsaRecords,
      ...(covered !== undefined && { covered }),
    })),
  };
}
