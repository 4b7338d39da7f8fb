/**
 * Checks a domain: looks up its TXT record, fetches the policy where `decide.ts` says so, and puts the
 * result into memory and store. One check of a domain at a time, however many queries wait for it.
 *
 * In a fleet, a check of a domain without a policy asks the other hosts beside DNS. What they know, if it is signed,
 * answers the queries that wait at once, and the check goes on from there.
 *
 * @module
 */

import type { Exchange, FleetKnowledge, FleetPolicy } from "../fleet/types.ts";
import { txtName } from "../sts/domain.ts";
import { selectTxtRecord } from "../sts/txt_record.ts";
import { finishCheck } from "./check_end.ts";
import type { CheckResult, CheckTools, Ending } from "./check_end.ts";
import { decideCheck } from "./decide.ts";
import type { CheckFacts } from "./decide.ts";
import type { DomainMemory } from "./memory_types.ts";
import { obtainPolicy } from "./fleet_fetch.ts";
import { takeFailure, takePolicy } from "./fleet_memory.ts";
import { createLimiter } from "./limiter.ts";
import type { WorkPlace } from "./limiter.ts";
import { ownerOf } from "./owner_share.ts";
import { retrieve } from "./retrieve.ts";
import type { FetchTask } from "./retrieve.ts";
import type { HeldPolicy, ResolverEffects, ResolverSettings, TxtResult } from "./types.ts";

export type { CheckResult } from "./check_end.ts";

/** How a check is asked for. */
export interface CheckOptions {
  /** Fetches the policy whatever TXT and back-off say: the operator's wish. */
  readonly force?: boolean;
  /** Fetches the policy as if its refresh were due. */
  readonly doubt?: boolean;
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
  /** The same, but ends as soon as there is a policy to answer with; the check goes on. */
  learn(domain: string, options?: CheckOptions): Promise<CheckResult> | undefined;
  /** Ends the waits of {@link learn}: a policy came from elsewhere. */
  answer(held: HeldPolicy): void;
  /** Has the check under way use nothing that the fleet said before: the domain is purged. */
  forget(domain: string): void;
  /** Checks under way and waiting. */
  load(): { running: number; waiting: number };
}

/** A check under way. */
interface Flight {
  readonly end: Promise<CheckResult>;
  /** Ends with the first policy to answer with, or with the check. */
  readonly first: Promise<CheckResult>;
  /** Ends {@link first}; a second call does nothing. */
  readonly answer: (held: HeldPolicy) => void;
  /** What it goes by. */
  readonly task: Task;
}

/** For a check that begins when another one has ended: it is the operator's, and has no place to give. */
const OWN_PLACE: WorkPlace = { leave() {}, comeBack: () => Promise.resolve() };

/** One check. */
interface Task {
  readonly domain: string;
  readonly isForced: boolean;
  /** May turn true while the record is looked up. */
  isDoubted: boolean;
  /** May turn true meanwhile. */
  isPurged: boolean;
  readonly turn: number;
  readonly onRecord: (() => void) | undefined;
  /** A policy to answer with is there, and the check goes on. */
  readonly onShared: (held: HeldPolicy) => void;
}

/** Creates the checker over the shared memory. */
export function createChecker(
  memory: DomainMemory,
  { settings, effects }: { settings: ResolverSettings; effects: ResolverEffects },
): Checker {
  const tools: CheckTools = { memory, settings, effects };
  const flights = new Map<string, Flight>();
  const limiter = createLimiter(settings.discoveries, effects.clock);
  let turns = 0;

  function fly(domain: string, options: CheckOptions = {}): Flight | undefined {
    const { force = false, doubt = false, urgent = false, onRecord } = options;
    const running = flights.get(domain);
    if (running !== undefined && doubt) running.task.isDoubted = true;
    if (running !== undefined && !force) return running;
    const turn = ++turns;
    let answer = (_held: HeldPolicy) => {};
    const task: Task = {
      ...{ domain, isForced: force, isDoubted: doubt, isPurged: false, turn, onRecord },
      onShared: (held: HeldPolicy) => answer(held),
    };
    // What follows another check takes its place with it.
    const end = running === undefined
      ? limiter.run((place) => runCheck(tools, task, place), { urgent, owner: ownerOf(domain) })
        ?.finally(() => flights.delete(domain))
      : running.end.then(() => runCheck(tools, task, OWN_PLACE));
    if (end === undefined) return undefined;
    const flight: Flight = {
      ...{ end, task },
      first: effects.fleet === undefined ? end : orSooner(end, (sooner) => answer = sooner),
      answer: (held) => answer(held),
    };
    if (running === undefined) flights.set(domain, flight);
    return flight;
  }

  return {
    check: (domain, options) => fly(domain, options)?.end,
    learn: (domain, options) => fly(domain, options)?.first,
    answer: (held) => flights.get(held.domain)?.answer(held),
    forget(domain: string): void {
      const flight = flights.get(domain);
      if (flight !== undefined) flight.task.isPurged = true;
    },
    load: limiter.load,
  };
}

