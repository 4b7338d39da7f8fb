/**
 * Changes a policy in the order of RFC 8461 §8.1: the file first, and the `id` in DNS when the file is
 * served. After each step it checks what senders see. A step is done when they see its result.
 *
 * This code writes the file. The owner publishes the record while it waits. A run that was interrupted
 * can be repeated: it finds the finished steps finished.
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

/** Pause between two checks of the web server or DNS, ms: both are changed by hand. */
const POLL_INTERVAL_MS = 5000;

/** What to change, and how long to wait. */
export interface RollOptions extends PlanOptions {
  /** The `id` that an interrupted run printed, to wait for that one. */
  readonly id?: string;
  /** How long to wait for the web server, and then for DNS, ms each; 0 checks once. */
  readonly wait: number;
}

/** What a sender with an empty cache makes of the domain. */
export type SenderState =
  | { readonly kind: "policy"; readonly id: string; readonly text: string }
  /** `detail` is one line, fit to print. */
  | { readonly kind: "none"; readonly detail: string };

/** What {@link rollPolicy} needs. */
export interface RollEffects extends PlanEffects {
  readonly dns: Pick<DnsClient, "lookup" | "lookupTxt">;
  readonly fetchPolicy: FetchPolicy;
  /** Resolves the domain as a sender would. Never rejects. */
  readonly resolveAsSender: (domain: string) => Promise<SenderState>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Prints one line of progress. */
  readonly say: (line: string) => void;
}

/** The result of {@link rollPolicy}. */
export type RollOutcome =
  | { readonly kind: "done" }
  | NoPlan
  /** The file is written, but senders do not see the change. The run can be repeated. */
  | { readonly kind: "unfinished"; readonly problem: string; readonly advice: string };

type Stopped = Exclude<RollOutcome, { kind: "done" }>;

/** Changes the policy of a domain; see {@link RollOutcome}. Never rejects. */
export async function rollPolicy(options: RollOptions, effects: RollEffects): Promise<RollOutcome> {
  const plan = await makePlan(options, effects);
  if (plan.kind !== "plan") return plan;
  for (const remark of plan.remarks) effects.say(remark);
  const { id: published } = await lookupId(options.domain, effects);
  if (plan.text !== plan.currentText && published !== undefined && published === options.id) {
    return {
      kind: "refused",
      problems: [
        `DNS already shows the id ${published}: senders would not notice the change (§3.1)`,
      ],
      advice: "run this without --id",
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

/** Keeps the previous file as `.previous` and puts the new one in its place. */
async function writeFiles(
  { currentText, text }: Plan,
  file: string,
  { files, say }: RollEffects,
): Promise<Stopped | undefined> {
  if (text === currentText) {
    say(`${file} already holds this policy`);
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
  effects.say("waiting for the web server to serve the new policy");
  const problem = await poll(wait, effects, async () => {
    const outcome = await effects.fetchPolicy(domain);
    if (outcome.kind === "failed") return outcome.detail;
    return outcome.text === text ? undefined : "the web server serves another policy";
  });
  if (problem === undefined) {
    effects.say("the web server serves the new policy");
    return undefined;
  }
  return {
    kind: "unfinished",
    problem,
    advice:
      "run this again when the new policy is served; do not change the id before (RFC 8461 §8.1)",
  };
}

/** @returns The `id` that DNS shows. */
async function awaitRecord(
  { domain, id: wanted, wait }: RollOptions,
  effects: RollEffects,
): Promise<string | Stopped> {
  const id = wanted ?? freshId(effects.now(), (await lookupId(domain, effects)).id);
  effects.say("now replace the MTA-STS record with this one:");
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
    advice: `run this again with --id ${id} when the record is published`,
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
    say("a sender with an empty cache gets the new policy");
    return undefined;
  }
  return { kind: "unfinished", problem, advice: `run this again with --id ${id}` };
}

/** Says how long senders may keep the previous policy (RFC 8461 §8.1, §8.3). */
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
    say(`keep policy and record in place until ${end}; then remove both (RFC 8461 §8.3)`);
  } else if (mode !== "none") {
    say(
      `senders may use the previous policy until ${end}: its MX hosts must work until then`,
    );
  }
  return { kind: "done" };
}

function previousOf(file: string): string {
  return `${file}.previous`;
}

/**
 * Tries at least once, until there is no problem left or the time is over.
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
