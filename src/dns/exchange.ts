/**
 * One question and its answer as octets, over UDP or TCP: the possible failures, and the bounds on questions.
 *
 * @module
 */

/**
 * Questions open at once: enough for hundreds of slow domains without keeping others waiting, and
 * half of the 1024 slots of an Unbound thread, which resets connections when they are all taken.
 */
export const MAX_IN_FLIGHT = 512;

/** Questions that wait for a place, so that memory stays bounded when the resolver hangs. */
export const MAX_QUEUED = 4096;

/** The shortest DNS message, octets: its header. */
export const HEADER_BYTES = 12;

/** Why there is no answer. */
export interface WireFailure {
  readonly kind: "failed";
  /** `refused`: the resolver hung up on this very question. */
  readonly reason: "timeout" | "unreachable" | "malformed" | "refused";
  /** One line. */
  readonly detail: string;
  /** The resolver sent nothing at all while the question waited. It may be down, or only this domain may be slow. */
  readonly silent: boolean;
}

/** Options of one question on the wire. */
export interface AskOptions<T> {
  /** Reads the answer, whose bytes are only valid during the call. What it throws makes the answer `malformed`. */
  decode(message: Uint8Array): T;
  /** Milliseconds to wait in all. */
  readonly timeout: number;
  /** Gives up waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes a failure. */
export function failure(reason: WireFailure["reason"], detail: string): WireFailure {
  return { kind: "failed", reason, detail, silent: false };
}
