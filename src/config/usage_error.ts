/**
 * The error for a mistake of the operator: a wrong option, a wrong value in the
 * configuration file, a file that cannot be read. The command line prints it
 * without a stack trace and exits with the code for wrong usage.
 *
 * @module
 */

/** A mistake of the operator. The message says what is wrong, where, and what to do about it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** What was probably meant or what to do, printed below the message. */
  readonly hint?: string;

  /** @param message One line; one line for each mistake when a file has several. */
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
  }
}
