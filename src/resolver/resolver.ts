/**
 * The resolver: answers queries from what is known, and has the checker find out what is not.
 *
 * Whatever happens outside, a live policy is only replaced by a newer valid one (RFC 8461 §3.3, §5.1),
 * DANE is never overridden (§2), and no query waits beyond its zone's timeout.
 *
 * @module
 */

import type { StoredFailure } from "../cache/types.ts";
import type { DnsFailure } from "../dns/types.ts";
import { enforcedAnswer, NOTFOUND, unheldAnswer } from "./answer.ts";
import { createExceptions, ownPolicy, replacesPolicy, zoneUnder } from "./exceptions.ts";
import type { Exceptions, PolicyException } from "./exceptions.ts";
import type { DomainException } from "./exception.ts";
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
import type { ExceptionOutcome, PolicyOutcome, UnheldOutcome } from "./outcome.ts";
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
  readonly exceptions: Exceptions;
}

/** One query. */
interface Query {
  readonly nextHop: NextHop;
  /** As it answers under the exception. */
  readonly zone: Zone;
  readonly exception: DomainException | undefined;
  /** The state of its domain, looked up once, and again after a wait. */
  readonly state: DomainState;
  /** What is left of its time, ms. */
  readonly wait: number;
}

/** One query for which a policy is held. */
interface HeldQuery extends Query {
  readonly held: HeldPolicy;
  readonly outcome: PolicyOutcome | ExceptionOutcome;
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
  const exceptions = createExceptions(settings.domains ?? [], clock);
  const tools: Tools = { memory, checker, mxCache, effects, exceptions };
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
        exception: exceptions.find(domain),
      };
    },
    load: checker.load,
    memory: () => ({ policies: memory.octets(), views: views.octets }),
    close: () => memory.close(),
  };
}

function resolve(tools: Tools, nextHop: NextHop, zone: Zone): Resolution | Promise<Resolution> {
  const { memory, exceptions, effects: { clock } } = tools;
  const { domain } = nextHop;
  const state = memory.stateOf(domain);
  const exception = exceptions.find(domain);
  const query: Query = {
    nextHop,
    zone: zoneUnder(exception, zone),
    exception,
    state,
    wait: zone.timeout,
  };
  if (replacesPolicy(exception)) return answerExcepted(tools, query, exception);
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

/** The exception answers. The held policy is looked after meanwhile, so that it counts again when that ends. */
function answerExcepted(
  tools: Tools,
  query: Query,
  exception: PolicyException,
): Resolution | Promise<Resolution> {
  const { memory, checker, mxCache, effects: { clock, observe } } = tools;
  const { state, nextHop, zone } = query;
  const { domain, token } = state;
  const now = clock.now();
  if (memory.recall(state).kind === "held") {
    memory.noteUse(state);
    if (now >= state.nextCheckAt) checker.check(domain, { urgent: true });
  }
  if (exception.policy === "enforce") {
    const held = ownPolicy(exception, { domain, now });
    const own: HeldQuery = { ...query, held, outcome: "exception-enforce", token };
    const mx = mxCache.view(nextHop, query.wait);
    return mx instanceof Promise
      ? mx.then((result) => answerEnforced(tools, own, result))
      : answerEnforced(tools, own, mx);
  }
  const outcome = "exception-ignore";
  observe({ kind: "answer", domain, zone, outcome, answer: NOTFOUND, exception });
  return { answer: NOTFOUND, until: 0, token, outcome, exception };
}

/** A policy held answers at once. */
function answerKnown(
  tools: Tools,
  query: Query,
  held: HeldPolicy,
): Resolution | Promise<Resolution> {
  const { state } = query;
  const now = tools.effects.clock.now();
  const outcome = decideQuery({ kind: "held", now, nextCheckAt: state.nextCheckAt });
  if (outcome === "rechecking") tools.checker.check(state.domain, { urgent: true });
  return answerHeld(tools, { ...query, held, outcome, token: state.token });
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
  if (!isEnforced) {
    return conclude(tools, { ...query, exception: undefined }, NOTFOUND, { until: Infinity });
  }
  const mx = tools.mxCache.view(nextHop, query.wait);
  return mx instanceof Promise
    ? mx.then((result) => answerEnforced(tools, query, result))
    : answerEnforced(tools, query, mx);
}

function answerEnforced(tools: Tools, query: HeldQuery, mx: MxResult): Resolution {
  const validates = tools.effects.dnssec();
  const answer = enforcedAnswer(query, { mx, validates });
  if (mx.kind === "failed") {
    return conclude(tools, query, answer, { until: 0, failure: mx.reason });
  }
  const { hosts } = mx.view;
  // A view that was not validated counts for one answer, until it is known whether the DNS resolver validates.
  const isPassing = validates === undefined && query.zone.dane !== "off" && !mx.view.validated;
  return conclude(tools, query, answer, { until: isPassing ? 0 : renewalTime(mx.view), hosts });
}

function conclude(
  { effects: { observe } }: Tools,
  { held, outcome, state, zone, token, exception, nextHop: { bracketed } }: HeldQuery,
  answer: Answer,
  mx: {
    readonly until: number;
    readonly hosts?: readonly string[] | undefined;
    readonly failure?: DnsFailure;
  },
): Resolution {
  const { domain, nextCheckAt } = state;
  // While a check is under way this is past: of what is asked for once no reply is kept ready.
  const until = answer.kind === "temp" || exception !== undefined
    ? 0
    : Math.min(held.expiresAt, nextCheckAt, mx.until);
  const seen = { bracketed, mxHosts: mx.hosts, mxFailure: mx.failure };
  observe({ kind: "answer", domain, zone, outcome, answer, exception, ...seen });
  return { answer, until, token, outcome, mode: held.policy.mode, exception };
}

/** Answers without a policy; the store has just been looked at. */
function answerUnheld(
  { effects: { observe } }: Tools,
  { zone, state: { domain, token } }: Query,
  { storeFault, absence }: UnheldFacts,
  outcome: UnheldOutcome,
): Resolution {
  const answer = unheldAnswer({ domain, zone }, { outcome, storeFault });
  observe({ kind: "answer", domain, zone, outcome, answer, storeFault });
  const isSure = answer.kind !== "temp" && storeFault === undefined && absence !== undefined;
  return { answer, until: isSure ? absence.until : 0, token, outcome };
}

function daneSight(
  { dane, daneRequired = false }: ResolverSettings,
  validates: boolean | undefined,
): DaneSight {
  if (!dane) return "off";
  if (validates === false) return "blind";
  return validates === true || daneRequired ? "strict" : "lenient";
}
