/**
 * The outcomes of queries and checks: one word each, the same in the code, the log, the metrics, `lookup`
 * and the status page. `decide.ts` says when each of them holds, `status/outcome_text.ts` what it means.
 *
 * @module
 */

/** A check leaves the held policy in use, because it could not get a newer one. */
export type KeptOutcome =
  /** The TXT record is gone, unusable or cannot be looked up. */
  | "kept-without-record"
  /** The fetch failed, or is held off after a failure. */
  | "kept-fetch-failed";

/** An answer that rests on a policy. */
export type PolicyOutcome =
  /** The held policy; its TXT record was checked within `recheck`. */
  | "fresh"
  /** The held policy; a check starts in the background. */
  | "rechecking"
  /** A check found the `id` of the held policy. */
  | "unchanged"
  | KeptOutcome
  /** A check fetched a policy in the place of the held one. */
  | "replaced"
  /** A check fetched a policy, and none was held. */
  | "fetched"
  /** A check took the policy that another host of the fleet fetched. */
  | "shared";

/** A check that ends without a policy. */
export type AbsentOutcome =
  /** The record names a policy, but its fetch failed, or is held off after a failure. */
  | "fetch-failed"
  /** There is no usable TXT record. */
  | "no-record"
  /** The TXT record cannot be looked up. */
  | "dns-failure";

/** A query that ends without a policy. */
export type UnheldOutcome =
  | AbsentOutcome
  /** The cache file cannot be read: it may hold a policy. */
  | "cache-unusable"
  /** The query cannot wait any longer for the check. */
  | "deadline";

/** An exception of the configuration says which policy counts; see `exceptions.ts`. */
export type ExceptionOutcome =
  /** None does. */
  | "exception-ignore"
  /** The one that is configured. */
  | "exception-enforce";

/** All outcomes there are. */
export type Outcome = PolicyOutcome | UnheldOutcome | ExceptionOutcome;
