/**
 * What a thrown value says, as text.
 *
 * @module
 */

/** The message of an error; the text of anything else that was thrown. Not quoted. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The stack of an error, for the log of a bug; the text of anything else that was thrown. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
