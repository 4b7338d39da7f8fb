/**
 * Checks a domain: looks up its TXT record, fetches the policy where `decide.ts` says so, and
 * puts what came of it into memory and store. One check of a domain at a time, however many wait
 * for it.
 *
 * @module
 */

import type { StoredFailure } from "../cache/types.ts";
import type { FailedFetch } from "../https/types.ts";
import { txtName } from "../sts/domain.ts";
import { PolicySyntaxError } from "../sts/policy.ts";
import { selectTxtRecord } from "../sts/txt_record.ts";
import { decide } from "./decide.ts";
import type { Decision, Row, Situation } from "./decide.ts";
import { holdPolicy, refreshTime } from "./held_policy.ts";
import type { DomainMemory } from "./domain_memory.ts";
import { createLimiter } from "./limiter.ts";
import { ownerOf } from "./owner_share.ts";
import type { HeldPolicy, ResolverEffects, ResolverSettings, TxtResult } from "./types.ts";

/** A DNS failure is taken for the state of a domain no longer than this, ms. */
const DNS_FAILURE_MEMORY_MS = 30_000;

/** RFC 8461 §3.3: no further attempt for an id within five minutes; doubled with each failure, up to an hour. */
const BACKOFF_MS = 300_000;
const MAX_BACKOFF_MS = 3600 * 1000;

/** What a check of a domain came to. */
export interface CheckResult {
  readonly row: Row;
  /** The policy the answer rests on. One with a `max_age` of 0 serves this answer only. */
  readonly held: HeldPolicy | undefined;
}

