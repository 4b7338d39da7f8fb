/**
 * The remedy for a failure that a report names, in the words of `check`.
 *
 * @module
 */

import { FINDING_KINDS } from "../check/finding.ts";
import { type Advice, nameDomain } from "../tlsrpt/advice.ts";

const POLICY_MISTAKE = "Correct the policy file, and change the id. `check` shows the line.";

/**
 * What to do.
 *
 * @param domain A-labels, or `undefined` if the report names none.
 * @returns Whole sentences.
 */
export function remedyOf(advice: Advice, domain: string | undefined): string {
  const remedy = advice === "policy-mistake" ? POLICY_MISTAKE : FINDING_KINDS[advice].fix;
  return nameDomain(remedy, domain);
}
