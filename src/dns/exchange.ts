/**
 * What UDP and TCP share: one question and its answer as octets, why there may be no answer, and how many questions
 * may be open.
 *
 * @module
 */

/**
 * Questions open at once. That is enough for hundreds of slow domains without holding up others, and
 * half of the 1024 slots of an Unbound thread, which resets connections when all are taken.
 */
export const MAX_IN_FLIGHT = 512;

/** Questions that may wait to be sent. This bounds memory while a DNS resolver hangs. */
export const MAX_QUEUED = 4096;

/** The shortest DNS message, octets: its header. */
export const HEADER_BYTES = 12;

/** Why there is no answer. */
export interface WireFailure {
  /** Tells a failure from what `decode` made of an answer. */
  readonly kind: "failed";
  /** `refused`: the DNS resolver hung up on this very question. */
  readonly reason: "timeout" | "unreachable" | "malformed" | "refused";
  /** One line. */
  readonly detail: string;
  /** The DNS resolver sent nothing at all while the question waited: it is down, or only this domain is slow. */
  readonly silent: boolean;
}

/** Options of one question on the wire. */
export interface AskOptions<T> {
  /** Reads the answer, whose bytes are valid only during the call. If it throws, the answer is `malformed`. */
  decode(message: Uint8Array): T;
  /** Time to wait in all, ms. */
  readonly timeout: number;
  /** Ends the wait before its time. */
  readonly signal?: AbortSignal | undefined;
}

/** A question after `close()`, or open at that time. */
export const CLOSED: WireFailure = failure("unreachable", "the client is closed");

/** A question beyond {@link MAX_QUEUED}. */
export const CROWDED: WireFailure = failure("timeout", "too many questions wait");

/** Makes a failure. `detail` is one line. */
export function failure(reason: WireFailure["reason"], detail: string): WireFailure {
  return { kind: "failed", reason, detail, silent: false };
}