/** The end of a check; or a policy of another host, as soon as `give` has handed out what is called with one. */
function orSooner(
  end: Promise<CheckResult>,
  give: (answer: (held: HeldPolicy) => void) => void,
): Promise<CheckResult> {
  const sooner = new Promise<CheckResult>((resolve) =>
    give((held) => resolve({ outcome: "shared", held }))
  );
  const first = Promise.race([end, sooner]);
  // A bug shows where the check is waited for; nobody may wait here.
  first.catch(() => {});
  return first;
}

async function runCheck(tools: CheckTools, task: Task, place: WorkPlace): Promise<CheckResult> {
  const { memory, settings, effects } = tools;
  const { domain, isForced, turn } = task;
  const { fleet } = effects;
  // What is in the store counts as held; from here on the memory hears of changes.
  // Hundreds of checks may wait at once: none of them has a policy in hand meanwhile, which can be large.
  const isCold = memory.recall(memory.stateOf(domain)).kind !== "held";
  const seen = fleet === undefined
    ? { txt: await lookupTxt(tools, task), isAlone: false, standIn: undefined }
    : await lookEverywhere(tools, task, isCold && !isForced ? fleet : undefined);
  const first = endOrFetch(tools, task, seen);
  if (!("fetch" in first)) return first;
  const wanted = { ...first.fetch, domain, turn };
  const standIn = task.isPurged ? undefined : seen.standIn;
  const fetched = fleet === undefined
    ? (await retrieve(wanted, tools)).result
    : await obtainPolicy(wanted, { memory, settings, effects, fleet, isForced, standIn, place });
  const state = memory.stateOf(domain);
  if (fetched.kind === "shared") {
    return finishCheck(state, { ...seen, end: { step: "share", policy: fetched.held } }, tools);
  }
  // The fetch may have taken longer than the rest of the old policy's life.
  const held = memory.live(state);
  const end = decideCheck({ held, txt: seen.txt, now: effects.clock.now(), isForced, fetched });
  return finishCheck(state, { ...seen, end }, tools);
}

/** What DNS and the fleet say of a domain. */
interface Seen extends Pick<Ending, "txt" | "isAlone"> {
  /** What the fleet has for a host without a policy, if it is not signed. */
  readonly standIn: FleetPolicy | undefined;
}

/** Asks DNS, and beside it `fleet` if something is to be asked there. */
async function lookEverywhere(
  tools: CheckTools,
  task: Task,
  fleet: Exchange | undefined,
): Promise<Seen> {
  const asking = fleet && askFleet(fleet, { tools, task });
  const txt = await lookupTxt(tools, task);
  const known = await asking;
  const { policy, failure } = known ?? {};
  if (txt.kind === "found" && failure?.id === txt.id) takeFailure(failure, tools);
  return { txt, isAlone: known === undefined, standIn: policy?.isSigned ? undefined : policy };
}

/** Asks beside DNS. A signed policy is held from here on, as if memory or store had had it. */
async function askFleet(
  fleet: Exchange,
  { tools, task: { domain, onShared } }: { tools: CheckTools; task: Task },
): Promise<FleetKnowledge | undefined> {
  const known = await fleet.ask(domain);
  if (known?.policy?.isSigned) {
    const { held } = takePolicy(known.policy, tools);
    if (held !== undefined) onShared(held);
  }
  return known;
}

/** What to fetch, and the failure of the last try. */
type Wanted = Pick<FetchTask, "id" | "failure">;

/** Ends a check after its TXT lookup, or says what to fetch. */
function endOrFetch(
  tools: CheckTools,
  { domain, isForced, isDoubted }: Task,
  seen: Seen,
): CheckResult | { readonly fetch: Wanted } {
  const { memory, effects: { clock, store } } = tools;
  const { txt } = seen;
  const state = memory.stateOf(domain);
  const held = memory.live(state);
  const facts: CheckFacts = { held, txt, now: clock.now(), isForced, isDoubted };
  const first = decideCheck(facts);
  if (first.step !== "fetch") return finishCheck(state, { ...seen, end: first }, tools);
  const failure = store.getFailure(domain);
  const decision = decideCheck({ ...facts, failure });
  if (decision.step !== "fetch") return finishCheck(state, { ...seen, end: decision }, tools);
  return { fetch: { id: decision.id, failure } };
}

async function lookupTxt(
  { memory, effects }: CheckTools,
  { domain, onRecord }: Task,
): Promise<TxtResult> {
  const { clock, dns, fetchPolicy, observe, store } = effects;
  const started = clock.now();
  const answer = await dns.lookupTxt(txtName(domain), {
    isNews(records) {
      const record = selectTxtRecord(records);
      const heldId = memory.live(memory.stateOf(domain))?.id;
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
