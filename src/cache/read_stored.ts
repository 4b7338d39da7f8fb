/**
 * Reads one policy out of a cache file that a running daemon may be using, without changing it.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { isPolicy } from "./rows.ts";
import type { StoredPolicy } from "./types.ts";

/** What was found. `error` says in one line why nothing could be read. */
export type ReadStored =
  | { readonly kind: "read"; readonly policy: StoredPolicy | undefined }
  | { readonly kind: "unreadable"; readonly error: string };

/** How long to wait for a lock of the daemon, ms; it holds one for microseconds. */
const BUSY_TIMEOUT_MS = 200;

const SELECT = `SELECT id, text, fetched_at AS fetchedAt, last_used_at AS lastUsedAt,
  refresh_at AS refreshAt FROM policies WHERE domain = ?`;

type Row = Omit<StoredPolicy, "domain" | "text"> & { readonly text: Uint8Array };

/**
 * Reads the policy of a domain from the cache file.
 *
 * @param path The file.
 * @param domain Policy domain, lower-case A-labels.
 * @returns A row that cannot be believed counts as absent. Never throws.
 */
export function readStored(path: string, domain: string): ReadStored {
  try {
    // SQLite would report a missing file as one that cannot be opened.
    Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { kind: "read", policy: undefined };
    return { kind: "unreadable", error: `cannot read ${path}: ${messageOf(error)}` };
  }
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      const row = database.prepare(SELECT).get(domain) as Row | undefined;
      if (row === undefined) return { kind: "read", policy: undefined };
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(row.text);
      const policy: StoredPolicy = { ...row, domain, text };
      return { kind: "read", policy: isPolicy(policy) ? policy : undefined };
    } finally {
      database.close();
    }
  } catch (error) {
    return { kind: "unreadable", error: `cannot read ${path}: ${messageOf(error)}` };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
