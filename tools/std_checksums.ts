/**
 * Verifies `deno-std`, the repackaging of Deno's standard modules that the program and its tests load from npm.
 *
 *   std_checksums.ts               compares the installed files with tools/std_checksums.txt
 *   std_checksums.ts --write       writes that list, after an intended update
 *   std_checksums.ts --official    compares the installed files with the official modules of jsr.io
 *
 * The list has only the files that are loaded. The official modules are TypeScript. Before the comparison,
 * `deno transpile` removes types and comments from both sides, and imports get the same names.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { VERSION_OF_STD } from "./std_version.ts";
import { compareOfficial } from "./std_official.ts";

const LIST = new URL("std_checksums.txt", import.meta.url);

/** The part of `deno info --json` that is used. */
interface DenoInfo {
  readonly npmCache: string;
}

interface ModuleGraph {
  readonly modules: readonly { readonly specifier: string; readonly error?: string }[];
}

/** Contents of the files that are loaded, by their path in the package. */
export type StdFiles = ReadonlyMap<string, string>;

/**
 * Reads the files that are loaded.
 *
 * @param entries What is imported, such as `yaml/mod.js`.
 * @throws {Error} If the package is not in Deno's cache, or a file of it is missing.
 */
export function readInstalled(entries: readonly string[], version: string): StdFiles {
  const root = packageRoot(version);
  const files = new Map<string, string>();
  for (const entry of entries) {
    const graph = info(`${root}/${entry}`) as unknown as ModuleGraph;
    for (const { specifier, error } of graph.modules) {
      if (error !== undefined) throw new Error(`${specifier}: ${error}`);
      const path = new URL(specifier).pathname;
      if (!path.startsWith(`${root}/`)) throw new Error(`${entry} loads ${specifier}`);
      files.set(path.slice(root.length + 1), Deno.readTextFileSync(path));
    }
  }
  return new Map([...files].sort(([one], [other]) => one < other ? -1 : 1));
}

/** The directory of the package, from any registry. */
function packageRoot(version: string): string {
  const { npmCache } = info() as unknown as DenoInfo;
  for (const { name } of Deno.readDirSync(npmCache)) {
    const root = `${npmCache}/${name}/deno-std/${version}`;
    try {
      if (Deno.statSync(root).isDirectory) return root;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`deno-std ${version} is not installed: deno cache main.ts tests/packaging/*.ts`);
}

function info(...args: string[]): Record<string, unknown> {
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-config", ...args],
  }).outputSync();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`deno info failed: ${decoder.decode(stderr)}`);
  return JSON.parse(decoder.decode(stdout));
}

/** Writes the list, in the form of sha256sum(1). */
export function formatList(files: StdFiles): string {
  return [...files].map(([path, text]) =>
    `${createHash("sha256").update(text).digest("hex")}  ${path}\n`
  ).join("");
}

/** The differences, one line for each file. */
export function compareLists(listed: string, found: string): string[] {
  const [before, after] = [parseList(listed), parseList(found)];
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path) => {
    if (!after.has(path)) return [`${path}: no longer loaded`];
    if (!before.has(path)) return [`${path}: not in the list`];
    return before.get(path) === after.get(path) ? [] : [`${path}: differs`];
  });
}

function parseList(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)].map(([, sum, path]) => [path!, sum!]),
  );
}

async function main([option = "--verify"]: readonly string[]): Promise<string[]> {
  const { version, entries } = VERSION_OF_STD;
  const files = readInstalled(entries, version);
  switch (option) {
    case "--verify": {
      const faults = compareLists(Deno.readTextFileSync(LIST), formatList(files));
      return faults.length === 0 ? [] : [
        ...faults,
        "If the update is intended: std_checksums.ts --official, then --write",
      ];
    }
    case "--write":
      Deno.writeTextFileSync(LIST, formatList(files));
      return [];
    case "--official":
      return await compareOfficial(files, { base: "https://jsr.io/" });
    default:
      throw new Error(`Unknown option '${option}': see the head of std_checksums.ts`);
  }
}

if (import.meta.main) {
  const faults = await main(Deno.args);
  for (const fault of faults) console.error(`deno-std: ${fault}`);
  Deno.exit(faults.length === 0 ? 0 : 1);
}
