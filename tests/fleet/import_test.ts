/** `cache import` from each kind of cache that postfix-mta-sts-resolver has, as that program fills it. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { createSqliteStore } from "../../src/cache/sqlite_store.ts";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { CacheView } from "../../src/cache/cache_view.ts";
import { type Schema, violations } from "../check/json_schema.ts";
import { cli } from "../cli/support.ts";
import { hasPostgres, OWNER, PostgresServer } from "../fakes/postgres_server.ts";
import { hasRedis, RedisServer } from "../fakes/redis_server.ts";

const NOW = Date.now();
const SECOND = Math.floor(NOW / 1000);

/** An entry as the other program has it. */
interface Row {
  readonly domain: string;
  readonly ts: number;
  readonly id: string;
  readonly body: object;
}

function body(mode: string, domain: string, maxAge = 604_800) {
  return { version: "STSv1", mode, mx: [`mx.${domain}`], max_age: maxAge };
}

/** Something of each kind: two that count, one of them under a U-label, and what is left out. */
const ROWS: readonly Row[] = [
  { domain: "a.example", ts: SECOND - 3600, id: "20260101", body: body("enforce", "a.example") },
  { domain: "b\u00fccher.example", ts: SECOND, id: "2", body: body("testing", "b.example") },
  { domain: "none.example", ts: SECOND, id: "3", body: body("none", "none.example") },
  { domain: "old.example", ts: SECOND - 700_000, id: "4", body: body("enforce", "old.example") },
  { domain: "bad.example", ts: SECOND, id: "not an id", body: body("enforce", "bad.example") },
  { domain: "not a domain", ts: SECOND, id: "5", body: body("enforce", "x.example") },
];

/** What comes of {@link ROWS}. */
const COUNTS = { added: 2, replaced: 0, kept: 0, expired: 1, invalid: 2, none: 1 };

const SCHEMA: Schema = JSON.parse(
  Deno.readTextFileSync(new URL("../../docs/cache.schema.json", import.meta.url)),
);

