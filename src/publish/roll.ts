/**
 * Changes a policy in the order that RFC 8461 §8.1 advises: the file first, and only when it is
 * served, the `id` in DNS. In between, and at the end, it looks from outside: a step is not done
 * because somebody did it, but because senders see it.
 *
 * The file is written here; the record is published by the owner, while this waits. A run that was
 * interrupted can be repeated: what is done already is found done.
 *
 * @module
 */

import type { DnsClient } from "../dns/types.ts";
import type { FetchPolicy } from "../https/types.ts";
import { txtName } from "../sts/domain.ts";
import { POLICY_MAX_BYTES } from "../sts/policy.ts";
import { selectTxtRecord } from "../sts/txt_record.ts";
import { decodePolicy, tryParse } from "./policy_file.ts";
import { formatTxtLine, freshId } from "./records.ts";
import { makePlan } from "./roll_plan.ts";
import type { NoPlan, Plan, PlanEffects, PlanOptions } from "./roll_plan.ts";

/** Pause between looks at the web server and at DNS, ms: both change by hand. */
const POLL_INTERVAL_MS = 5000;

/** What to change, and how long to wait. */
export interface RollOptions extends PlanOptions {
  /** The `id` that was printed by an interrupted run, to wait for that one. */
  readonly id?: string;
  /** How long to wait for the web server, and then for DNS, ms each; 0 looks once. */
  readonly wait: number;
}

/** What a sender makes of the domain, with nothing in its cache. */
export type SenderState =
  | { readonly kind: "policy"; readonly id: string; readonly text: string }
  /** `detail` is one line, fit to print. */
  | { readonly kind: "none"; readonly detail: string };

/** What it needs. */
export interface RollEffects extends PlanEffects {
  readonly dns: Pick<DnsClient, "lookup" | "lookupTxt">;
  readonly fetchPolicy: FetchPolicy;
  /** Resolves the domain as a sender would. Never rejects. */
  readonly resolveAsSender: (domain: string) => Promise<SenderState>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Tells a person how far it is, a line each. */
  readonly say: (line: string) => void;
}

/** How it ended. */
export type RollOutcome =
  | { readonly kind: "done" }
  | NoPlan
  /** The file is written, but the world does not follow; the run can be repeated. */
  | { readonly kind: "unfinished"; readonly problem: string; readonly advice: string };

type Stopped = Exclude<RollOutcome, { kind: "done" }>;

/** Changes the policy of a domain; see {@link RollOutcome}. Never rejects. */
export async function rollPolicy(options: RollOptions, effects: RollEffects): Promise<RollOutcome> {
  const plan = await makePlan(options, effects);
  if (plan.kind !== "plan") return plan;
  const { id: published } = await lookupId(options.domain, effects);
  if (plan.text !== plan.currentText && published !== undefined && published === options.id) {
    return {
      kind: "refused",
      problems: [
        `DNS shows the id ${published} already: senders would not notice the change (§3.1)`,
      ],
      advice: "leave --id out",
    };
  }
  const stopped = await writeFiles(plan, options.file, effects) ??
    await awaitServed(plan, options, effects);
  if (stopped !== undefined) return stopped;
  const id = await awaitRecord(options, effects);
  if (typeof id !== "string") return id;
  return await verifyAsSender(plan, { ...options, id }, effects) ??
    await conclude(plan, options, effects);
}

/** Keeps the file of before as `.previous` and puts the new one in its place. */
async function writeFiles(
  { currentText, text }: Plan,
  file: string,
  { files, say }: RollEffects,
): Promise<Stopped | undefined> {
  if (text === currentText) {
    say(`${file} holds this policy already`);
    return undefined;
  }
  const encoder = new TextEncoder();
  for (const [path, content] of [[previousOf(file), currentText], [file, text]] as const) {
    const written = await files.write(path, encoder.encode(content));
    if (written.kind === "failed") return { kind: "failed", problem: written.detail };
  }
  say(`wrote ${file}; the previous policy is in ${previousOf(file)}`);
  return undefined;
}

