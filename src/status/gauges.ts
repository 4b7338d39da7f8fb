/**
 * Gauges that are read at each scrape, for parts that count nothing themselves: the process, the store
 * and the checks of the resolver. Each reading takes at most a few milliseconds.
 *
 * @module
 */

import type { PolicyLists, StoreCare } from "../cache/types.ts";
import type { Resolver } from "../resolver/resolver.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Deferrals } from "./deferrals.ts";

/** What is held in memory under a bound of octets. */
const MEMORY_TEXTS = {
  policies: "Memory that policies take, at most half of cache.memory_megabytes.",
  views: "Memory that MX hosts take, at most a quarter of cache.memory_megabytes.",
  replies: "Memory that replies kept ready take, at most a quarter of cache.memory_megabytes.",
} as const;

/** What {@link declareGauges} reads. */
export interface GaugeOptions {
  readonly metrics: Metrics;
  readonly store:
    & Pick<PolicyLists, "count" | "countHeldOff" | "oldestFetch">
    & Pick<StoreCare, "health" | "pendingOctets">;
  readonly deferrals: Pick<Deferrals, "count" | "since">;
  /** Checks under way and waiting, of the running resolver. */
  readonly load: Resolver["load"];
  /** Octets of memory taken by what is held, by kind. */
  readonly memory: () => Readonly<Record<keyof typeof MEMORY_TEXTS, number>>;
  /** Current time, ms. */
  readonly now: () => number;
  /** When the process started, ms since the epoch. */
  readonly startedAt: number;
  /** Policies not used for this long count as out of use, ms; a reload may change it. */
  readonly forgetAfter: () => number;
  readonly version: string;
}

/** Declares the gauges. */
export function declareGauges(options: GaugeOptions): void {
  declareProcess(options);
  declareStore(options);
  const { metrics, load, memory, deferrals } = options;
  metrics.gaugeFn(
    "mta_sts_deferred_domains",
    "Domains whose mail waits: last answered TEMP, or no MX host is in the policy; at most 2,000.",
    () => deferrals.count(),
  );
  metrics.gaugeFn(
    "mta_sts_deferred_since_timestamp_seconds",
    "Since when the domain deferred the longest has been; NaN if none is.",
    () => (deferrals.since() ?? NaN) / 1000,
  );
  for (const [kind, text] of Object.entries(MEMORY_TEXTS)) {
    metrics.gaugeFn(
      `mta_sts_memory_${kind}_bytes`,
      text,
      () => memory()[kind as keyof typeof MEMORY_TEXTS],
    );
  }
  metrics.gaugeFn(
    "mta_sts_checks_running",
    "Checks of a domain (TXT record and policy) under way.",
    () => load().running,
  );
  metrics.gaugeFn(
    "mta_sts_checks_waiting",
    "Checks of a domain that wait to start.",
    () => load().waiting,
  );
}

/** Declares the gauges of the process, under the names that client libraries use. */
function declareProcess({ metrics, startedAt, version }: GaugeOptions): void {
  metrics.gauge(
    "mta_sts_build_info",
    "Always 1; the labels hold the versions of the program and of its runtime.",
    ["version", "deno"],
  ).cell(version, Deno.version.deno).value = 1;
  metrics.gaugeFn(
    "process_start_time_seconds",
    "When the process started, in seconds since the Unix epoch.",
    () => startedAt / 1000,
  );
  metrics.gaugeFn(
    "process_resident_memory_bytes",
    "Memory that the process holds in RAM, in bytes.",
    () => Deno.memoryUsage().rss,
  );
}

function declareStore({ metrics, store, now, forgetAfter }: GaugeOptions): void {
  metrics.gaugeFn("mta_sts_policies", "Policies held in the cache.", () => store.count());
  metrics.gaugeFn(
    "mta_sts_held_off_domains",
    "Domains whose policy fetch failed and is not retried for a while (RFC 8461 §3.3).",
    () => store.countHeldOff(now()),
  );
  metrics.gaugeFn(
    "mta_sts_oldest_fetch_timestamp_seconds",
    "Time of the oldest fetch among the policies in use; NaN without policies in use.",
    () => (store.oldestFetch(now() - forgetAfter()) ?? NaN) / 1000,
  );
  metrics.gaugeFn(
    "mta_sts_cache_usable",
    "Whether the cache file works: 1 yes, or there is none by configuration; 0 no.",
    () => store.health().kind === "degraded" ? 0 : 1,
  );
  metrics.gaugeFn(
    "mta_sts_memory_pending_bytes",
    "Memory that writes take which the cache file has not taken yet, at most 16 MB.",
    () => store.pendingOctets(),
  );
}
