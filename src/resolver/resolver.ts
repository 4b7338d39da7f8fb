/**
 * The resolver: answers queries from what is known, and lets the checker find out what is not.
 *
 * What holds whatever happens outside: a live policy is only replaced by a newer valid one
 * (RFC 8461 §3.3, §5.1), DANE is never overridden (§2), and no query waits beyond its zone's timeout.
 *
 * @module
 */

import type { StoredFailure } from "../cache/types.ts";
import { enforcedAnswer } from "./answer.ts";
import { createChecker } from "./checker.ts";
import type { CheckOptions, CheckResult } from "./checker.ts";
import { withDeadline } from "./deadline.ts";
import { decide } from "./decide.ts";
import type { Row, Situation } from "./decide.ts";
import { createKnowledge } from "./knowledge.ts";
import type { DomainState } from "./knowledge.ts";
import { createMxViews, renewalTime } from "./mx_views.ts";
import type { DaneSight } from "./mx_views.ts";
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
  readonly held: HeldPolicy | undefined;
  readonly failure: StoredFailure | undefined;
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
}

/** One query for which a policy is held. */
interface HeldQuery {
  readonly nextHop: NextHop;
  readonly zone: Zone;
  readonly held: HeldPolicy;
  readonly row: Row;
  /** What is left of the query's time, ms. */
  readonly wait: number;
}

/** Creates the resolver. */
export function createResolver(settings: ResolverSettings, effects: ResolverEffects): Resolver {
  const { clock, store, observe } = effects;
  const states = effects.createMap<DomainState>(settings.memoryEntries);
  const knowledge = createKnowledge(states, effects);
  const checker = createChecker(knowledge, { settings, effects });
  const mxViews = createMxViews({
    lookup: effects.dns.lookup,
    store,
    clock,
    observe,
    views: effects.createMap<readonly MxView[]>(settings.memoryEntries),
    sight: () => daneSight(settings, effects.dnssec()),
  });

  function resolve(nextHop: NextHop, zone: Zone): Resolution | Promise<Resolution> {
    const now = clock.now();
    const state = knowledge.stateOf(nextHop.domain);
    const held = knowledge.live(state);
    if (held === undefined) {
      const { absence } = state;
      return absence !== undefined && now < absence.until
        ? answerWithout(nextHop, zone, absence)
        : resolveSlowly(nextHop, zone);
    }
    const decision = decide({
      ...UNKNOWN,
      heldId: held.id,
      txt: { kind: now < state.nextCheckAt ? "recent" : "unasked" },
    });
    if (decision.step !== "answer") throw new TypeError("A held policy always answers");
    if (decision.check) checker.check(nextHop.domain, { urgent: true });
    return answerHeld({ nextHop, zone, held, row: decision.row, wait: zone.timeout });
  }

  async function resolveSlowly(nextHop: NextHop, zone: Zone): Promise<Resolution> {
    const started = clock.now();
    const checking = checker.check(nextHop.domain);
    const result = checking && await withDeadline(checking, { ms: zone.timeout, clock });
    if (result === undefined) {
      return answerWithout(nextHop, zone, { row: rowAtDeadline(), until: 0 });
    }
    const { row, held } = result;
    if (held !== undefined) {
      const wait = Math.max(0, started + zone.timeout - clock.now());
      return answerHeld({ nextHop, zone, held, row, wait });
    }
    return answerWithout(
      nextHop,
      zone,
      knowledge.stateOf(nextHop.domain).absence ?? { row, until: 0 },
    );
  }

  function answerHeld(query: HeldQuery): Resolution | Promise<Resolution> {
    const { held, zone, nextHop } = query;
    const { mode } = held.policy;
    knowledge.noteUse(knowledge.stateOf(nextHop.domain));
    const enforced = mode === "enforce" || (mode === "testing" && zone.strictTesting);
    if (!enforced) return conclude(query, { kind: "notfound" }, Infinity);
    const mx = mxViews.view(nextHop, query.wait);
    return mx instanceof Promise
      ? mx.then((result) => answerEnforced(query, result))
      : answerEnforced(query, mx);
  }

  function answerEnforced(query: HeldQuery, mx: MxResult): Resolution {
    const validates = effects.dnssec();
    const answer = enforcedAnswer(query, { mx, validates });
    if (mx.kind === "failed") return conclude(query, answer, 0);
    // What was not validated counts no longer than it is not known whether it could have been.
    const isPassing = validates === undefined && query.zone.dane !== "off" && !mx.view.validated;
    return conclude(query, answer, isPassing ? 0 : renewalTime(mx.view));
  }

  function conclude(query: HeldQuery, answer: Answer, mxUntil: number): Resolution {
    const { held, row, nextHop, zone } = query;
    const { nextCheckAt, token } = knowledge.stateOf(nextHop.domain);
    // While a check is under way this is past: of what is asked for once no reply is kept ready.
    const until = answer.kind === "temp" ? 0 : Math.min(held.expiresAt, nextCheckAt, mxUntil);
    observe({ kind: "answer", domain: nextHop.domain, zone, row, answer });
    return { answer, until, token, row };
  }

  function answerWithout(
    { domain }: NextHop,
    zone: Zone,
    { row, until }: { row: Row; until: number },
  ): Resolution {
    const undecided = row === 10 || row === 11;
    const answer: Answer = undecided && zone.onDnsFailure === "defer"
      ? { kind: "temp", reason: `cannot learn the MTA-STS policy of ${domain}: ${WHY[row]}` }
      : { kind: "notfound" };
    observe({ kind: "answer", domain, zone, row, answer });
    const { token } = knowledge.stateOf(domain);
    return { answer, until: answer.kind === "temp" ? 0 : until, token, row };
  }

  return {
    resolve,
    check: checker.check,
    purge(domain: string): void {
      knowledge.purge(domain);
      mxViews.forget(domain);
    },
    report(domain: string): DomainReport {
      return {
        held: knowledge.live(knowledge.stateOf(domain)),
        failure: store.getFailure(domain),
        mx: mxViews.peek({ domain, bracketed: false, port: 25 }),
      };
    },
    load: checker.load,
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

/** A query about whose domain nothing has been found out yet. */
const UNKNOWN: Situation = {
  heldId: undefined,
  txt: { kind: "unasked" },
  fetch: "not-tried",
  refreshDue: false,
  deadlineReached: false,
};

/** The rows in which `on_dns_failure` decides, as the reason in a `TEMP` reply. */
const WHY = { 10: "DNS failure", 11: "no answer in time" } as const;

/** Row 11, from the table like all the others. */
function rowAtDeadline(): Row {
  const decision = decide({ ...UNKNOWN, deadlineReached: true });
  if (decision.step !== "answer") throw new TypeError("No answer at the deadline");
  return decision.row;
}
