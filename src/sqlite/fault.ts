/**
 * What can be wrong with a SQLite file, in one word each. The word is the metric label
 * and decides what the store on the file does; the sentence is for the operator.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
/** The words. The list is closed. */
export type FaultKind =
  | "busy" // another program holds a lock
  | "corrupt" // no SQLite file, or a damaged one
  | "full" // no space left, or the file has reached its bound
  | "readonly" // the file or its file system cannot be written
  | "io" // the disk fails
  | "open" // the file cannot be opened or created
  | "unsafe" // others could have written it
  | "foreign" // it belongs to another program
  | "newer" // it was written by a later version of this program
  | "other"; // anything else, most likely our own mistake

/** All words, for counters that must exist before the first fault. */
export const FAULT_KINDS: readonly FaultKind[] = [
  "busy",
  "corrupt",
  "full",
  "readonly",
  "io",
  "open",
  "unsafe",
  "foreign",
  "newer",
  "other",
];

/** What to do about the faults that SQLite and the system report. */
const ADVICE: Readonly<Partial<Record<FaultKind, string>>> = {
  busy: "end the program that holds the lock",
  corrupt: "move it away",
  full: "make room for it",
  readonly: "make it writable",
  io: "check the disk",
  open: "check its directory and the permissions",
};

/**
 * A fault that we find ourselves; the message names the file and the repair. SQLite and the system
 * throw their own errors.
 */
export class FileFault extends Error {
  /** The word for it. */
  readonly kind: FaultKind;

  /** Makes one. @param message One line: what is wrong, which file, what to do. */
  constructor(kind: FaultKind, message: string) {
    super(message);
    this.name = "FileFault";
    this.kind = kind;
  }
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html) that mean something here. */
const SQLITE_KINDS: Readonly<Record<number, FaultKind>> = {
  5: "busy",
  6: "busy",
  8: "readonly",
  10: "io",
  11: "corrupt",
  13: "full",
  14: "open",
  26: "corrupt",
};

/** Finds the word for an error thrown by `node:sqlite`, by `Deno`, or as a {@link FileFault}. */
export function faultKind(error: unknown): FaultKind {
  if (error instanceof FileFault) return error.kind;
  if (!(error instanceof Error)) return "other";
  const { code, errcode } = error as Error & { code?: string; errcode?: number };
  // The low octet is the primary code, the rest refines it.
  if (errcode !== undefined) return SQLITE_KINDS[errcode & 0xff] ?? "other";
  // Only a failure to open comes without a result code.
  if (code === "ERR_SQLITE_ERROR") return "open";
  // An integer beyond 2^53: none of our writers stores one.
  if (code === "ERR_OUT_OF_RANGE") return "corrupt";
  return isSystemError(error) ? "open" : "other";
}

/** Says in one line what is wrong with the file and what to do. */
export function describeFault(path: string, error: unknown): string {
  if (error instanceof FileFault) return error.message;
  const message = messageOf(error);
  const advice = ADVICE[faultKind(error)] ?? "this is a bug, please report it";
  return `${path}: ${message}: ${advice}`;
}

function isSystemError(error: Error): boolean {
  return Object.values(Deno.errors).some((errorClass) => error instanceof errorClass) ||
    / \(os error \d+\)/.test(error.message);
}
