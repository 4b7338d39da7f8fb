/**
 * The flags for the engine with which the daemon is shipped.
 *
 * @module
 */

import deno from "../../deno.json" with { type: "json" };
import { V8_FLAGS } from "../../tools/compile.ts";

/** The option of `deno run` that `deno task serve` and the compiled program have for the engine. */
export function engineFlags(): string[] {
  const flags = `--v8-flags=${V8_FLAGS.join(",")}`;
  if (!deno.tasks.serve.includes(`${flags} `)) {
    throw new Error("deno.json: the task serve must have the V8_FLAGS of tools/compile.ts");
  }
  return [flags];
}