/** A directory with our own cache file, and a configuration that names nothing else. */
function ground() {
  const directory = Deno.makeTempDirSync();
  const file = `${directory}/cache.db`;
  const options = { path: file, now: Date.now, proven: Date.now, allowUnsafeDirectory: true };
  const log = createLog({ level: "error", format: "text" });
  createSqliteStore({ ...options, log, metrics: createMetrics() }).close();
  const config = `${directory}/config.yml`;
  Deno.writeTextFileSync(config, "cache: memory\n");
  const write = (name: string, text: string) => {
    Deno.writeTextFileSync(`${directory}/${name}`, text);
    return `${directory}/${name}`;
  };
  return {
    directory,
    write,
    run: (...argv: string[]) => cli("cache", "import", "-c", config, "--offline", file, ...argv),
    held() {
      const view = new CacheView(file, { now: Date.now });
      try {
        return view.listPolicies({ after: "", limit: 100 }).entries;
      } finally {
        view.close();
      }
    },
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

/** Imports a source twice, and looks at what is held then. */
async function importsAll(here: ReturnType<typeof ground>, source: string): Promise<void> {
  const first = await here.run("--json", source);
  assertEquals([first.code, JSON.parse(first.out)], [1, COUNTS], first.err);
  const schema = { ...SCHEMA, $ref: "#/$defs/imported" };
  assertEquals(violations(JSON.parse(first.out), schema), []);
  assertMatch(first.err, /^the entry of bad\.example skipped: it is not valid$/m);
  assertMatch(first.err, /^the entry of "not a domain" skipped: it is not a domain$/m);
  const held = here.held();
  assertEquals(held.map(({ domain, id, policy }) => [domain, id, policy.mode]), [
    ["a.example", "20260101", "enforce"],
    ["xn--bcher-kva.example", "2", "testing"],
  ]);
  const [policy] = held;
  assertEquals(
    [policy!.fetchedAt, policy!.expiresAt],
    [(SECOND - 3600) * 1000, (SECOND - 3600 + 604_800) * 1000],
  );
  // Nobody knows when it was really fetched.
  assert(policy!.refreshAt >= NOW && policy!.refreshAt <= Date.now() + 3_600_000);
  const again = await here.run(source);
  assertEquals(
    again.out,
    "0 added, 0 replaced, 2 kept as they are (not older), 1 expired, 2 invalid, 1 left out (mode none)\n",
  );
}

const TABLES = [
  "CREATE TABLE proactive_fetch_ts (id integer primary key, last_fetch_ts integer)",
  "CREATE TABLE sts_policy_cache (domain text, ts integer, pol_id text, pol_body text)",
];

Deno.test("cache import reads the SQLite file of postfix-mta-sts-resolver, and the one its configuration names", async () => {
  for (const byConfiguration of [false, true]) {
    using here = ground();
    const file = `${here.directory}/theirs.db`;
    const database = new DatabaseSync(file);
    for (const table of TABLES) database.exec(table);
    const insert = database.prepare("INSERT INTO sts_policy_cache VALUES (?, ?, ?, ?)");
    for (const { domain, ts, id, body } of ROWS) insert.run(domain, ts, id, JSON.stringify(body));
    database.close();
    const options = `{type: sqlite, options: {filename: "${file}"}}`;
    await importsAll(here, byConfiguration ? here.write("d.yml", `cache: ${options}\n`) : file);
  }
});

/** Fills a Redis as the other program does. @param first Commands before, such as AUTH. */
async function fillRedis(
  server: RedisServer,
  first: readonly (readonly string[])[] = [],
): Promise<void> {
  const rows = ROWS.map(({ domain, ts, id, body }) => [
    "ZADD",
    domain,
    String(ts),
    "0123456789abcdef" + JSON.stringify([id, body]),
  ]);
  const metadata = ["HSET", "_metadata", "proactive_fetch_ts", String(SECOND)];
  await server.output([...first, metadata, ...rows]);
}

Deno.test({
  name: "cache import reads the Redis of postfix-mta-sts-resolver",
  ignore: !hasRedis,
  async fn() {
    await using server = await RedisServer.start(["requirepass geheim"]);
    await fillRedis(server, [["AUTH", "geheim"], ["SELECT", "3"]]);
    using here = ground();
    const url = `redis://:geheim@127.0.0.1:${server.port}/3`;
    await importsAll(
      here,
      here.write("mta-sts-daemon.yml", `cache: {type: redis, options: {url: "${url}"}}`),
    );
    const wrong = here.write(
      "wrong.yml",
      `cache: {type: redis, options: {url: "redis://:falsch@127.0.0.1:${server.port}/3"}}`,
    );
    const refused = await here.run(wrong);
    assertEquals(refused.code, 3);
    assertMatch(refused.err, /cannot read the redis of .*wrong\.yml: WRONGPASS/);
    assert(!refused.err.includes("falsch"));
  },
});

Deno.test({
  name: "cache import asks the Sentinels of postfix-mta-sts-resolver for the master",
  ignore: !hasRedis,
  async fn() {
    await using master = await RedisServer.start();
    await using sentinel = await RedisServer.start(
      [`sentinel monitor mymaster 127.0.0.1 ${master.port} 1`],
      { program: "redis-sentinel" },
    );
    await fillRedis(master);
    using here = ground();
    const options =
      `{sentinel_master_name: mymaster, sentinels: [["127.0.0.1", ${sentinel.port}]]}`;
    await importsAll(
      here,
      here.write("d.yml", `cache: {type: redis_sentinel, options: ${options}}`),
    );
  },
});

Deno.test({
  name: "cache import reads the PostgreSQL of postfix-mta-sts-resolver",
  ignore: !hasPostgres,
  async fn() {
    await using server = await PostgresServer.start();
    await server.sql(
      "CREATE TABLE sts_policy_cache (id serial primary key, domain text unique, ts integer, pol_id text, pol_body jsonb)",
    );
    for (const { domain, ts, id, body } of ROWS) {
      await server.sql(
        `INSERT INTO sts_policy_cache (domain, ts, pol_id, pol_body) VALUES ` +
          `('${domain}', ${ts}, '${id}', '${JSON.stringify(body)}')`,
      );
    }
    using here = ground();
    const directory = encodeURIComponent(server.directory);
    const dsn = `postgres://${OWNER}@${directory}:${server.port}/postgres`;
    await importsAll(
      here,
      here.write("d.yml", `cache: {type: postgres, options: {dsn: "${dsn}"}}`),
    );
  },
});

Deno.test("cache import says in one line what it cannot import", async () => {
  using here = ground();
  const other = `${here.directory}/other.db`;
  const database = new DatabaseSync(other);
  database.exec("CREATE TABLE t (a)");
  database.close();
  const cases: [string, number, string][] = [
    [here.write("i.yml", "cache: {type: internal}\n"), 2, "there is nothing to import"],
    [
      here.write("r.yml", "cache: {type: sqlite, options: {filename: cache.db}}"),
      2,
      "absolute path",
    ],
    [here.write("n.yml", "cache: {type: redis}"), 2, "cache.options.url: is missing"],
    [other, 3, `cannot read ${other}: no such table: sts_policy_cache`],
    [`${here.directory}/gone`, 2, "there is no"],
  ];
  for (const [source, code, text] of cases) {
    const { code: exit, err, out } = await here.run(source);
    assertEquals([exit, out], [code, ""], err);
    assertStringIncludes(err, text);
  }
  assertEquals(here.held(), []);
});
