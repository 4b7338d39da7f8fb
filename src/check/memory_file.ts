/**
 * The file in which a check leaves its {@link Memory} for the next one.
 *
 * @module
 */

import type { Files, FileWrite } from "../base/files.ts";
import { formatMemory, type Memory, parseMemory } from "./memory.ts";
import type { DomainReport } from "./report.ts";

/** Thousands of domains fit in. A larger file is not ours, bytes. */
const MEMORY_MAX_BYTES = 4 * 1024 * 1024;

/** The result of reading the file. */
export type MemoryRead =
  | { readonly kind: "read"; readonly memory: Memory }
  /** `detail` is one line for a person. */
  | { readonly kind: "failed"; readonly detail: string; readonly advice?: string };

/** Reads the memory of the last check, which is empty if there is no file. Never rejects. */
export async function loadMemory(file: string, files: Pick<Files, "read">): Promise<MemoryRead> {
  const read = await files.read(file, MEMORY_MAX_BYTES);
  if (read.kind === "absent") return { kind: "read", memory: new Map() };
  if (read.kind === "failed") return read;
  try {
    return { kind: "read", memory: parseMemory(new TextDecoder().decode(read.bytes)) };
  } catch {
    return {
      kind: "failed",
      detail: `${file} was not written by 'check --since'`,
      advice: "name another file, or remove this one",
    };
  }
}

/**
 * Writes the memory for the next check. Domains that were not checked this time stay in it. Never rejects.
 *
 * @param saved `memory`: from the last check; `reports`: from this one.
 */
export async function saveMemory(
  file: string,
  saved: { readonly memory: Memory; readonly reports: readonly DomainReport[] },
  { files }: { readonly files: Pick<Files, "write"> },
): Promise<FileWrite> {
  const next = new Map(saved.memory);
  for (const { domain, undecided, remembered } of saved.reports) {
    // A check that saw nothing must not replace the memory of one that did.
    if (!undecided) next.set(domain, remembered);
  }
  return await files.write(file, new TextEncoder().encode(formatMemory(next)));
}
