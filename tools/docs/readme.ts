/**
 * The YAML block in README.md that shows every key with its default, from the table of the keys.
 * `deno task docs` rewrites it.
 *
 * @module
 */

import { formatDefaults } from "../../src/config/show.ts";

const BLOCK = /(?<=^```yaml\n)[^]*?(?=^```$)/m;

/** Replaces the block. @param readme The text of README.md. @throws {RangeError} If it has no block. */
export function updateReadme(readme: string): string {
  if (!BLOCK.test(readme)) throw new RangeError("README.md has no YAML block");
  return readme.replace(BLOCK, () => formatDefaults());
}
