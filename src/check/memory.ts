/**
 * What one check remembers for the next: the policy that came with an `id` (RFC 8461 §3.1), when the mode
 * was first seen, and the findings, so that the next check can report changes only.
 *
 * The form is JSON. `memory_file.ts` keeps it in a file.
 *
 * @module
 */

import { isMapping } from "../base/mapping.ts";
import { type Finding, FINDING_KINDS, type FindingId } from "./finding.ts";
import type { Severity } from "./finding_kind.ts";

/** What is kept of one finding. What was seen is not kept, because it may count days. */
export interface RememberedFinding {
  readonly id: FindingId;
  readonly subject: string;
}

/** What is kept of one domain. */
export interface Remembered {
  /** `id` of the TXT record when it was last there. */
  readonly id?: string;
  /** SHA-256 of the policy that was first seen with this `id`, in hexadecimal digits. */
  readonly digest?: string;
  readonly mode?: string;
  /** When this mode was first seen, ms since the Unix epoch. */
  readonly modeSince: number;
  /** Warnings and errors. */
  readonly findings: readonly RememberedFinding[];
}

/** What is kept, by domain. */
export type Memory = ReadonlyMap<string, Remembered>;

/** What a check adds to the memory. */
export interface Noted {
  readonly id: string | undefined;
  readonly digest: string | undefined;
  readonly mode: string | undefined;
  readonly findings: readonly Finding[];
  /** When, ms since the Unix epoch. */
  readonly now: number;
}

/** A difference between two checks. */
export interface Change {
  readonly kind: "new" | "gone";
  readonly severity: Severity;
  readonly finding: RememberedFinding;
  /** What was seen; absent for what is gone. */
  readonly seen?: string;
}

const VERSION = 1;

/** Makes what to keep after a check. */
export function remember(before: Remembered | undefined, noted: Noted): Remembered {
  // While the id stays the same, senders may hold the policy that first came with it.
  const id = noted.id ?? before?.id;
  const digest = before?.id === id ? before?.digest ?? noted.digest : noted.digest;
  const mode = noted.mode ?? before?.mode;
  const modeSince = before !== undefined && before.mode === mode ? before.modeSince : noted.now;
  const findings = noted.findings.filter(isFault).map(({ id, subject }) => ({ id, subject }));
  return {
    ...(id !== undefined && { id }),
    ...(digest !== undefined && { digest }),
    ...(mode !== undefined && { mode }),
    modeSince,
    findings,
  };
}

/** Finds what is new and what is gone since the last check. Without one, everything is new. */
export function changes(
  before: Remembered | undefined,
  findings: readonly Finding[],
): readonly Change[] {
  const now = findings.filter(isFault);
  const old = before?.findings ?? [];
  const added = now.filter((finding) => !old.some((one) => isSame(one, finding)));
  const gone = old.filter((finding) => !now.some((one) => isSame(one, finding)));
  return [
    ...added.map(({ id, subject, severity, seen }): Change => ({
      kind: "new",
      severity,
      finding: { id, subject },
      seen,
    })),
    ...gone.map((finding): Change => ({
      kind: "gone",
      severity: FINDING_KINDS[finding.id].severity,
      finding,
    })),
  ];
}

/** Writes the memory. */
export function formatMemory(memory: Memory): string {
  return JSON.stringify({ version: VERSION, domains: Object.fromEntries(memory) }, null, 2) + "\n";
}

/**
 * Reads what {@link formatMemory} wrote, without findings of kinds that no longer exist.
 *
 * @throws {SyntaxError} If it is something else.
 */
export function parseMemory(text: string): Memory {
  const root: unknown = JSON.parse(text);
  if (!isMapping(root) || root.version !== VERSION || !isMapping(root.domains)) {
    throw new SyntaxError("not the memory of a check");
  }
  const domains = Object.entries(root.domains);
  return new Map(domains.map(([domain, value]) => [domain, readRemembered(value)]));
}

function readRemembered(value: unknown): Remembered {
  if (!isMapping(value) || !Array.isArray(value.findings) || !isTime(value.modeSince)) {
    throw new SyntaxError("a domain in it is damaged");
  }
  const { id, digest, mode, modeSince } = value;
  const findings = value.findings.filter((one: unknown): one is RememberedFinding =>
    isMapping(one) && typeof one.subject === "string" && typeof one.id === "string" &&
    Object.hasOwn(FINDING_KINDS, one.id)
  ).map(({ id, subject }) => ({ id, subject }));
  return {
    ...(typeof id === "string" && { id }),
    ...(typeof digest === "string" && { digest }),
    ...(typeof mode === "string" && { mode }),
    modeSince,
    findings,
  };
}

function isFault({ severity }: Finding): boolean {
  return severity === "warning" || severity === "error";
}

function isSame(one: RememberedFinding, other: RememberedFinding): boolean {
  return one.id === other.id && one.subject === other.subject;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
