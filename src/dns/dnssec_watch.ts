/**
 * Watches the DNS resolvers by asking each of them again and again: whether they validate DNSSEC, and
 * whether they answer over UDP and TCP.
 *
 * @module
 */

import type { Metrics } from "../base/metrics.ts";
import type { Clock } from "../base/clock.ts";
import type { DnsClient, DnssecProbe, ResolverState } from "./types.ts";

/** A resolver rarely changes, so it is asked again this often, ms. */
const REPEAT_MS = 3600 * 1000;

/** While some resolver has not answered, all are asked this often, ms. */
const RETRY_MS = 30_000;

/** The watch. */
export interface DnssecWatch {
  /** Whether a resolver is known to validate; see {@link DnsClient.validates}. */
  validates(): boolean | undefined;
  /** What is known of each resolver. */
  resolvers(): readonly ResolverState[];
  /** Asks now. Never rejects. */
  ask(): Promise<DnssecProbe>;
  stop(): void;
}

/** Starts the watch; the first questions are asked at once. */
export function watchDnssec(
  { dns, clock, metrics }: {
    dns: Pick<DnsClient, "probe" | "inspect" | "resolvers" | "validates">;
    clock: Clock;
    metrics: Metrics;
  },
): DnssecWatch {
  let stopped = false;
  let cancel = () => {};
  metrics.gaugeFn(
    "mta_sts_dnssec_validates",
    "Whether a DNS resolver validates DNSSEC: 1 yes, 0 no, NaN not known.",
    () => {
      const validates = dns.validates();
      return validates === undefined ? NaN : validates ? 1 : 0;
    },
  );

  async function round(): Promise<void> {
    await dns.probe();
    const resolvers = await dns.inspect();
    if (stopped) return;
    const isKnown = resolvers.every(({ validates }) => validates !== undefined);
    cancel = clock.setTimer(round, isKnown ? REPEAT_MS : RETRY_MS);
  }

  round();
  return {
    validates: () => dns.validates(),
    resolvers: () => dns.resolvers(),
    ask: () => dns.probe(),
    stop(): void {
      stopped = true;
      cancel();
    },
  };
}
