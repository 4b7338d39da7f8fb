/**
 * What a kind of finding is. The kinds are in one table per subject, such as `kinds_host.ts`.
 * `finding.ts` has all of them by name.
 *
 * @module
 */

/**
 * - `ok`: checked and right.
 * - `info`: worth knowing, nothing to do.
 * - `warning`: works only today or with most senders, or hides problems from the owner.
 * - `error`: protection is missing, or mail under the policy is not delivered.
 */
export type Severity = "ok" | "info" | "warning" | "error";

/** From harmless to grave. */
export const SEVERITIES: readonly Severity[] = ["ok", "info", "warning", "error"];

/** What a kind of finding means, independent of what was seen. */
export interface FindingKind {
  readonly severity: Severity;
  /** A few words that name it. */
  readonly title: string;
  /** A sentence or two, with the section of the RFC. */
  readonly why: string;
  /** What to do; empty where there is nothing to do. */
  readonly fix: string;
}
