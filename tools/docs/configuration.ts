/**
 * The YAML block in docs/configuration.md that shows every key with its default, from the table of the keys.
 * `deno task docs` rewrites it.
 *
 * @module
 */

import { formatDefaults } from "../../src/config/show.ts";

const BLOCK = /(?<=^```yaml\n)[^]*?(?=^```$)/m;

/** Replaces the block. @param page The text of configuration.md. @throws {RangeError} If it has no block. */
export function updateConfiguration(page: string): string {
  if (!BLOCK.test(page)) throw new RangeError("configuration.md has no YAML block");
  return page.replace(BLOCK, () => formatDefaults());
}
