/**
 * The resolver: answers queries from what is known, and has the checker find out what is not.
 *
 * Whatever happens outside, a live policy is only replaced by a newer valid one (RFC 8461 §3.3, §5.1),
 * DANE is never overridden (§2), and no query waits beyond its zone's timeout.
 *
 * @module
 */

import type { StoredFailure } from "../cache/types.ts";
import { createChecker } from "./checker.ts";
import type { CheckOptions, CheckResult } from "./checker.ts";
import { createDomainMemory } from "./domain_memory.ts";
import type { DomainException } from "./exception.ts";
import { createExceptions } from "./exceptions.ts";
import { followNews } from "./fleet_news.ts";
import { createSharedViews } from "./fleet_views.ts";
import { createMxCache } from "./mx_cache.ts";
import { viewOctets } from "./mx_verdict.ts";
import type { DaneSight } from "./mx_verdict.ts";
import { createQueries } from "./query.ts";
import type {
  HeldPolicy,
  MxView,
  NextHop,
  Resolution,
  ResolverEffects,
  ResolverSettings,
  Zone,
} from "./types.ts";

/** What is known of a domain, for display. */
export interface DomainReport {
  /** The live policy. */
  readonly held: HeldPolicy | undefined;
  /** The last fetch, if it failed. */
  readonly failure: StoredFailure | undefined;
  /** The last known view of its MX hosts, for mail on port 25. */
  readonly mx: MxView | undefined;
  /** The exception that counts for it now. */
  readonly exception?: DomainException | undefined;
}

/** Answers queries and keeps what it knows fresh. */
export interface Resolver {
  /**
   * Answers for a next hop (RFC 8461 §3, §5), by the table of `decide.ts`.
   *
   * @returns At once when a live policy or a remembered absence is held; rejects only for a bug.
   */
  resolve(nextHop: NextHop, zone: Zone): Resolution | Promise<Resolution>;
  /** Checks a domain now; see {@link createChecker}. */
  check(domain: string, options?: CheckOptions): Promise<CheckResult> | undefined;
  /**
   * Forgets all about a domain, and has the fleet forget it: the operator's decision, which nothing else may take.
   *
   * @returns How many other hosts received it; `undefined` if that is not known. It never rejects. Without a fleet
   *   `undefined` at once.
   */
  purge(domain: string): Promise<number | undefined> | undefined;
  /** Forgets all about a domain on this host alone. What the fleet has may come back with the next query. */
  forget(domain: string): void;
  /** What is held for a domain. */
  report(domain: string): DomainReport;
  /** Checks under way and waiting. */
  load(): { running: number; waiting: number };
  /** About how many octets the policies and the MX views in memory take. */
  memory(): { policies: number; views: number };
  /** Ends the wait for news of store and fleet: later answers may be out of date. */
  close(): void;
}

/** Creates the resolver. */
export function createResolver(settings: ResolverSettings, effects: ResolverEffects): Resolver {
  const { clock, store, observe, fleet } = effects;
  const views = effects.createMap<readonly MxView[]>(settings.memory.entries, {
    octets: settings.memory.viewOctets,
    octetsOf: viewOctets,
  });
  const memory = createDomainMemory(settings.memory, effects);
  const checker = createChecker(memory, { settings, effects });
  const mxCache = createMxCache({
    ...{ lookup: effects.dns.lookup, store, clock, observe, views },
    sight: () => daneSight(settings, effects.dnssec()),
    shared: fleet && createSharedViews(fleet, () => clock.now()),
  });
  function forget(domain: string): void {
    memory.purge(domain);
    mxCache.forget(domain);
    checker.forget(domain);
  }
  const stopNews = fleet && followNews({ fleet, memory, checker, settings, effects, forget });
  const exceptions = createExceptions(settings.domains ?? [], clock);
  return {
    resolve: createQueries({ memory, checker, mxCache, effects, exceptions }),
    check: checker.check,
    purge(domain: string): Promise<number | undefined> | undefined {
      // Told first: from then on nothing that the fleet knew before is taken.
      const heard = fleet?.purge(domain);
      forget(domain);
      return heard;
    },
    forget,
    report(domain: string): DomainReport {
      const recall = memory.recall(memory.stateOf(domain));
      return {
        held: recall.kind === "held" ? recall.held : undefined,
        failure: store.getFailure(domain),
        mx: mxCache.peek({ domain, bracketed: false, port: 25 }),
        exception: exceptions.find(domain),
      };
    },
    load: checker.load,
    memory: () => ({ policies: memory.octets(), views: views.octets }),
    close(): void {
      stopNews?.();
      memory.close();
    },
  };
}

function daneSight(
  { dane, daneRequired = false }: ResolverSettings,
  validates: boolean | undefined,
): DaneSight {
  if (!dane) return "off";
  if (validates === false) return "blind";
  return validates === true || daneRequired ? "strict" : "lenient";
}
