/**
 * The parts of the daemon that are made once and outlive every reload: clock, log, counters, warnings,
 * the store, and what was seen of answers and exceptions.
 *
 * @module
 */

import { createClock } from "../base/clock.ts";
import type { ProcessClock } from "../base/clock.ts";
import { createMetrics, type Metrics } from "../base/metrics.ts";
import type { AdjustableLog, Log } from "../base/log.ts";
import { createWarnings } from "../base/warnings.ts";
import type { Warnings } from "../base/warnings.ts";
import { createMemoryStore } from "../cache/memory_store.ts";
import { createSqliteStore } from "../cache/sqlite_store.ts";
import type { PolicyStore } from "../cache/types.ts";
import type { Config } from "../config/types.ts";
import { isInForce } from "../resolver/exceptions.ts";
import { createAnswerLog } from "../status/answer_log.ts";
import type { AnswerLog } from "../status/answer_log.ts";
import { createExceptionWatch } from "../status/exception_watch.ts";
import type { ExceptionWatch } from "../status/exception_watch.ts";
import type { AnswerCounts } from "../status/answer_counts.ts";
import { createDeferrals } from "../status/deferrals.ts";
import type { Deferrals } from "../status/deferrals.ts";
import { createProblems } from "../status/problems.ts";
import type { Problems } from "../status/problems.ts";
import type { Fleet } from "../fleet/status.ts";
import type { TrustRoots } from "../https/trust_roots.ts";
import type { RecentEvents } from "../status/recent_events.ts";
import { logClock } from "./clock_log.ts";
import { shareMemory } from "./memory_shares.ts";
import { createReloadState } from "./reload_state.ts";
import type { ReloadState } from "./reload_state.ts";

/** What outlives a reload, as far as an engine needs it. */
export interface EngineContext {
  readonly clock: ProcessClock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly warnings: Warnings;
  readonly store: PolicyStore;
  /** Logs answers; absent if there is nobody to answer. */
  readonly answers?: AnswerLog;
  /** Watches the exceptions of the configuration; absent where `answers` is. */
  readonly exceptions?: ExceptionWatch;
  /** Records what happens to each domain; absent if no page shows it. */
  readonly events?: Pick<RecentEvents, "note">;
  /** Records the mail that waits. */
  readonly deferrals?: Pick<Deferrals, "note">;
  /** Records since when policies cannot be fetched. */
  readonly problems?: Pick<Problems, "note">;
  /** Counts the answers of each domain; absent if no page shows it. */
  readonly counts?: Pick<AnswerCounts, "tallyOf">;
  /** Joins the fleet of a configuration; absent where nothing may be shared. @throws {UsageError} */
  readonly openFleet?: (
    config: Config,
    parts: { readonly roots: Pick<TrustRoots, "caCerts"> },
  ) => Promise<Fleet | undefined>;
  /** The trust roots of the engine before. */
  readonly roots?: TrustRoots;
}

/** What outlives a reload. */
export interface DaemonContext extends EngineContext {
  readonly deferrals: Deferrals;
  readonly problems: Problems;
  readonly log: AdjustableLog;
  /** Whether the last reload took effect. */
  readonly reloads: ReloadState;
}

/**
 * Makes the context and opens the cache file of a configuration that `refuseMistakes()` accepts.
 */
export function createContext(
  config: Config,
  log: AdjustableLog,
): Required<Omit<DaemonContext, "events" | "counts" | "openFleet" | "roots">> {
  const clock = createClock({ onChange: logClock(log) });
  const metrics = createMetrics();
  const warnings = createWarnings({ log, clock });
  const reloads = createReloadState({ clock, metrics });
  const store = openStore(config, { log, metrics, clock });
  const answers = createAnswerLog({ log, clock });
  const exceptions = createExceptionWatch({
    log,
    metrics,
    clock,
    hasEnded: (exception) => !isInForce(exception, clock.proven()),
  });
  const now = () => clock.now();
  const deferrals = createDeferrals({ now });
  const problems = createProblems({ deferrals, store, now });
  const kept = { clock, log, metrics, warnings, store, reloads };
  return { ...kept, answers, exceptions, deferrals, problems };
}

function openStore(
  config: Config,
  parts: Pick<DaemonContext, "clock" | "log" | "metrics">,
): PolicyStore {
  const { file, memoryEntries, memoryMegabytes, allowUnsafeDirectory } = config.cache;
  if (file === undefined) {
    const { policies: policyOctets, views: mxOctets } = shareMemory(memoryMegabytes);
    return createMemoryStore({ maxEntries: memoryEntries, policyOctets, mxOctets });
  }
  const { now, proven, seen } = parts.clock;
  return createSqliteStore({
    ...parts,
    path: file,
    now,
    proven,
    onLastSeen: seen,
    allowUnsafeDirectory,
  });
}