async function awaitServed(
  { text }: Plan,
  { domain, wait }: RollOptions,
  effects: RollEffects,
): Promise<Stopped | undefined> {
  effects.say("waiting until the web server serves the new policy");
  const problem = await poll(wait, effects, async () => {
    const outcome = await effects.fetchPolicy(domain);
    if (outcome.kind === "failed") return outcome.detail;
    return outcome.text === text ? undefined : "the web server serves another policy";
  });
  if (problem === undefined) {
    effects.say("the web server serves it");
    return undefined;
  }
  return {
    kind: "unfinished",
    problem,
    advice:
      "do not change the id before the new policy is served (RFC 8461 §8.1); then run this again",
  };
}

/** @returns The `id` that DNS shows. */
async function awaitRecord(
  { domain, id: wanted, wait }: RollOptions,
  effects: RollEffects,
): Promise<string | Stopped> {
  const id = wanted ?? freshId(effects.now(), (await lookupId(domain, effects)).id);
  effects.say("now publish this record in place of the present one:");
  effects.say(formatTxtLine(domain, id));
  const problem = await poll(wait, effects, async () => {
    const seen = await lookupId(domain, effects);
    if (seen.id === id) return undefined;
    return seen.id === undefined ? seen.detail : `DNS still shows the id ${seen.id}`;
  });
  if (problem === undefined) {
    effects.say("DNS shows the new id");
    return id;
  }
  return {
    kind: "unfinished",
    problem,
    advice: `when the record is there, run this again with --id ${id}`,
  };
}

async function lookupId(
  domain: string,
  { dns }: RollEffects,
): Promise<{ readonly id: string } | { readonly id?: undefined; readonly detail: string }> {
  const answer = await dns.lookupTxt(txtName(domain));
  if (answer.kind === "failed") return { detail: `cannot look up the record: ${answer.detail}` };
  const selected = selectTxtRecord(answer.kind === "found" ? answer.records : []);
  return selected.kind === "found" ? { id: selected.id } : { detail: selected.detail };
}

async function verifyAsSender(
  { text }: Plan,
  { domain, id }: { readonly domain: string; readonly id: string },
  { resolveAsSender, say }: RollEffects,
): Promise<Stopped | undefined> {
  const state = await resolveAsSender(domain);
  const problem = state.kind === "none"
    ? state.detail
    : state.id !== id
    ? `a sender still sees the id ${state.id}`
    : state.text !== text
    ? "a sender sees another policy"
    : undefined;
  if (problem === undefined) {
    say("a sender that knows nothing of the domain gets the new policy");
    return undefined;
  }
  return { kind: "unfinished", problem, advice: `run this again with --id ${id}` };
}

/** Says how long the previous policy lives on in caches (RFC 8461 §8.1, §8.3). */
async function conclude(
  { next }: Plan,
  { file }: RollOptions,
  { files, now, say }: RollEffects,
): Promise<RollOutcome> {
  const previous = await files.read(previousOf(file), POLICY_MAX_BYTES);
  const policy = previous.kind === "read" ? tryParse(decodePolicy(previous.bytes)) : undefined;
  if (policy === undefined) return { kind: "done" };
  const { mode, maxAge } = policy;
  const end = `${new Date(now() + maxAge * 1000).toISOString().slice(0, 16)}Z`;
  if (next.mode === "none") {
    say(`leave policy and record in place until ${end}; then both may be removed (RFC 8461 §8.3)`);
  } else if (mode !== "none") {
    say(
      `some senders may use the previous policy until ${end}: its MX hosts must work until then`,
    );
  }
  return { kind: "done" };
}

function previousOf(file: string): string {
  return `${file}.previous`;
}

/**
 * Tries until there is no problem left or the time is over, at least once.
 *
 * @param wait In ms.
 * @returns The last problem.
 */
async function poll(
  wait: number,
  { now, sleep }: RollEffects,
  attempt: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const end = now() + wait;
  for (;;) {
    const problem = await attempt();
    const left = end - now();
    if (problem === undefined || left <= 0) return problem;
    await sleep(Math.min(left, POLL_INTERVAL_MS));
  }
}
