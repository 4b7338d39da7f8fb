/**
 * Plans the change of a policy: reads the current one, makes the new one, and refuses it if it is
 * invalid or dangerous.
 *
 * @module
 */

import type { DnsClient } from "../dns/types.ts";
import { formatPolicy, POLICY_MAX_BYTES, readPolicyLines } from "../sts/policy.ts";
import type { Policy } from "../sts/policy.ts";
import { type Danger, findDangers, REMOVAL_MAX_AGE } from "./dangers.ts";
import { formatDiagnostic, isUsable, lintPolicy } from "./lint.ts";
import type { LintOptions } from "./lint.ts";
import { describeOutlook, outlookDangers, type Reported } from "./outlook.ts";
import { decodePolicy, tryParse } from "./policy_file.ts";
import type { Files } from "../base/files.ts";

/** What to change. */
export interface PlanOptions {
  /** Lower-case A-labels. */
  readonly domain: string;
  /** Path of the policy file that is served. */
  readonly file: string;
  /** The whole text of the new policy, or the fields that change. */
  readonly change: { readonly text: string } | Partial<Pick<Policy, "mode" | "mx" | "maxAge">>;
  /** Take dangerous steps. */
  readonly force: boolean;
}

/** What {@link makePlan} needs. */
export interface PlanEffects extends LintOptions {
  readonly dns: Pick<DnsClient, "lookup">;
  readonly files: Files;
  /** What received TLS reports say about a domain. */
  readonly reported: (domain: string) => Reported;
}

/** A change that can be carried out. */
export interface Plan {
  readonly kind: "plan";
  /** What the file holds. */
  readonly currentText: string;
  /** What it must hold; the same as `currentText` if an earlier run wrote it. */
  readonly text: string;
  /** The policy in `text`. */
  readonly next: Policy;
  /** What is worth knowing before, in lines. */
  readonly remarks: readonly string[];
}

/** Why there is no plan. Nothing has changed. */
export type NoPlan =
  | { readonly kind: "refused"; readonly problems: readonly string[]; readonly advice: string }
  /** The file cannot be read. */
  | { readonly kind: "failed"; readonly problem: string };

/** Plans a change. Never rejects. */
export async function makePlan(options: PlanOptions, effects: PlanEffects): Promise<Plan | NoPlan> {
  const { domain, file, change, force } = options;
  const read = await effects.files.read(file, POLICY_MAX_BYTES);
  if (read.kind === "failed") return { kind: "failed", problem: read.detail };
  if (read.kind === "absent") {
    return refused([`there is no ${file}`], `begin with 'publish init ${domain}'`);
  }
  const currentText = decodePolicy(read.bytes);
  const current = tryParse(currentText);
  if (current === undefined) {
    return refused([`${file} does not hold a valid policy`], `see 'publish lint ${file}'`);
  }
  const text = "text" in change ? change.text : applyChange(currentText, current, { change });
  const diagnostics = lintPolicy(text, effects).filter(({ severity }) => severity !== "note");
  const next = tryParse(text);
  if (next === undefined || !isUsable(diagnostics) || (diagnostics.length > 0 && !force)) {
    const problems = diagnostics.map((found) => `new policy: ${formatDiagnostic(found)}`);
    return refused(problems, "correct the new policy; 'publish lint' explains each mistake");
  }
  const plan = { kind: "plan", currentText, text, next } as const;
  // A policy that is already in place is not judged again, so that a repeated run can finish.
  if (text === currentText) return { ...plan, remarks: [] };
  const { remarks, dangers } = judgeEnforcing({ current, next }, { ...effects, domain });
  if (force) return { ...plan, remarks };
  dangers.push(...findDangers({ current, next, mxHosts: await lookupMxHosts(domain, effects) }));
  return dangers.length === 0 ? { ...plan, remarks } : refused(
    [...remarks, ...dangers.map(({ problem, advice }) => `${problem}; ${advice}`)],
    "to do it anyway, use --force",
  );
}

/** What reports say about a policy that begins to be enforced. */
function judgeEnforcing(
  { current, next }: { current: Policy; next: Policy },
  { domain, reported }: Pick<PlanOptions, "domain"> & Pick<PlanEffects, "reported">,
): { remarks: string[]; dangers: Danger[] } {
  if (next.mode !== "enforce" || current.mode === "enforce") return { remarks: [], dangers: [] };
  const known = reported(domain);
  return { remarks: describeOutlook(known), dangers: outlookDangers(known) };
}

function refused(problems: readonly string[], advice: string): NoPlan {
  return { kind: "refused", problems, advice };
}

/** The policy with the new values. Fields that are not of RFC 8461 stay as they are. */
function applyChange(
  currentText: string,
  current: Policy,
  { change }: { change: Partial<Policy> },
): string {
  // A policy that is being withdrawn has a short max_age (RFC 8461 §8.3).
  const maxAge = change.mode === "none"
    ? Math.min(current.maxAge, REMOVAL_MAX_AGE)
    : current.maxAge;
  const next: Policy = { ...current, maxAge, ...change };
  const known = ["version", "mode", "mx", "max_age"];
  const others = readPolicyLines(currentText)
    .filter(({ key, wellFormed }) => wellFormed && !known.includes(key))
    .map(({ text }) => `${text}\r\n`);
  return formatPolicy(next) + others.join("");
}

async function lookupMxHosts(
  domain: string,
  { dns }: PlanEffects,
): Promise<readonly string[] | undefined> {
  const answer = await dns.lookup(domain, "MX");
  if (answer.kind === "failed") return undefined;
  if (answer.kind !== "found") return [domain];
  return answer.records.map(({ exchange }) => exchange).filter((name) => name !== "");
}
