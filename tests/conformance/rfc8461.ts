/**
 * What RFC 8461 asks of a sender, rule by rule, and the tests that hold each.
 *
 * The wording is ours and short; the section has the exact one. A rule that this program cannot keep by
 * itself says who does. `rfc8461_test.ts` fails when a test named here does not exist, and
 * `deno task docs` makes `docs/rfc8461.md` of it.
 *
 * @module
 */

import { CACHE_RULES, POLICY_RULES } from "./policy_rules.ts";
import { DOMAIN_RULES, TXT_RULES } from "./discovery_rules.ts";
import { FETCH_RULES } from "./fetch_rules.ts";
import { REPORT_RULES, VALIDATION_RULES } from "./delivery_rules.ts";
import type { Requirement } from "./requirement.ts";

/** Rules of one subject. */
export interface Group {
  readonly title: string;
  /** Of its rules; their numbers run from 1 to this. */
  readonly count: number;
}

/** The groups by the letter before the number, in order. */
export const GROUPS: Readonly<Record<string, Group>> = {
  S: { title: "Which domain", count: 4 },
  T: { title: "The TXT record", count: 10 },
  H: { title: "Fetching the policy", count: 17 },
  P: { title: "The policy file", count: 8 },
  C: { title: "Cache, refresh, removal", count: 11 },
  V: { title: "Validation of MX hosts", count: 7 },
  R: { title: "Reports", count: 3 },
};

/** All rules, in the order of their groups and numbers. */
export const REQUIREMENTS: readonly Requirement[] = [
  ...DOMAIN_RULES,
  ...TXT_RULES,
  ...FETCH_RULES,
  ...POLICY_RULES,
  ...CACHE_RULES,
  ...VALIDATION_RULES,
  ...REPORT_RULES,
];
