/**
 * What one try to deliver a report came to, and what an answer over HTTP means for it.
 *
 * @module
 */

/** What a try came to. `error` is one line, fit to print. */
export type Attempt =
  | { readonly kind: "accepted" }
  /** For good: trying again is no use. */
  | { readonly kind: "refused"; readonly error: string }
  /** Later it may succeed. `isDown`: nobody answered, so others need not try now. */
  | { readonly kind: "failed"; readonly error: string; readonly isDown: boolean };

/** What came of a POST. */
export type PostOutcome =
  | { readonly kind: "answered"; readonly status: number }
  /** `isRefused`: we do not connect to this host. */
  | { readonly kind: "failed"; readonly isRefused: boolean; readonly detail: string };

/** Statuses of 400 to 499 that ask for another try. */
const LATER: readonly number[] = [408, 425, 429];

/** Judges a POST. Any 2xx is success (RFC 8460 §5.4); redirects are not followed, and may go away. */
export function judgePost(outcome: PostOutcome): Attempt {
  if (outcome.kind === "failed") {
    const { isRefused, detail: error } = outcome;
    return isRefused ? { kind: "refused", error } : { kind: "failed", error, isDown: true };
  }
  const { status } = outcome;
  if (status >= 200 && status < 300) return { kind: "accepted" };
  const error = `HTTP status ${status}`;
  const isFinal = status >= 400 && status < 500 && !LATER.includes(status);
  return isFinal ? { kind: "refused", error } : { kind: "failed", error, isDown: false };
}
