/**
 * Checks a domain: looks up its TXT record, fetches the policy where `decide.ts` says so, and puts the
 * result into memory and store. One check of a domain at a time, however many queries wait for it.
 *
 * @module
 */

import type { StoredFailure } from "../cache/types.ts";
import type { FailedFetch } from "../https/types.ts";
import { txtName } from "../sts/domain.ts";
import { PolicySyntaxError } from "../sts/policy.ts";
import { selectTxtRecord } from "../sts/txt_record.ts";
import { decideCheck } from "./decide.ts";
import type { Absence, CheckEnd, CheckFacts } from "./decide.ts";
import { holdPolicy, refreshTime } from "./held_policy.ts";
import type { DomainMemory, DomainState } from "./domain_memory.ts";
import { createLimiter } from "./limiter.ts";
import type { PolicyOutcome } from "./outcome.ts";
import { ownerOf } from "./owner_share.ts";
import type {
  HeldPolicy,
  PolicyFetch,
  ResolverEffects,
  ResolverSettings,
  TxtResult,
} from "./types.ts";

/** A DNS failure is taken for the state of a domain no longer than this, ms. */
const DNS_FAILURE_MEMORY_MS = 30_000;

/** RFC 8461 §3.3: no further attempt for an id within five minutes; doubled with each failure, up to an hour. */
const BACKOFF_MS = 300_000;
const MAX_BACKOFF_MS = 3600 * 1000;

/** How a check ended: with a policy to answer with, or without one for a while. */
export type CheckResult =
  | {
    readonly outcome: PolicyOutcome;
    /** One with a `max_age` of 0 serves the answers that waited for this check, and no others. */
    readonly held: HeldPolicy;
  }
  | Absence & { readonly held?: undefined };

/** How a check is asked for. */
export interface CheckOptions {
  /** Fetches the policy whatever TXT and back-off say: the operator's wish. */
  readonly force?: boolean;
  /** Goes before checks of domains without a policy. */
  readonly urgent?: boolean;
  /** Called when a TXT record calls for a fetch: what an answer needs beside the policy can be looked up meanwhile. */
  readonly onRecord?: () => void;
}

/** Runs checks. */
export interface Checker {
  /**
   * Checks a domain now, or joins the check under way.
   *
   * @returns `undefined` when too many checks wait already; rejects only for a bug.
   */
  check(domain: string, options?: CheckOptions): Promise<CheckResult> | undefined;
  /** Checks under way and waiting. */
  load(): { running: number; waiting: number };
}

/** What the parts of a check work with. */
interface Tools {
  readonly memory: DomainMemory;
  readonly settings: ResolverSettings;
  readonly effects: ResolverEffects;
}

/** Creates the checker over the shared memory. */
export function createChecker(
  memory: DomainMemory,
  { settings, effects }: { settings: ResolverSettings; effects: ResolverEffects },
): Checker {
  const tools: Tools = { memory, settings, effects };
  const flights = new Map<string, Promise<CheckResult>>();
  const limiter = createLimiter(settings.discoveries, effects.clock);
  let turns = 0;

  function check(domain: string, options: CheckOptions = {}): Promise<CheckResult> | undefined {
    const { force = false, urgent = false, onRecord } = options;
    const running = flights.get(domain);
    const turn = ++turns;
    const work = () => runCheck(tools, domain, { isForced: force, turn, onRecord });
    if (running !== undefined) return force ? running.then(work) : running;
    const flight = limiter.run(work, { urgent, owner: ownerOf(domain) })
      ?.finally(() => flights.delete(domain));
    if (flight !== undefined) flights.set(domain, flight);
    return flight;
  }

  return { check, load: limiter.load };
}

async function runCheck(
  tools: Tools,
  domain: string,
  { isForced, turn, onRecord }: {
    isForced: boolean;
    turn: number;
    onRecord: (() => void) | undefined;
  },
): Promise<CheckResult> {
  // Hundreds of checks may wait at once: none of them has a policy in hand meanwhile, which can be large.
  const txt = await lookupTxt(tools, domain, { heldId: recallId(tools, domain), onRecord });
  const first = endOrFetch(tools, domain, { txt, isForced });
  if (!("fetch" in first)) return first;
  const fetched = await retrieve(tools, domain, { ...first.fetch, turn });
  const state = tools.memory.stateOf(domain);
  // The fetch may have taken longer than the rest of the old policy's life.
  const held = tools.memory.live(state);
  const end = decideCheck({ held, txt, now: tools.effects.clock.now(), isForced, fetched });
  return finish(tools, state, { end, txt });
}

/** The `id` of the policy held. What is in the store counts as held; from here on the memory hears of changes. */
function recallId({ memory }: Tools, domain: string): string | undefined {
  const recall = memory.recall(memory.stateOf(domain));
  return recall.kind === "held" ? recall.held.id : undefined;
}

/** What to fetch, and the failure of the last try. */
interface FetchTask {
  readonly id: string;
  readonly failure: StoredFailure | undefined;
}

/** Ends a check after its TXT lookup, or says what to fetch. */
function endOrFetch(
  tools: Tools,
  domain: string,
  { txt, isForced }: { txt: TxtResult; isForced: boolean },
): CheckResult | { readonly fetch: FetchTask } {
  const { memory, effects: { clock, store } } = tools;
  const state = memory.stateOf(domain);
  const facts: CheckFacts = { held: memory.live(state), txt, now: clock.now(), isForced };
  const first = decideCheck(facts);
  if (first.step !== "fetch") return finish(tools, state, { end: first, txt });
  const failure = store.getFailure(domain);
  const decision = decideCheck({ ...facts, failure });
  if (decision.step !== "fetch") return finish(tools, state, { end: decision, txt });
  return { fetch: { id: decision.id, failure } };
}

