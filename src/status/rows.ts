/**
 * The rows of the decision table in words, the same for `lookup` and the status page.
 *
 * @module
 */

/** What the row of the decision table means. */
export const ROWS: Readonly<Record<number, string>> = {
  1: "the cached policy is in use; it was checked lately",
  2: "the cached policy is in use; its id has not changed",
  3: "the cached policy stays in use although the TXT record gave none (RFC 8461 §3.3)",
  4: "the policy was fetched anew",
  5: "the cached policy stays in use although the fetch failed (RFC 8461 §3.3)",
  7: "the policy was fetched",
  8: "no policy: it could not be fetched, so mail is delivered as without one (RFC 8461 §3.3)",
  9: "no policy: there is no usable TXT record (RFC 8461 §3.1)",
  10: "unknown: the DNS lookup failed",
  11: "unknown: no answer in time",
};
