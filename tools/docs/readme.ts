/**
 * The block of YAML in README.md that shows every key at its default, from the statements of the
 * keys. `deno task docs` rewrites it.
 *
 * @module
 */

import { formatDefaults } from "../../src/config/show.ts";

const BLOCK = /(?<=^```yaml\n)[^]*?(?=^```$)/m;

/** Puts the block into the README. @param readme Its text, with a block that may be out of date. */
export function updateReadme(readme: string): string {
  if (!BLOCK.test(readme)) throw new RangeError("README.md has no block of YAML");
  return readme.replace(BLOCK, () => formatDefaults());
}
