/**
 * Plans the change of a policy: reads the one that is served, makes the new one, and refuses what
 * is no valid policy or dangerous.
 *
 * @module
 */

import type { DnsClient } from "../dns/types.ts";
import { formatPolicy, POLICY_MAX_BYTES, readPolicyLines } from "../sts/policy.ts";
import type { Policy } from "../sts/policy.ts";
import { findDangers, REMOVAL_MAX_AGE } from "./dangers.ts";
import { formatFinding, isUsable, lintPolicy } from "./lint.ts";
import type { LintOptions } from "./lint.ts";
import { decodePolicy, tryParse } from "./policy_file.ts";
import type { Files } from "./types.ts";

/** What to change. */
export interface PlanOptions {
  /** Lower-case A-labels. */
  readonly domain: string;
  /** Path of the policy file that is served. */
  readonly file: string;
  /** The text of the new policy as a whole, or the fields that become others. */
  readonly change: { readonly text: string } | Partial<Pick<Policy, "mode" | "mx" | "maxAge">>;
  /** Take dangerous steps. */
  readonly force: boolean;
}

/** What it needs. */
export interface PlanEffects extends LintOptions {
  readonly dns: Pick<DnsClient, "lookup">;
  readonly files: Files;
}

/** A change that can be carried out. */
export interface Plan {
  readonly kind: "plan";
  /** What the file holds. */
  readonly currentText: string;
  /** What it shall hold; the same if that is done already. */
  readonly text: string;
  /** The policy in `text`. */
  readonly next: Policy;
}

/** Why there is no plan. Nothing was changed. */
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
    return refused([`${file} holds no valid policy`], `see 'publish lint ${file}'`);
  }
  const text = "text" in change ? change.text : applyChange(currentText, current, { change });
  const findings = lintPolicy(text, effects).filter(({ severity }) => severity !== "note");
  const next = tryParse(text);
  if (next === undefined || !isUsable(findings) || (findings.length > 0 && !force)) {
    const problems = findings.map((found) => `new policy: ${formatFinding(found)}`);
    return refused(problems, "correct the new policy; 'publish lint' tells more");
  }
  // What is in place already is not judged again: a repeated run shall come to its end.
  if (text === currentText || force) return { kind: "plan", currentText, text, next };
  const dangers = findDangers({ current, next, mxHosts: await lookupMxHosts(domain, effects) });
  return dangers.length === 0 ? { kind: "plan", currentText, text, next } : refused(
    dangers.map(({ problem, advice }) => `${problem}; ${advice}`),
    "--force does it all the same",
  );
}

function refused(problems: readonly string[], advice: string): NoPlan {
  return { kind: "refused", problems, advice };
}

/** The policy with other values, and with the fields that are nobody's here as they are. */
function applyChange(
  currentText: string,
  current: Policy,
  { change }: { change: Partial<Policy> },
): string {
  // A policy on its way out has a short life (RFC 8461 §8.3).
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
