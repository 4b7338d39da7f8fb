/**
 * Whether the file of a daemon is where nobody else can replace it.
 *
 * @module
 */

import { UsageError } from "../config/usage_error.ts";
import { checkDirectory } from "../sqlite/file_path.ts";

/**
 * Refuses a file in a directory that other users can write to.
 *
 * @param file Its path.
 * @param options `allowUnsafeDirectory` is the operator's word that it may be there.
 * @throws {UsageError} If it is refused.
 */
export function requireSafeDirectory(
  file: string,
  { allowUnsafeDirectory }: { readonly allowUnsafeDirectory: boolean },
): void {
  const danger = allowUnsafeDirectory ? undefined : checkDirectory(file);
  if (danger !== undefined) {
    throw new UsageError(danger, { hint: "or set 'cache.allow_unsafe_directory: true'" });
  }
}
