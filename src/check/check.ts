/**
 * Checks domains for their owners: everything that MTA-STS (RFC 8461), TLS reports (RFC 8460) and DANE
 * (RFC 7672) need, from the records to TLS at every MX host.
 *
 * It checks several domains concurrently, and all connections to hosts share one limit. It connects once
 * to a host that serves several of the domains.
 *
 * @module
 */

import type { LintOptions } from "../publish/lint.ts";
import type { Clock } from "../base/clock.ts";
import { type CheckEffects, gather, type GatherOptions } from "./gather.ts";
import type { Memory } from "./memory.ts";
import { createPool } from "../base/pool.ts";
import { type DomainReport, judge } from "./report.ts";
import type { ProbeTls, TlsProbe } from "./tls_probe.ts";

/** Domains checked at the same time: enough to use all connections. */
const DOMAINS_AT_ONCE = 4;

/** Connections to hosts at the same time: all addresses of a usual MX set, so that one that hangs delays no other. */
const CONNECTIONS_AT_ONCE = 16;

/** The progress of a check. */
export interface Progress {
  /** Addresses tried, and addresses known so far. */
  readonly tried: number;
  readonly known: number;
  /** Domains whose report is ready. */
  readonly domains: number;
}

/** What {@link checkDomains} needs. */
export interface CheckOptions extends GatherOptions {
  readonly effects: CheckEffects;
  readonly clock: Clock;
  /** From the last check. */
  readonly memory?: Memory;
  /** Finds the field that a misspelt one probably stands for. */
  readonly suggest: LintOptions["suggest"];
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Checks domains.
 *
 * @param domains In lower-case A-labels, each once.
 * @returns The reports in the same order. Never rejects.
 */
export async function checkDomains(
  domains: readonly string[],
  options: CheckOptions,
): Promise<readonly DomainReport[]> {
  const { clock, memory, suggest, onProgress } = options;
  let progress: Progress = { tried: 0, known: 0, domains: 0 };
  const step = (change: Partial<Progress>) => {
    progress = { ...progress, ...change };
    onProgress?.(progress);
  };
  const effects = { ...options.effects, probeTls: shareProbes(options.effects.probeTls, step) };
  const dnssec = await effects.dns.probe();
  const pool = createPool(DOMAINS_AT_ONCE);
  return await Promise.all(domains.map((domain) =>
    pool(async () => {
      const seen = await gather(domain, effects, { ...options, dnssec });
      step({ domains: progress.domains + 1 });
      return judge(seen, { remembered: memory?.get(domain), now: clock.now(), suggest });
    })
  ));

  /** Probes each target once, within the limit. */
  function shareProbes(probe: ProbeTls, count: typeof step): ProbeTls {
    const connections = createPool(CONNECTIONS_AT_ONCE);
    const known = new Map<string, Promise<TlsProbe>>();
    return (target) => {
      const key = `${target.host} ${target.address} ${target.port}`;
      let result = known.get(key);
      if (result === undefined) {
        count({ known: progress.known + 1 });
        result = connections(() => probe(target)).finally(() => {
          count({ tried: progress.tried + 1 });
        });
        known.set(key, result);
      }
      return result;
    };
  }
}
