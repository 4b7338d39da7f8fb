/**
 * What a kind of finding is. The kinds are in tables by subject, `kinds_host.ts` and so on;
 * `finding.ts` has all of them by name.
 *
 * @module
 */

/**
 * - `ok`: looked at and right.
 * - `info`: worth knowing, nothing to do.
 * - `warning`: works today, or with most senders, or leaves the owner blind.
 * - `error`: protection is missing, or mail under the policy is not delivered.
 */
export type Severity = "ok" | "info" | "warning" | "error";

/** From harmless to grave. */
export const SEVERITIES: readonly Severity[] = ["ok", "info", "warning", "error"];

/** What a kind of finding means, whatever was seen. */
export interface FindingKind {
  readonly severity: Severity;
  /** A few words that name it. */
  readonly title: string;
  /** A sentence or two, with the section of the RFC. */
  readonly why: string;
  /** What to do; empty where there is nothing to do. */
  readonly fix: string;
}
