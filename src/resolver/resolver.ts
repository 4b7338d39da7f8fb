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
import { withDeadline } from "../base/wait.ts";
import { decide, rowWithout } from "./decide.ts";
import type { Row, Situation } from "./decide.ts";
import { createDomainMemory } from "./domain_memory.ts";
import type { DomainState, Recall } from "./domain_memory.ts";
import { viewOctets } from "./mx_cache.ts";
import { createMxCache, renewalTime } from "./mx_cache.ts";
import type { DaneSight } from "./mx_cache.ts";
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
  /** About how many octets the policies and the MX views in memory take. */
  memory(): { policies: number; views: number };
  /** Ends the wait for news of the store: what is answered after it may be out of date. */
  close(): void;
}

/** One query. */
interface Query {
  readonly nextHop: NextHop;
  readonly zone: Zone;
  /** What is left of its time, ms. */
  readonly wait: number;
}

/** One query for which a policy is held. */
interface HeldQuery extends Query {
  readonly held: HeldPolicy;
  readonly row: Row;
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

  function resolve(nextHop: NextHop, zone: Zone): Resolution | Promise<Resolution> {
    const query: Query = { nextHop, zone, wait: zone.timeout };
    const state = memory.stateOf(nextHop.domain);
    const held = memory.live(state);
    if (held !== undefined) return answerKnown(query, state, held);
    const recall = memory.recall(state);
    if (recall.kind === "held") return answerKnown(query, state, recall.held);
    const { absence } = state;
    return absence !== undefined && clock.now() < absence.until
      ? answerWithout(query, absence, recall)
      : resolveSlowly(query);
  }

  /** Rows 1 and 2: the policy held answers at once. */
  function answerKnown(
    query: Query,
    state: DomainState,
    held: HeldPolicy,
  ): Resolution | Promise<Resolution> {
    const decision = decide({
      ...UNKNOWN,
      heldId: held.id,
      txt: { kind: clock.now() < state.nextCheckAt ? "recent" : "unasked" },
    });
    if (decision.step !== "answer") throw new TypeError("A held policy always answers");
    if (decision.check) checker.check(query.nextHop.domain, { urgent: true });
    return answerHeld({ ...query, held, row: decision.row });
  }

  async function resolveSlowly(query: Query): Promise<Resolution> {
    const { nextHop: { domain }, wait } = query;
    const started = clock.now();
    const checking = checker.check(domain);
    const result = checking && await withDeadline(checking, { ms: wait, clock });
    const rest = { ...query, wait: Math.max(0, started + wait - clock.now()) };
    if (result?.held !== undefined) {
      return answerHeld({ ...rest, held: result.held, row: result.row });
    }
    const state = memory.stateOf(domain);
    const recall = memory.recall(state);
    if (recall.kind === "held") return answerKnown(rest, state, recall.held);
    const known = result === undefined ? undefined : state.absence ?? { row: result.row, until: 0 };
    return answerWithout(rest, known ?? { row: rowAtDeadline(), until: 0 }, recall);
  }

  function answerHeld(query: HeldQuery): Resolution | Promise<Resolution> {
    const { held, zone, nextHop } = query;
    const { mode } = held.policy;
    memory.noteUse(memory.stateOf(nextHop.domain));
    const enforced = mode === "enforce" || (mode === "testing" && zone.strictTesting);
    if (!enforced) return conclude(query, { kind: "notfound" }, Infinity);
    const mx = mxCache.view(nextHop, query.wait);
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
    const { nextCheckAt, token } = memory.stateOf(nextHop.domain);
    // While a check is under way this is past: of what is asked for once no reply is kept ready.
    const until = answer.kind === "temp" ? 0 : Math.min(held.expiresAt, nextCheckAt, mxUntil);
    observe({ kind: "answer", domain: nextHop.domain, zone, row, answer });
    return { answer, until, token, row };
  }

  /** Rows 8 to 11; the store has just been looked at. */
  function answerWithout(
    { nextHop: { domain }, zone }: Query,
    known: { row: Row; until: number },
    recall: Exclude<Recall, { kind: "held" }>,
  ): Resolution {
    const storeFault = recall.kind === "unknown" ? recall.reason : undefined;
    const row = rowWithout(known.row, storeFault === undefined);
    const undecided = row === 10 || row === 11;
    const why = storeFault ?? (undecided ? WHY[row] : "");
    const answer: Answer = undecided && zone.onDnsFailure === "defer"
      ? { kind: "temp", reason: `cannot learn the MTA-STS policy of ${domain}: ${why}` }
      : { kind: "notfound" };
    observe({ kind: "answer", domain, zone, row, answer, storeFault });
    const { token } = memory.stateOf(domain);
    const isSure = answer.kind !== "temp" && storeFault === undefined;
    return { answer, until: isSure ? known.until : 0, token, row };
  }

  return {
    resolve,
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
    close: memory.close,
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