async function lookupTxt(
  { effects }: Tools,
  domain: string,
  { heldId, onRecord }: { heldId: string | undefined; onRecord: (() => void) | undefined },
): Promise<TxtResult> {
  const { clock, dns, fetchPolicy, observe, store } = effects;
  const started = clock.now();
  const answer = await dns.lookupTxt(txtName(domain), {
    isNews(records) {
      const record = selectTxtRecord(records);
      const isNews = record.kind !== "found" || record.id !== heldId;
      // While the record is read again, the fetch that it calls for looks its host up.
      if (isNews && record.kind === "found" && store.getFailure(domain)?.id !== record.id) {
        fetchPolicy.prepare?.(domain);
        onRecord?.();
      }
      return isNews;
    },
  });
  const result: TxtResult = answer.kind === "failed"
    ? answer
    : selectTxtRecord(answer.kind === "found" ? answer.records : []);
  observe({ kind: "txt", domain, result, ms: clock.now() - started });
  return result;
}

async function retrieve(
  tools: Tools,
  domain: string,
  { id, failure, turn }: { id: string; failure: StoredFailure | undefined; turn: number },
): Promise<PolicyFetch> {
  const { clock, store, observe, fetchPolicy } = tools.effects;
  const started = clock.now();
  const outcome = await fetchPolicy(domain, { turn });
  const now = clock.now();
  const result = outcome.kind === "failed"
    ? outcome
    : parse(tools, domain, { id, text: outcome.text });
  observe({ kind: "fetch", domain, id, result, ms: now - started });
  if (result.kind === "failed") {
    store.putFailure(nextFailure(failure, { domain, id, now, result }));
  } else if (failure !== undefined) {
    store.clearFailure(domain);
  }
  return result;
}

function parse(
  { settings, effects }: Tools,
  domain: string,
  { id, text }: { id: string; text: string },
): PolicyFetch {
  const fetchedAt = effects.clock.now();
  const held = holdPolicy({ domain, id, text, fetchedAt });
  if (held instanceof PolicySyntaxError) {
    return { kind: "failed", reason: "policy-syntax", detail: held.message };
  }
  const refreshAt = refreshTime(fetchedAt, {
    maxAge: held.policy.maxAge,
    interval: settings.refresh.interval,
    random: effects.random(),
  });
  return { kind: "policy", held: { ...held, refreshAt } };
}

/** Puts the end of a check into memory and store. */
function finish(
  tools: Tools,
  state: DomainState,
  { end, txt }: { end: CheckEnd; txt: TxtResult },
): CheckResult {
  const { memory, settings, effects: { clock, observe } } = tools;
  const now = clock.now();
  const heldOff = "heldOff" in end ? end.heldOff : undefined;
  if (heldOff !== undefined) observe({ kind: "held-off", domain: state.domain, failure: heldOff });
  const validity = { now, heldOff, isDnsFailure: txt.kind === "failed" };
  state.nextCheckAt = now + validFor(settings.recheck, validity);
  switch (end.step) {
    case "adopt": {
      const { policy, previous } = end;
      memory.adopt(state, policy);
      observe({ kind: "policy", held: policy, previous });
      return { outcome: end.outcome, held: policy };
    }
    case "confirm":
      return { outcome: end.outcome, held: end.policy };
    case "keep":
      keep(tools, end);
      return { outcome: end.outcome, held: end.policy };
    case "do-without":
      state.absence = {
        outcome: end.outcome,
        until: now + validFor(settings.negativeTtl, validity),
      };
      return state.absence;
  }
}

function keep(
  { effects: { clock, store, observe } }: Tools,
  { policy: held, outcome, reason }: Extract<CheckEnd, { step: "keep" }>,
): void {
  const now = clock.now();
  // The refresher comes back in an hour, not at each of its rounds.
  if (held.refreshAt <= now) store.deferRefresh(held.domain, now + MAX_BACKOFF_MS);
  observe({ kind: "kept", held, outcome, reason });
}

/** How long the result of a check is taken for the state of the domain, ms. */
function validFor(
  regular: number,
  { now, heldOff, isDnsFailure }: {
    now: number;
    heldOff: StoredFailure | undefined;
    isDnsFailure: boolean;
  },
): number {
  if (isDnsFailure) return Math.min(DNS_FAILURE_MEMORY_MS, regular);
  // A fetch that is held off is tried when its time comes, not a full interval later.
  return heldOff === undefined ? regular : Math.min(regular, heldOff.retryAt - now);
}

function nextFailure(
  previous: StoredFailure | undefined,
  { domain, id, now, result }: { domain: string; id: string; now: number; result: FailedFetch },
): StoredFailure {
  const count = previous?.id === id ? previous.count + 1 : 1;
  // The exponent is capped long before 2 ** count could overflow.
  const wait = Math.min(BACKOFF_MS * 2 ** Math.min(count - 1, 10), MAX_BACKOFF_MS);
  const { reason, detail } = result;
  return { domain, id, reason, detail, count, failedAt: now, retryAt: now + wait };
}
