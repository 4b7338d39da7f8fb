/**
 * Changes that are made together or not at all.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";

/**
 * Runs `action` in one write transaction.
 *
 * @throws {Error} What `action` or the commit throws, after rolling back.
 */
export function transaction<T>(database: DatabaseSync, action: () => T): T {
  // Not by `exec()`: its errors come without SQLite's result code.
  database.prepare("BEGIN IMMEDIATE").run();
  try {
    const result = action();
    database.prepare("COMMIT").run();
    return result;
  } catch (error) {
    // SQLite rolls back by itself after some faults of the disk.
    if (database.isTransaction) database.prepare("ROLLBACK").run();
    throw error;
  }
}
