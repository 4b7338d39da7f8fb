/**
 * The resolver: answers queries from what is known, and has the checker find out what is not.
 *
 * Whatever happens outside, a live policy is only replaced by a newer valid one (RFC 8461 §3.3, §5.1),
 * DANE is never overridden (§2), and no query waits beyond its zone's timeout.
 *
 * @module
 */

import type { StoredFailure } from "../cache/types.ts";
import { enforcedAnswer } from "./answer.ts";
import { createChecker } from "./checker.ts";
import type { Checker, CheckOptions, CheckResult } from "./checker.ts";
import { withDeadline } from "../base/wait.ts";
import { decideQuery } from "./decide.ts";
import type { UnheldFacts } from "./decide.ts";
import { createDomainMemory } from "./domain_memory.ts";
import type { DomainMemory, DomainState } from "./domain_memory.ts";
import { createMxCache, viewOctets } from "./mx_cache.ts";
import type { MxCache } from "./mx_cache.ts";
import { renewalTime } from "./mx_verdict.ts";
import type { DaneSight } from "./mx_verdict.ts";
import type { PolicyOutcome, UnheldOutcome } from "./outcome.ts";
import type {
  Answer,
  HeldPolicy,
  MxResult,
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
  /** Forgets all about a domain: the operator's decision, which nothing else may take. */
  purge(domain: string): void;
  /** What is held for a domain. */
  report(domain: string): DomainReport;
  /** Checks under way and waiting. */
  load(): { running: number; waiting: number };
  /** About how many octets the policies and the MX views in memory take. */
  memory(): { policies: number; views: number };
  /** Ends the wait for news of the store: later answers may be out of date. */
  close(): void;
}

/** What the parts of a query work with. */
interface Tools {
  readonly memory: DomainMemory;
  readonly checker: Checker;
  readonly mxCache: MxCache;
  readonly effects: ResolverEffects;
}

/** One query. */
interface Query {
  readonly nextHop: NextHop;
  readonly zone: Zone;
  /** The state of its domain, looked up once, and again after a wait. */
  readonly state: DomainState;
  /** What is left of its time, ms. */
  readonly wait: number;
}

/** One query for which a policy is held. */
interface HeldQuery extends Query {
  readonly held: HeldPolicy;
  readonly outcome: PolicyOutcome;
  /** Of the moment at which the policy was held: it may be replaced while the MX hosts are looked up. */
  readonly token: { readonly valid: boolean };
}

/** Creates the resolver. */
export function createResolver(settings: ResolverSettings, effects: ResolverEffects): Resolver {
  const { clock, store, observe } = effects;
  const views = effects.createMap<readonly MxView[]>(settings.memory.entries, {
    octets: settings.memory.viewOctets,
    octetsOf: viewOctets,
  });
  const memory = createDomainMemory(settings.memory, effects);
  const checker = createChecker(memory, { settings, effects });
  const mxCache = createMxCache({
    lookup: effects.dns.lookup,
    store,
    clock,
    observe,
    views,
    sight: () => daneSight(settings, effects.dnssec()),
  });
  const tools: Tools = { memory, checker, mxCache, effects };
  return {
    resolve: (nextHop, zone) => resolve(tools, nextHop, zone),
    check: checker.check,
    purge(domain: string): void {
      memory.purge(domain);
      mxCache.forget(domain);
    },
    report(domain: string): DomainReport {
      const recall = memory.recall(memory.stateOf(domain));
      return {
        held: recall.kind === "held" ? recall.held : undefined,
        failure: store.getFailure(domain),
        mx: mxCache.peek({ domain, bracketed: false, port: 25 }),
      };
    },
    load: checker.load,
    memory: () => ({ policies: memory.octets(), views: views.octets }),
    close: () => memory.close(),
  };
}

function resolve(tools: Tools, nextHop: NextHop, zone: Zone): Resolution | Promise<Resolution> {
  const { memory, effects: { clock } } = tools;
  const state = memory.stateOf(nextHop.domain);
  const query: Query = { nextHop, zone, state, wait: zone.timeout };
  const held = memory.live(state);
  if (held !== undefined) return answerKnown(tools, query, held);
  const recall = memory.recall(state);
  if (recall.kind === "held") return answerKnown(tools, query, recall.held);
  const facts: UnheldFacts = {
    kind: "unheld",
    now: clock.now(),
    storeFault: recall.kind === "unknown" ? recall.reason : undefined,
    absence: state.absence,
    hasWaited: false,
  };
  const outcome = decideQuery(facts);
  return outcome === "check-first"
    ? resolveSlowly(tools, query)
    : answerUnheld(tools, query, facts, outcome);
}

