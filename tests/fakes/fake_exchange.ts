/**
 * The exchange of a fleet as tables: what other hosts know is the test's to say, and what the resolver tells them is
 * noted.
 *
 * @module
 */

import type {
  ClaimRequest,
  Exchange,
  FleetClaim,
  FleetFailure,
  FleetKnowledge,
  FleetNews,
  FleetPolicy,
  FleetView,
  OwnPolicy,
} from "../../src/fleet/types.ts";
import { expiryOf, formatPolicy, readPolicyFile } from "../../src/sts/policy.ts";
import type { PolicyMode } from "../../src/sts/policy.ts";

/** The exchange, with the test's hands on it. */
export interface FakeExchange extends Exchange {
  /** The engine can be asked. */
  isReachable: boolean;
  /** What {@link Exchange.ask} finds, by domain; a promise answers when the test resolves it. */
  readonly known: Record<
    string,
    Partial<FleetKnowledge> | Promise<Partial<FleetKnowledge> | undefined>
  >;
  /** What {@link Exchange.askView} finds, by next hop. */
  readonly views: Record<string, FleetView>;
  /** What a claim comes to, in order; after that this host fetches. */
  readonly ends: (
    | Exclude<FleetClaim, { kind: "fetch" }>
    | Promise<Exclude<FleetClaim, { kind: "fetch" }> | "fetch">
  )[];
  /** Everything the resolver asked and told, in order: `ask d.example`, `publish d.example 1`. */
  readonly log: string[];
  /** The requests of the claims. */
  readonly claims: ClaimRequest[];
  /** The views that were published. */
  readonly publishedViews: FleetView[];
  /** The policies that were published. */
  readonly published: OwnPolicy[];
  /** What a purge returns. */
  heard: number | undefined;
  /** How many listen. */
  readonly listeners: number;
  /** Tells news. */
  tell(news: FleetNews): void;
}

/** Creates an exchange of a fleet that knows nothing. */
export function createFakeExchange(): FakeExchange {
  const listeners = new Set<(news: FleetNews) => void>();
  const log: string[] = [];
  const fake: FakeExchange = {
    ...{ isReachable: true, known: {}, views: {}, ends: [], log, claims: [] },
    ...{ published: [], publishedViews: [], heard: undefined },
    get listeners() {
      return listeners.size;
    },
    async ask(domain) {
      log.push(`ask ${domain}`);
      if (!fake.isReachable) return undefined;
      const known = await (fake.known[domain] ?? {});
      return known && { policy: known.policy, failure: known.failure };
    },
    async claim(domain, request) {
      fake.claims.push(request);
      log.push(`claim ${domain} ${request.id}${request.isForced ? " forced" : ""}`);
      const end = await (fake.ends.shift() ?? "fetch");
      if (end !== "fetch") return end;
      return {
        kind: "fetch",
        publish(policy) {
          log.push(`publish ${domain} ${policy.id}`);
          fake.published.push(policy);
        },
        publishFailure: ({ reason }) => void log.push(`publish ${domain} ${reason}`),
        release: () => void log.push(`release ${domain}`),
      };
    },
    askView(nextHop) {
      log.push(`view ${nextHop}`);
      return Promise.resolve(fake.isReachable ? fake.views[nextHop] : undefined);
    },
    publishView: (view) => void fake.publishedViews.push(view),
    purge(domain) {
      log.push(`purge ${domain}`);
      return Promise.resolve(fake.heard);
    },
    onNews(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell(news) {
      for (const listener of listeners) listener(news);
    },
  };
  return fake;
}

/** A policy that another host fetched. */
export function sharedPolicy(
  domain: string,
  { fetchedAt, ...given }: {
    fetchedAt: number;
    id?: string;
    mode?: PolicyMode;
    mx?: readonly string[];
    maxAge?: number;
    host?: string;
    isSigned?: boolean;
  },
): FleetPolicy {
  const { id = "1", mode = "enforce", mx = [`mx.${domain}`], maxAge = 604800 } = given;
  const { host = "mx2.example", isSigned = true } = given;
  const file = readPolicyFile(formatPolicy({ mode, mx, maxAge }));
  const expiresAt = expiryOf(file.policy, fetchedAt);
  return { domain, id, ...file, fetchedAt, expiresAt, host, isSigned };
}

/** A fetch of another host that failed just before `failedAt`. */
export function sharedFailure(domain: string, failedAt: number, id = "1"): FleetFailure {
  const retryAt = failedAt + 300_000;
  return { domain, id, reason: "status", detail: "404", count: 1, failedAt, retryAt };
}
