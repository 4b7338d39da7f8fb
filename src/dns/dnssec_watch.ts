/**
 * Watches the DNS resolvers: asks each one regularly whether it validates DNSSEC, and whether it answers over UDP
 * and TCP.
 *
 * @module
 */

import type { Metrics } from "../base/metrics.ts";
import type { Clock } from "../base/clock.ts";
import type { DnsClient, DnssecProbe, ResolverState } from "./types.ts";

/** Time between two rounds, ms. A DNS resolver rarely changes. */
const REPEAT_MS = 3600 * 1000;

/** Time between two rounds while a DNS resolver has not answered, or not over both UDP and TCP, ms. */
const RETRY_MS = 30_000;

/** The watch. */
export interface DnssecWatch {
  /** Whether DNSSEC is validated; see {@link DnsClient.validates}. */
  validates(): boolean | undefined;
  /** What is known of each DNS resolver. */
  resolvers(): readonly ResolverState[];
  /** Probes all DNS resolvers now. Never rejects. */
  ask(): Promise<DnssecProbe>;
  /** Ends the watch; a round under way is its last. */
  stop(): void;
}

/** Starts the watch. The first round begins at once. */
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
    const isKnown = resolvers.every(({ validates, udp, tcp }) =>
      validates !== undefined && udp !== "no answer" && tcp !== "no answer"
    );
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
