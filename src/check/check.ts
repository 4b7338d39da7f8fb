/**
 * Checks domains for their owners: everything that MTA-STS (RFC 8461), TLS reports (RFC 8460) and DANE
 * (RFC 7672) need, from the records to TLS at every MX host.
 *
 * Several domains are checked concurrently, and all connections to hosts share one limit. A host that
 * serves several of the domains is connected to once.
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

/** Domains checked at the same time: enough to keep the connections busy. */
const DOMAINS_AT_ONCE = 4;

/** Connections to hosts at the same time: all addresses of a common MX set, so that one that hangs delays none. */
const CONNECTIONS_AT_ONCE = 16;

/** How far a check has come. */
export interface Progress {
  /** Addresses tried, and addresses to try as far as they are known. */
  readonly tried: number;
  readonly known: number;
  /** Domains whose report is ready. */
  readonly domains: number;
}

/** What a check works with. */
export interface CheckOptions extends GatherOptions {
  readonly effects: CheckEffects;
  readonly clock: Clock;
  /** From the last check. */
  readonly memory?: Memory;
  /** Finds what a misspelt field of a policy was meant to be. */
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