/** How a check is asked for. */
export interface CheckOptions {
  /** Fetches the policy whatever TXT and back-off say: the operator's wish. */
  readonly force?: boolean;
  /** Goes before checks of domains without a policy. */
  readonly urgent?: boolean;
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

type Fetched = { readonly kind: "policy"; readonly held: HeldPolicy } | FailedFetch;

interface Findings {
  readonly txt: TxtResult;
  readonly fetched?: Fetched;
  /** The failure that held the fetch off. */
  readonly heldOff?: StoredFailure;
}

/** Creates the checker over the shared memory. */
export function createChecker(
  memory: DomainMemory,
  { settings, effects }: { settings: ResolverSettings; effects: ResolverEffects },
): Checker {
  const { clock, store, observe } = effects;
  const flights = new Map<string, Promise<CheckResult>>();
  const limiter = createLimiter(settings.discoveries, clock);

  let turns = 0;

  function check(domain: string, options: CheckOptions = {}): Promise<CheckResult> | undefined {
    const { force = false, urgent = false } = options;
    const running = flights.get(domain);
    const turn = ++turns;
    const work = () => run(domain, { force, turn });
    if (running !== undefined) return force ? running.then(work) : running;
    const flight = limiter.run(work, { urgent, owner: ownerOf(domain) })
      ?.finally(() => flights.delete(domain));
    if (flight !== undefined) flights.set(domain, flight);
    return flight;
  }

  async function run(
    domain: string,
    { force, turn }: { force: boolean; turn: number },
  ): Promise<CheckResult> {
    // What is in the store counts as held; from here on the memory hears of changes.
    memory.recall(memory.stateOf(domain));
    const txt = await lookupTxt(domain);
    const held = memory.live(memory.stateOf(domain));
    const situation: Situation = {
      heldId: held?.id,
      txt: txt.kind === "found" ? txt : { kind: txt.kind },
      fetch: "not-tried",
      refreshDue: held !== undefined && (force || clock.now() >= held.refreshAt),
      deadlineReached: false,
    };
    const decision = decide(situation);
    if (decision.step !== "fetch") return settle(domain, decision, { txt });
    // Without a record there is a fetch only to refresh the held policy, under the id it has.
    const id = txt.kind === "found" ? txt.id : held?.id ?? "";
    const failure = store.getFailure(domain);
    if (failure?.id === id && clock.now() < failure.retryAt && !force) {
      observe({ kind: "held-off", domain, failure });
      return settle(domain, decide({ ...situation, fetch: "held-off" }), { txt, heldOff: failure });
    }
    const fetched = await retrieve(domain, { id, failure, turn });
    const outcome: Situation = {
      ...situation,
      // The fetch may have taken longer than the rest of the old policy's life.
      heldId: memory.live(memory.stateOf(domain))?.id,
      fetch: fetched.kind === "failed" ? "failed" : "fetched",
    };
    return settle(domain, decide(outcome), { txt, fetched });
  }

  async function lookupTxt(domain: string): Promise<TxtResult> {
    const started = clock.now();
    const heldId = memory.live(memory.stateOf(domain))?.id;
    const dns = await effects.dns.lookupTxt(txtName(domain), {
      isNews(records) {
        const record = selectTxtRecord(records);
        const isNews = record.kind !== "found" || record.id !== heldId;
        // While the record is read again, the fetch that it calls for looks its host up.
        if (isNews && record.kind === "found" && store.getFailure(domain)?.id !== record.id) {
          effects.fetchPolicy.prepare?.(domain);
        }
        return isNews;
      },
    });
    const result: TxtResult = dns.kind === "failed"
      ? dns
      : selectTxtRecord(dns.kind === "found" ? dns.records : []);
    observe({ kind: "txt", domain, result, ms: clock.now() - started });
    return result;
  }

  async function retrieve(
    domain: string,
    { id, failure, turn }: { id: string; failure: StoredFailure | undefined; turn: number },
  ): Promise<Fetched> {
    const started = clock.now();
    const outcome = await effects.fetchPolicy(domain, { turn });
    const now = clock.now();
    const result = outcome.kind === "failed" ? outcome : parse(domain, id, outcome.text);
    observe({ kind: "fetch", domain, id, result, ms: now - started });
    if (result.kind === "failed") {
      store.putFailure(nextFailure(failure, { domain, id, now, result }));
    } else if (failure !== undefined) {
      store.clearFailure(domain);
    }
    return result;
  }

  function parse(domain: string, id: string, text: string): Fetched {
    const fetchedAt = clock.now();
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

  function settle(domain: string, decision: Decision, findings: Findings): CheckResult {
    if (decision.step !== "answer") throw new TypeError(`Check of '${domain}' ended undecided`);
    const { row, use } = decision;
    const now = clock.now();
    const state = memory.stateOf(domain);
    const held = memory.live(state);
    const checkAfter = memoryOf(findings, settings.recheck);
    state.nextCheckAt = now + checkAfter;
    switch (use) {
      case "new": {
        if (findings.fetched?.kind !== "policy") throw new TypeError("Adopted without a policy");
        memory.adopt(findings.fetched.held);
        observe({ kind: "policy", held: findings.fetched.held, previous: held });
        return { row, held: findings.fetched.held };
      }
      case "held":
        // Row 2 is the everyday case: the record still names the policy that is held.
        if (held !== undefined && row !== 2) keep(held, row, findings);
        return { row, held };
      case "none":
      case "undecided":
        state.absence = { row, until: now + memoryOf(findings, settings.negativeTtl) };
        return { row, held: undefined };
    }
  }

  function keep(held: HeldPolicy, row: Row, findings: Findings): void {
    const now = clock.now();
    // The refresher comes back in an hour, not at each of its rounds.
    if (held.refreshAt <= now) store.deferRefresh(held.domain, now + MAX_BACKOFF_MS);
    observe({ kind: "kept", held, row, reason: reasonOf(findings) });
  }

  /** How long the findings are taken for the state of the domain, ms. */
  function memoryOf({ txt, heldOff }: Findings, regular: number): number {
    if (txt.kind === "failed") return Math.min(DNS_FAILURE_MEMORY_MS, regular);
    // A fetch that is held off is tried when its time comes, not a full interval later.
    return heldOff === undefined ? regular : Math.min(regular, heldOff.retryAt - clock.now());
  }

  return { check, load: limiter.load };
}

/** Why the held policy had to stand in, in one word of the closed lists. */
function reasonOf({ txt, fetched, heldOff }: Findings) {
  if (fetched?.kind === "failed") return fetched.reason;
  if (heldOff !== undefined || txt.kind === "found") return "held-off";
  return txt.reason;
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