/** A policy held answers at once. */
function answerKnown(
  tools: Tools,
  query: Query,
  held: HeldPolicy,
): Resolution | Promise<Resolution> {
  const { nextHop, zone, state, wait } = query;
  const now = tools.effects.clock.now();
  const outcome = decideQuery({ kind: "held", now, nextCheckAt: state.nextCheckAt });
  if (outcome === "rechecking") tools.checker.check(state.domain, { urgent: true });
  return answerHeld(tools, { nextHop, zone, state, wait, held, outcome, token: state.token });
}

async function resolveSlowly(tools: Tools, query: Query): Promise<Resolution> {
  const { memory, checker, mxCache, effects: { clock } } = tools;
  const { nextHop, wait } = query;
  const { domain } = nextHop;
  const started = clock.now();
  // A round trip or two less for most new domains; wasted if the policy is not to be enforced.
  const checking = checker.check(domain, { onRecord: () => mxCache.prepare(nextHop) });
  const result = checking && await withDeadline(checking, { ms: wait, clock });
  const state = memory.stateOf(domain);
  const now = clock.now();
  const rest: Query = { ...query, state, wait: Math.max(0, started + wait - now) };
  if (result?.held !== undefined) {
    const { held, outcome } = result;
    return answerHeld(tools, { ...rest, held, outcome, token: state.token });
  }
  const recall = memory.recall(state);
  if (recall.kind === "held") return answerKnown(tools, rest, recall.held);
  const facts = {
    kind: "unheld",
    now,
    storeFault: recall.kind === "unknown" ? recall.reason : undefined,
    absence: result,
    hasWaited: true,
  } as const;
  return answerUnheld(tools, rest, facts, decideQuery(facts));
}

function answerHeld(tools: Tools, query: HeldQuery): Resolution | Promise<Resolution> {
  const { held, zone, nextHop, state } = query;
  const { mode } = held.policy;
  tools.memory.noteUse(state);
  const isEnforced = mode === "enforce" || (mode === "testing" && zone.strictTesting);
  if (!isEnforced) return conclude(tools, query, NOTFOUND, Infinity);
  const mx = tools.mxCache.view(nextHop, query.wait);
  return mx instanceof Promise
    ? mx.then((result) => answerEnforced(tools, query, result))
    : answerEnforced(tools, query, mx);
}

function answerEnforced(tools: Tools, query: HeldQuery, mx: MxResult): Resolution {
  const validates = tools.effects.dnssec();
  const answer = enforcedAnswer(query, { mx, validates });
  if (mx.kind === "failed") return conclude(tools, query, answer, 0);
  // A view that was not validated counts for one answer, until it is known whether the DNS resolver validates.
  const isPassing = validates === undefined && query.zone.dane !== "off" && !mx.view.validated;
  return conclude(tools, query, answer, isPassing ? 0 : renewalTime(mx.view));
}

function conclude(
  { effects: { observe } }: Tools,
  { held, outcome, state, zone, token }: HeldQuery,
  answer: Answer,
  mxUntil: number,
): Resolution {
  const { domain, nextCheckAt } = state;
  // While a check is under way this is past: of what is asked for once no reply is kept ready.
  const until = answer.kind === "temp" ? 0 : Math.min(held.expiresAt, nextCheckAt, mxUntil);
  observe({ kind: "answer", domain, zone, outcome, answer });
  return { answer, until, token, outcome };
}

/** Answers without a policy; the store has just been looked at. */
function answerUnheld(
  { effects: { observe } }: Tools,
  { zone, state: { domain, token } }: Query,
  { storeFault, absence }: UnheldFacts,
  outcome: UnheldOutcome,
): Resolution {
  const why = zone.onDnsFailure === "defer" ? whyUndecided(outcome, storeFault) : undefined;
  const answer: Answer = why === undefined
    ? NOTFOUND
    : { kind: "temp", reason: `cannot learn the MTA-STS policy of ${domain}: ${why}` };
  observe({ kind: "answer", domain, zone, outcome, answer, storeFault });
  const isSure = answer.kind !== "temp" && storeFault === undefined && absence !== undefined;
  return { answer, until: isSure ? absence.until : 0, token, outcome };
}

const NOTFOUND: Answer = { kind: "notfound" };

/** Why it is not known whether there is a policy, for a `TEMP` reply; `undefined` if it is known. */
function whyUndecided(outcome: UnheldOutcome, storeFault: string | undefined): string | undefined {
  switch (outcome) {
    case "dns-failure":
      return "DNS failure";
    case "deadline":
      return "no answer in time";
    case "cache-unusable":
      return storeFault;
    case "fetch-failed":
    case "no-record":
      return undefined;
  }
}

function daneSight(
  { dane, daneRequired = false }: ResolverSettings,
  validates: boolean | undefined,
): DaneSight {
  if (!dane) return "off";
  if (validates === false) return "blind";
  return validates === true || daneRequired ? "strict" : "lenient";
}
