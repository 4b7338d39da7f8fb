/**
 * Watches whether the DNS resolver validates DNSSEC, without which its word on TLSA records
 * is worth nothing (RFC 7672 §2.1.1).
 *
 * @module
 */

import type { Log, Metrics } from "../monitor/types.ts";
import type { Clock } from "../resolver/clock.ts";
import type { DnsClient, DnssecProbe } from "./types.ts";

/** A resolver rarely changes its ways: asked again this often, ms. */
const REPEAT_MS = 3600 * 1000;

/** Until there is an answer at all, asked this often, ms. */
const RETRY_MS = 30_000;

/** The watch. */
export interface DnssecWatch {
  /** The last answer; `undefined` while there is none. */
  validates(): boolean | undefined;
  /** The last probe, for display. */
  last(): DnssecProbe | undefined;
  /** Asks now. Never rejects. */
  ask(): Promise<DnssecProbe>;
  stop(): void;
}

/** Starts the watch; the first question is asked at once. */
export function watchDnssec(
  { dns, clock, log, metrics }: {
    dns: Pick<DnsClient, "probe" | "servers">;
    clock: Clock;
    log: Log;
    metrics: Metrics;
  },
): DnssecWatch {
  let validates: boolean | undefined;
  let last: DnssecProbe | undefined;
  let stopped = false;
  let cancel = () => {};
  metrics.gaugeFn(
    "mta_sts_dnssec_validates",
    "Whether the DNS resolver validates DNSSEC: 1 yes, 0 no, NaN not known.",
    () => validates === undefined ? NaN : validates ? 1 : 0,
  );

  async function ask(): Promise<DnssecProbe> {
    const probe = await dns.probe();
    if (probe.kind !== last?.kind) tell(probe);
    last = probe;
    // A probe that fails says nothing new about the resolver.
    if (probe.kind !== "unknown") validates = probe.kind === "validates";
    return probe;
  }

  function tell(probe: DnssecProbe): void {
    const resolver = dns.servers().join(" ");
    if (probe.kind === "validates") log.info("resolver validates dnssec", { resolver });
    else if (probe.kind === "does-not-validate") {
      log.warn("resolver does not validate dnssec: dane is not checked", {
        resolver,
        detail: probe.detail,
      });
    } else {log.warn("dnssec self-test failed", {
        resolver,
        reason: probe.reason,
        detail: probe.detail,
      });}
  }

  async function round(): Promise<void> {
    const probe = await ask();
    if (!stopped) cancel = clock.setTimer(round, probe.kind === "unknown" ? RETRY_MS : REPEAT_MS);
  }

  round();
  return {
    validates: () => validates,
    last: () => last,
    ask,
    stop(): void {
      stopped = true;
      cancel();
    },
  };
}
