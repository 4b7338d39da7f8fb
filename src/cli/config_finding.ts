/**
 * What `config check` finds, one line each.
 *
 * @module
 */

import type { Config } from "../config/types.ts";
import { checkDirectory } from "../sqlite/file_path.ts";

/** One thing that was looked at. */
export interface ConfigFinding {
  /** `warning`: mail may wait or leave unprotected. `failed`: the daemon would not start or answer. */
  readonly kind: "ok" | "note" | "warning" | "failed";
  readonly subject: string;
  /** One line. */
  readonly text: string;
}

/** Whether a SQLite file can be where the configuration has it; `undefined` if it has none, and there is no default. */
export function fileFinding(
  subject: string,
  file: string | undefined,
  { allowUnsafeDirectory }: Pick<Config["cache"], "allowUnsafeDirectory">,
): ConfigFinding {
  if (file === undefined) {
    return { kind: "warning", subject, text: "there is no state directory: name a file" };
  }
  const danger = allowUnsafeDirectory ? undefined : checkDirectory(file);
  return danger === undefined
    ? { kind: "ok", subject, text: file }
    : { kind: "failed", subject, text: danger };
}
