/**
 * The flags for the engine with which the daemon is shipped.
 *
 * @module
 */

import deno from "../../deno.json" with { type: "json" };

/** The option of `deno run` that `deno task serve` and the compiled program have for the engine. */
export function engineFlags(): string[] {
  const [flags] = /--v8-flags=\S+/.exec(deno.tasks.serve) ?? [];
  if (flags === undefined || !deno.tasks.compile.includes(flags)) {
    throw new Error("deno.json: the tasks serve and compile must have the same --v8-flags");
  }
  return [flags];
}
