/**
 * One query: from what is held, or after a wait for a check, to its answer.
 *
 * @module
 */

import type { DnsFailure } from "../dns/types.ts";
import { withDeadline } from "../base/wait.ts";
import { enforcedAnswer, NOTFOUND, unheldAnswer } from "./answer.ts";
import type { Checker } from "./checker.ts";
import { decideQuery } from "./decide.ts";
import type { UnheldFacts } from "./decide.ts";
import type { DomainMemory, DomainState } from "./memory_types.ts";
import type { DomainException } from "./exception.ts";
import { ownPolicy, replacesPolicy, zoneUnder } from "./exceptions.ts";
import type { Exceptions, PolicyException } from "./exceptions.ts";
import type { MxCache } from "./mx_cache.ts";
import { renewalTime } from "./mx_verdict.ts";
import type { ExceptionOutcome, PolicyOutcome, UnheldOutcome } from "./outcome.ts";
import type {
  Answer,
  HeldPolicy,
  MxResult,
  NextHop,
  Resolution,
  ResolverEffects,
  Zone,
} from "./types.ts";

/** What the parts of a query work with. */
export interface QueryTools {
  /** What is held. */
  readonly memory: DomainMemory;
  /** Finds out what is not. */
  readonly checker: Checker;
  /** The MX views of next hops. */
  readonly mxCache: MxCache;
  /** Clock and observer. */
  readonly effects: ResolverEffects;
  /** What comes before what domains publish. */
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

/** Creates what answers for a next hop: `Resolver.resolve`. */
export function createQueries(
  tools: QueryTools,
): (nextHop: NextHop, zone: Zone) => Resolution | Promise<Resolution> {
  return (nextHop, zone) => resolve(tools, nextHop, zone);
}

function resolve(
  tools: QueryTools,
  nextHop: NextHop,
  zone: Zone,
): Resolution | Promise<Resolution> {
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
  tools: QueryTools,
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
  tools: QueryTools,
  query: Query,
  held: HeldPolicy,
): Resolution | Promise<Resolution> {
  const { state } = query;
  const now = tools.effects.clock.now();
  const outcome = decideQuery({ kind: "held", now, nextCheckAt: state.nextCheckAt });
  if (outcome === "rechecking") tools.checker.check(state.domain, { urgent: true });
  return answerHeld(tools, { ...query, held, outcome, token: state.token });
}

async function resolveSlowly(tools: QueryTools, query: Query): Promise<Resolution> {
  const { memory, checker, mxCache, effects: { clock } } = tools;
  const { nextHop, wait } = query;
  const { domain } = nextHop;
  const started = clock.now();
  // A round trip or two less for most new domains; wasted if the policy is not to be enforced.
  const checking = checker.learn(domain, { onRecord: () => mxCache.prepare(nextHop) });
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

function answerHeld(tools: QueryTools, query: HeldQuery): Resolution | Promise<Resolution> {
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

function answerEnforced(tools: QueryTools, query: HeldQuery, mx: MxResult): Resolution {
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
  { effects: { observe } }: QueryTools,
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
  { effects: { observe } }: QueryTools,
  { zone, state: { domain, token } }: Query,
  { storeFault, absence }: UnheldFacts,
  outcome: UnheldOutcome,
): Resolution {
  const answer = unheldAnswer({ domain, zone }, { outcome, storeFault });
  observe({ kind: "answer", domain, zone, outcome, answer, storeFault });
  const isSure = answer.kind !== "temp" && storeFault === undefined && absence !== undefined;
  return { answer, until: isSure ? absence.until : 0, token, outcome };
}
