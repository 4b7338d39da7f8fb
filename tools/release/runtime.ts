/**
 * Reads from a compiled program which Deno and which V8 are in it. It is not run for that, so it may be for another
 * processor.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Versions of a base program. */
export interface Runtime {
  /** Such as `2.9.6`. */
  readonly deno: string;
  /** Such as `15.0.245.2`, without Deno's mark. */
  readonly v8: string;
}

/** Octets before and behind a mark within which a version stands. */
const AROUND = 24;

/**
 * Reads the versions of a program, or of a base program.
 *
 * @throws {Error} If it is not of the Deno that runs this, up to the patch: the program would then not find its own code.
 */
export function readRuntime(
  path: string,
  { running = Deno.version.deno }: { readonly running?: string } = {},
): Runtime {
  const bytes = Buffer.from(Deno.readFileSync(path).buffer);
  const deno = findVersion(bytes, "Deno/", /Deno\/(\d+\.\d+\.\d+)\+/);
  const v8 = findVersion(bytes, "-rusty", /(\d+\.\d+\.\d+\.\d+)-rusty/);
  if (deno === undefined || v8 === undefined) throw new Error(`${path} is not a program of Deno`);
  const minor = (version: string) => version.split(".").slice(0, 2).join(".");
  if (minor(deno) !== minor(running)) {
    throw new Error(`the base of ${path} is of Deno ${deno}, which does not work with ${running}`);
  }
  return { deno, v8 };
}

/** The first version at a mark. */
function findVersion(bytes: Buffer, mark: string, pattern: RegExp): string | undefined {
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    const text = bytes.toString("latin1", Math.max(0, at - AROUND), at + AROUND);
    const version = pattern.exec(text)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}
