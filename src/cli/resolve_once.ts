/**
 * One resolution as the daemon does it, with a store of its own: a check, TXT record and policy file, and the
 * answer. For the commands that show or use what a sender would see.
 *
 * @module
 */

import type { Clock, ProvenClock } from "../base/clock.ts";
import { GenerationalMap } from "../base/generational_map.ts";
import { createMemoryStore } from "../cache/memory_store.ts";
import type { StoredPolicy } from "../cache/types.ts";
import type { Config, Zone } from "../config/types.ts";
import type { Network } from "../daemon/network.ts";
import type { FetchTrace } from "../https/types.ts";
import type { DomainException } from "../resolver/exception.ts";
import type { Outcome } from "../resolver/outcome.ts";
import { createResolver } from "../resolver/resolver.ts";
import type { Answer, HeldPolicy, ResolverEffects, ResolverEvent } from "../resolver/types.ts";
import { type NextHop, policyHost } from "../sts/domain.ts";

/** The event of one kind. */
export type EventOf<K extends ResolverEvent["kind"]> = Extract<ResolverEvent, { kind: K }>;

/** What the steps of a resolution saw. */
export interface ResolvedOnce {
  /** The TXT records as found, unchecked remote text; `undefined` when the lookup failed. */
  readonly records: readonly string[] | undefined;
  readonly txt: EventOf<"txt"> | undefined;
  readonly fetch: EventOf<"fetch"> | undefined;
  readonly trace: FetchTrace;
  readonly mx: EventOf<"mx"> | undefined;
  /** The policy the answer rests on. */
  readonly held: HeldPolicy | undefined;
  /** The outcome of the check. */
  readonly outcome: Outcome;
  readonly answer: Answer;
  /** The exception that counts for the domain. */
  readonly exception: DomainException | undefined;
}

/** What {@link resolveOnce} works with. */
export interface ResolveOnceOptions {
  readonly config: Config;
  readonly zone: Zone;
  readonly network: Pick<Network, "dns" | "fetchPolicy">;
  readonly clock: Clock;
  /** Whether the DNS resolver validates. */
  readonly validates: boolean | undefined;
  /** A policy that is held already. */
  readonly stored?: StoredPolicy | undefined;
  /** Hears what is done next, in a few words. */
  readonly onStep?: (step: string) => void;
}

/** Resolves one next hop, as Postfix would ask for it. */
export async function resolveOnce(
  nextHop: NextHop,
  options: ResolveOnceOptions,
): Promise<ResolvedOnce> {
  const { config, zone } = options;
  const events: ResolverEvent[] = [];
  const seen: Seen = { records: undefined, trace: { url: "", addresses: [], refused: [] } };
  const resolver = createResolver({
    ...config,
    discoveries: 1,
    memory: { entries: 2, policyOctets: Infinity, viewOctets: Infinity },
    dane: true,
  }, effectsOf(options, { seen, observe: (event) => events.push(event) }));
  const check = await resolver.check(nextHop.domain, { force: true });
  const { answer, outcome } = await resolver.resolve(nextHop, zone);
  const { held, exception } = resolver.report(nextHop.domain);
  const find = <K extends ResolverEvent["kind"]>(kind: K) =>
    events.find((event): event is EventOf<K> => event.kind === kind);
  return {
    ...seen,
    txt: find("txt"),
    fetch: find("fetch"),
    mx: find("mx"),
    held: check?.held ?? held,
    // The query after the check only finds what the check left, unless an exception answers.
    outcome: exception?.policy === undefined ? check?.outcome ?? outcome : outcome,
    answer,
    exception,
  };
}

interface Seen {
  records: readonly string[] | undefined;
  readonly trace: FetchTrace;
}

function effectsOf(
  { network, clock, validates, stored, onStep = () => {} }: ResolveOnceOptions,
  { seen, observe }: { seen: Seen; observe: (event: ResolverEvent) => void },
): ResolverEffects {
  const store = createMemoryStore({ maxEntries: 1, policyOctets: Infinity, mxOctets: Infinity });
  if (stored !== undefined) store.putPolicy(stored);
  return {
    dns: {
      lookup(name, type, lookupOptions) {
        onStep(`looking up ${type} of ${name}`);
        return network.dns.lookup(name, type, lookupOptions);
      },
      async lookupTxt(domain, lookupOptions) {
        onStep(`looking up TXT of ${domain}`);
        const answer = await network.dns.lookupTxt(domain, lookupOptions);
        if (answer.kind !== "failed") seen.records = answer.kind === "found" ? answer.records : [];
        return answer;
      },
    },
    fetchPolicy(domain) {
      onStep(`fetching the policy from ${policyHost(domain)}`);
      return network.fetchPolicy(domain, { trace: seen.trace });
    },
    store,
    clock: believed(clock),
    observe,
    dnssec: () => validates,
    random: () => 0.5,
    createMap: (entries, mapOptions) => new GenerationalMap(entries, mapOptions),
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
