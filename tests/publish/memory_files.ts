/**
 * Files in memory, for tests of what is done with them.
 *
 * @module
 */

import type { Files } from "../../src/base/files.ts";

/** The files, with the test's hands on them. */
export interface MemoryFiles extends Files {
  /** Contents by path; change with `put`. */
  readonly contents: Map<string, string>;
  /** Paths written, in order. */
  readonly writes: string[];
  /** What `write` and `list` say when the disk is broken; `undefined` while it is not. */
  fault: string | undefined;
  put(path: string, text: string): void;
}

/** Creates the files. */
export function createMemoryFiles(initial: Record<string, string> = {}): MemoryFiles {
  const contents = new Map<string, string>();
  const stamps = new Map<string, number>();
  let serial = 0;
  const files: MemoryFiles = {
    contents,
    writes: [],
    fault: undefined,
    put(path: string, text: string): void {
      contents.set(path, text);
      stamps.set(path, serial++);
    },
    read(path, maxBytes) {
      const text = contents.get(path);
      if (text === undefined) return Promise.resolve({ kind: "absent" });
      const bytes = new TextEncoder().encode(text);
      return Promise.resolve(
        bytes.length > maxBytes
          ? { kind: "failed", detail: `${path} is too large` }
          : { kind: "read", bytes },
      );
    },
    write(path, bytes) {
      if (files.fault !== undefined) {
        return Promise.resolve({ kind: "failed", detail: files.fault });
      }
      files.writes.push(path);
      files.put(path, new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
      return Promise.resolve({ kind: "written" });
    },
    stamp: (path) => Promise.resolve(contents.has(path) ? String(stamps.get(path)) : undefined),
    list: (directory) =>
      Promise.resolve(
        files.fault !== undefined
          ? undefined
          : [...contents.keys()].filter((path) => path.startsWith(`${directory}/`))
            .map((path) => path.slice(directory.length + 1)).filter((name) => !name.includes("/")),
      ),
  };
  for (const [path, text] of Object.entries(initial)) files.put(path, text);
  return files;
}
