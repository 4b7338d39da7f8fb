/**
 * Resolves one domain as the daemon does and keeps what each step saw.
 *
 * @module
 */

import { GenerationalMap } from "../base/generational_map.ts";
import { createMemoryStore } from "../cache/memory_store.ts";
import type { ReadStored } from "../cache/cache_view.ts";
import type { Config, Zone } from "../config/types.ts";
import type { FetchTrace } from "../https/types.ts";
import { formatAnswer } from "../postfix/tls_policy.ts";
import type { Answer } from "../resolver/types.ts";
import type { Clock, ProvenClock } from "../base/clock.ts";
import type { DomainException } from "../resolver/exception.ts";
import { createResolver } from "../resolver/resolver.ts";
import type { Outcome } from "../resolver/outcome.ts";
import type { HeldPolicy, ResolverEvent } from "../resolver/types.ts";
import type { NextHop } from "../sts/domain.ts";
import type { Network } from "../daemon/network.ts";

type EventOf<K extends ResolverEvent["kind"]> = Extract<ResolverEvent, { kind: K }>;

/** All that the steps saw of one domain. */
export interface Explanation {
  readonly nextHop: NextHop;
  /** The TXT records as found, unchecked remote text; `undefined` when the lookup failed. */
  readonly records: readonly string[] | undefined;
  readonly txt: EventOf<"txt"> | undefined;
  readonly fetch: EventOf<"fetch"> | undefined;
  readonly trace: FetchTrace;
  readonly mx: EventOf<"mx"> | undefined;
  /** What the daemon's cache holds. */
  readonly cached: ReadStored;
  /** The policy the answer rests on. */
  readonly held: HeldPolicy | undefined;
  /** The outcome of the check. */
  readonly outcome: Outcome;
  readonly answer: Answer;
  /** The exception that counts for the domain. */
  readonly exception: DomainException | undefined;
  /** The reply Postfix would get. */
  readonly reply: string;
}

/** What {@link explain} works with. */
export interface ExplainOptions {
  readonly config: Config;
  readonly zone: Zone;
  readonly network: Pick<Network, "dns" | "fetchPolicy">;
  readonly clock: Clock;
  /** Whether the DNS resolver validates. */
  readonly validates: boolean | undefined;
  /** The policy in the daemon's cache. */
  readonly cached: ReadStored;
}

/**
 * Checks a domain anew, TXT record and policy file, and decides as the daemon would, the
 * policy in its cache included. The daemon's cache itself is not changed.
 *
 * @param nextHop As Postfix would ask.
 */
export async function explain(nextHop: NextHop, options: ExplainOptions): Promise<Explanation> {
  const { config, zone, network, clock, cached } = options;
  const events: ResolverEvent[] = [];
  const trace: FetchTrace = { url: "", addresses: [], refused: [] };
  let records: readonly string[] | undefined;
  const store = createMemoryStore({ maxEntries: 1, policyOctets: Infinity, mxOctets: Infinity });
  if (cached.kind === "read" && cached.policy !== undefined) store.putPolicy(cached.policy);
  const resolver = createResolver({
    ...config,
    discoveries: 1,
    memory: { entries: 2, policyOctets: Infinity, viewOctets: Infinity },
    dane: true,
  }, {
    dns: {
      lookup: network.dns.lookup,
      async lookupTxt(name, lookupOptions) {
        const answer = await network.dns.lookupTxt(name, lookupOptions);
        if (answer.kind !== "failed") records = answer.kind === "found" ? answer.records : [];
        return answer;
      },
    },
    fetchPolicy: (domain) => network.fetchPolicy(domain, { trace }),
    store,
    clock: believed(clock),
    observe: (event) => events.push(event),
    dnssec: () => options.validates,
    random: () => 0.5,
    createMap: (entries, options) => new GenerationalMap(entries, options),
  });
  const check = await resolver.check(nextHop.domain, { force: true });
  const { answer, outcome } = await resolver.resolve(nextHop, zone);
  const { held, exception } = resolver.report(nextHop.domain);
  const find = <K extends ResolverEvent["kind"]>(kind: K) =>
    events.find((event): event is EventOf<K> => event.kind === kind);
  return {
    nextHop,
    records,
    txt: find("txt"),
    fetch: find("fetch"),
    trace,
    mx: find("mx"),
    cached,
    held: check?.held ?? held,
    // The query after the check only finds what the check left, unless an exception answers.
    outcome: exception?.policy === undefined ? check?.outcome ?? outcome : outcome,
    answer,
    exception,
    reply: formatAnswer(answer, zone),
  };
}

/** One lookup is too short to doubt the time. */
function believed(clock: Clock): ProvenClock {
  return {
    now: () => clock.now(),
    proven: () => clock.now(),
    setTimer: (callback, delay) => clock.setTimer(callback, delay),
  };
}
