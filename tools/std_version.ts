/**
 * The version of `deno-std` in the import map, and the modules that are imported.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };

const PREFIX = /^npm:deno-std@([^/]+)\/(.+)$/;

const named = Object.values(config.imports).flatMap((specifier) => {
  const match = PREFIX.exec(specifier);
  return match === null ? [] : [{ version: match[1]!, entry: match[2]! }];
});

/** The version, and the modules that are imported; all of one version. */
export const VERSION_OF_STD = {
  version: named[0]!.version,
  entries: named.map(({ entry }) => entry).sort(),
} as const;

if (named.some(({ version }) => version !== VERSION_OF_STD.version)) {
  throw new Error("deno.json names several versions of deno-std");
}
