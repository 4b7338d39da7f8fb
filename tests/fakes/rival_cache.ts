/**
 * Entries of postfix-mta-sts-resolver: written by its own modules where they are installed, else in the form that its
 * version 1.5.1 left behind. `RIVAL_PYTHON` names a Python that has it with its clients for Redis and PostgreSQL;
 * Debian's package writes SQLite alone.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import type { PostgresServer } from "./postgres_server.ts";
import type { RedisServer } from "./redis_server.ts";
import { runTool } from "./tool.ts";

/** Domain, time in seconds, id, policy. */
export type Written = readonly [domain: string, ts: number, id: string, policy: unknown];

const PYTHON = Deno.env.get("RIVAL_PYTHON") ?? "/usr/bin/python3";

/** Has the program itself write. @returns Whether it is there. */
export async function writeByProgram(
  kind: "redis" | "postgres" | "sqlite",
  options: Readonly<Record<string, unknown>>,
  entries: readonly Written[],
): Promise<boolean> {
  const script = new URL("rival_cache.py", import.meta.url).pathname;
  const input = JSON.stringify(entries);
  const result = await runTool([PYTHON, script, kind, JSON.stringify(options)], { input });
  return result?.code === 0;
}

/** What its Redis cache leaves behind. */
export async function writeRedis(server: RedisServer, entries: readonly Written[]): Promise<void> {
  const lines = entries.map(([domain, ts, id, policy], at) => {
    const seed = Array.from(
      { length: 16 },
      (_, octet) =>
        `\\x${(at * 16 + octet + 112) % 256 < 16 ? "0" : ""}${
          ((at * 16 + octet + 112) % 256).toString(16)
        }`,
    );
    return `ZADD ${quote(domain)} ${ts} "${seed.join("")}${
      quote(pythonJson([id, policy])).slice(1)
    }\n`;
  });
  await server.script(`${lines.join("")}HSET _metadata proactive_fetch_ts 1795900000\n`);
}

/** What its PostgreSQL cache leaves behind. */
export async function writePostgres(
  server: PostgresServer,
  entries: readonly Written[],
): Promise<void> {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const rows = entries.map(([domain, ts, id, policy]) =>
    `(${text(domain)}, ${Math.floor(ts)}, ${text(id)}, ${text(JSON.stringify(policy))})`
  );
  await server.sql(`
    CREATE TABLE proactive_fetch_ts (id serial primary key, last_fetch_ts integer);
    CREATE TABLE sts_policy_cache (id serial primary key, domain text, ts integer, pol_id text, pol_body jsonb);
    CREATE UNIQUE INDEX sts_policy_domain ON sts_policy_cache (domain);
    CREATE INDEX sts_policy_domain_ts ON sts_policy_cache (domain, ts);
  `);
  for (let at = 0; at < rows.length; at += 200) {
    await server.sql(
      `INSERT INTO sts_policy_cache (domain, ts, pol_id, pol_body) VALUES ${
        rows.slice(at, at + 200).join(",")
      }`,
    );
  }
}

/** What its SQLite cache leaves behind. */
export function writeSqlite(path: string, entries: readonly Written[]): void {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode=WAL;
    CREATE TABLE proactive_fetch_ts (id integer primary key, last_fetch_ts integer);
    CREATE TABLE sts_policy_cache (domain text, ts integer, pol_id text, pol_body text);
    CREATE UNIQUE INDEX sts_policy_domain ON sts_policy_cache (domain);
    CREATE INDEX sts_policy_domain_ts ON sts_policy_cache (domain, ts);`);
  const insert = database.prepare("INSERT INTO sts_policy_cache VALUES (?, ?, ?, ?)");
  for (const [domain, ts, id, policy] of entries) {
    insert.run(domain, Math.floor(ts), id, pythonJson(policy));
  }
  database.close();
}

/** As Python writes JSON: with spaces, in ASCII. */
function pythonJson(value: unknown): string {
  return JSON.stringify(value, null, 1)
    .replaceAll(/\n */g, " ").replaceAll("[ ", "[").replaceAll(" ]", "]").replaceAll("{ ", "{")
    .replaceAll(" }", "}")
    .replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A word for `redis-cli`. */
function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
