/** Files of other versions: an older one is brought forward, all or nothing; a newer one is left alone. */

import { assertEquals, assertThrows } from "@std/assert";
import type { DatabaseSync } from "node:sqlite";
import { FileFault } from "../../src/sqlite/fault.ts";
import { type Migration, prepareDatabase } from "../../src/sqlite/format.ts";
import { CACHE_FORMAT, FILE_MAX_OCTETS } from "../../src/cache/schema.ts";
import { Bench, failureOf, policyOf, START, stored } from "./harness.ts";

/** The schema as version 1.0 wrote it. Never to be changed. */
const VERSION_1 = `
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA journal_mode = WAL;
  CREATE TABLE policies (
    domain TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    text BLOB NOT NULL,
    fetched_at REAL NOT NULL,
    last_used_at REAL NOT NULL,
    refresh_at REAL NOT NULL,
    expires_at REAL NOT NULL
  ) STRICT;
  CREATE INDEX policies_listed ON policies (fetched_at);
  CREATE INDEX policies_due ON policies (refresh_at, last_used_at, expires_at);
  CREATE INDEX policies_expired ON policies (expires_at);
  CREATE TABLE failures (
    domain TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    count REAL NOT NULL,
    failed_at REAL NOT NULL,
    retry_at REAL NOT NULL
  ) STRICT;
  CREATE INDEX failures_expired ON failures (retry_at);
  CREATE TABLE mx (
    domain TEXT NOT NULL,
    next_hop TEXT NOT NULL,
    json TEXT NOT NULL,
    checked_at REAL NOT NULL,
    PRIMARY KEY (domain, next_hop)
  ) STRICT;
  CREATE INDEX mx_expired ON mx (checked_at);
  CREATE TABLE clock (last_seen REAL NOT NULL) STRICT;
  INSERT INTO clock VALUES (${START});
  PRAGMA application_id = ${0x6d535453};
  PRAGMA user_version = 1;
`;

const POLICY = policyOf("a.example");
const FAILURE = failureOf("f.example");
const MX = { nextHop: "[m.example]:587", json: "{}", checkedAt: START };

/** A file as version 1.0 left it, with a row in each table. */
function writeVersion1(bench: Bench): void {
  using database = bench.database();
  database.exec(VERSION_1);
  const { domain, id, text, fetchedAt, lastUsedAt, refreshAt, expiresAt } = POLICY;
  const octets = new TextEncoder().encode(text);
  database.prepare("INSERT INTO policies VALUES (?, ?, ?, ?, ?, ?, ?)")
    .run(domain, id, octets, fetchedAt, lastUsedAt, refreshAt, expiresAt);
  const { reason, detail, count, failedAt, retryAt } = FAILURE;
  database.prepare("INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?, ?)")
    .run(FAILURE.domain, FAILURE.id, reason, detail, count, failedAt, retryAt);
  database.prepare("INSERT INTO mx VALUES (?, ?, ?, ?)")
    .run("m.example", MX.nextHop, MX.json, MX.checkedAt);
}

const { migrations: MIGRATIONS } = CACHE_FORMAT;

function prepare(database: DatabaseSync, migrations: readonly Migration[]): void {
  const format = { ...CACHE_FORMAT, migrations };
  prepareDatabase(database, { path: "FILE", maxFileOctets: FILE_MAX_OCTETS, format });
}

function dump(database: DatabaseSync): string {
  const schema = database.prepare("SELECT sql FROM sqlite_schema ORDER BY name").all();
  const rows = ["policies", "failures", "mx", "clock"]
    .map((table) => database.prepare(`SELECT * FROM ${table}`).all());
  return JSON.stringify([schema, rows, database.prepare("PRAGMA user_version").get()]);
}

Deno.test("a file of version 1.0 is used as it is", () => {
  using bench = new Bench();
  writeVersion1(bench);
  Deno.chmodSync(bench.path, 0o600);
  const store = bench.open();
  assertEquals(stored(store, "a.example"), POLICY);
  assertEquals(store.getFailure("f.example"), FAILURE);
  assertEquals(store.getMx(MX.nextHop), MX);
  assertEquals(bench.lines, []);
});

Deno.test("a new file has the schema of version 1.0", () => {
  using bench = new Bench();
  using fresh = new Bench();
  writeVersion1(bench);
  fresh.prepare(() => {});
  const schemaOf = (one: Bench) => {
    using database = one.database();
    return database.prepare("SELECT sql FROM sqlite_schema ORDER BY name").all()
      .map(({ sql }) => String(sql).replaceAll(/\s+/g, " "));
  };
  assertEquals(schemaOf(fresh), schemaOf(bench));
});

Deno.test("an older file takes the steps that it lacks, with all that is in it", () => {
  using bench = new Bench();
  writeVersion1(bench);
  using database = bench.database();
  const steps = [
    ...MIGRATIONS,
    ["ALTER TABLE mx ADD COLUMN seen REAL NOT NULL DEFAULT 0"],
    ["UPDATE mx SET seen = checked_at + 1"],
  ];
  prepare(database, steps);
  assertEquals(database.prepare("PRAGMA user_version").get()?.user_version, 3);
  assertEquals(database.prepare("SELECT seen FROM mx").get()?.seen, START + 1);
  assertEquals(database.prepare("SELECT count(*) AS rows FROM policies").get()?.rows, 1);
  prepare(database, steps);
  assertEquals(database.prepare("SELECT seen FROM mx").get()?.seen, START + 1);
});

Deno.test("a step that fails leaves the file at its version, whole", () => {
  using bench = new Bench();
  writeVersion1(bench);
  using database = bench.database();
  const before = dump(database);
  const steps = [...MIGRATIONS, ["DELETE FROM policies"], ["INSERT INTO nowhere VALUES (1)"]];
  assertThrows(() => prepare(database, steps), Error, "nowhere");
  assertEquals(dump(database), before);
});

Deno.test("a file of a later version is refused and left as it is", () => {
  using bench = new Bench();
  {
    using database = bench.database();
    prepare(database, [...MIGRATIONS, ["ALTER TABLE clock ADD COLUMN more REAL"]]);
  }
  const before = Deno.readFileSync(bench.path);
  {
    using database = bench.database();
    const error = assertThrows(() => prepare(database, MIGRATIONS), FileFault);
    assertEquals([error.kind, error.message], [
      "newer",
      "FILE was written by a later version (schema 2, not 1): name another file or upgrade",
    ]);
  }
  assertEquals(Deno.readFileSync(bench.path), before);
  assertEquals(bench.files(), ["cache.db"]);
});
