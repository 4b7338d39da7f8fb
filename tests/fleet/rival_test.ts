/** The caches of postfix-mta-sts-resolver are read as they are, and nothing is changed in them. */

import { assertEquals, assertRejects } from "@std/assert";
import { createClock } from "../../src/base/clock.ts";
import { openEngine, openRivalSource, type RivalAddress } from "../../src/daemon/fleet_engine.ts";
import type { EngineAddress } from "../../src/fleet/engine_address.ts";
import { openEntry } from "../../src/fleet/entry.ts";
import { readRivalRow, type RivalReading } from "../../src/fleet/rival_entries.ts";
import { EngineError } from "../../src/fleet/types.ts";
import { hasPostgres, OWNER, PostgresServer } from "../fakes/postgres_server.ts";
import { hasRedis, RedisServer } from "../fakes/redis_server.ts";
import {
  writeByProgram,
  writePostgres,
  writeRedis,
  writeSqlite,
  type Written,
} from "../fakes/rival_cache.ts";
import { entryOf } from "./engine_contract.ts";

const NOW = Math.floor(Date.now() / 1000);

const policyOf = (
  mode: string,
  max_age: number,
  mx: readonly string[] = ["*.mx.example", "b.example"],
) => ({
  version: "STSv1",
  mode,
  max_age,
  mx,
});

const ENFORCE = policyOf("enforce", 86400);

const WRITTEN: readonly Written[] = [
  ["a.example", NOW - 60.25, "20260101", ENFORCE],
  ["m\u00fcnchen.example", NOW - 10, "1", policyOf("testing", 3600)],
  ["none.example", NOW, "1", policyOf("none", 3600, [])],
  ["over.example", NOW - 7200, "1", policyOf("enforce", 3600)],
  ["later.example", NOW + 7200, "1", ENFORCE],
  ["nomx.example", NOW, "1", policyOf("enforce", 3600, [])],
  ["two lines.example", NOW, "1", ENFORCE],
  ["lines.example", NOW, "1", policyOf("enforce\nmode: none", 3600)],
  ["id.example", NOW, "not an id", ENFORCE],
  ["[host.example]", NOW, "1", ENFORCE],
  ...Array.from({ length: 1200 }, (_, at): Written => [`n${at}.example`, NOW, "1", ENFORCE]),
];

const TEXT = "version: STSv1\nmode: enforce\nmx: *.mx.example\nmx: b.example\nmax_age: 86400\n";

/** Reads everything. */
async function listAll(address: RivalAddress): Promise<RivalReading[]> {
  const source = await openRivalSource(address, { clock: createClock(), caCerts: [] });
  const readings: RivalReading[] = [];
  try {
    for await (const part of source.list()) readings.push(...part);
    const found = await source.read("xn--mnchen-3ya.example");
    assertEquals(found?.policy.mode, "testing");
    assertEquals(await source.read("none.example"), undefined);
    assertEquals(await source.read("absent.example"), undefined);
    assertEquals((await source.read("a.example"))?.text, TEXT);
  } finally {
    await source.close();
  }
  return readings;
}

async function checkAll(address: RivalAddress): Promise<void> {
  const readings = await listAll(address);
  const entries = readings.flatMap((reading) => reading.kind === "entry" ? [reading.entry] : []);
  const leftOut = readings.flatMap((reading) => reading.kind === "entry" ? [] : [reading]);
  const entry = entries.find(({ domain }) => domain === "a.example");
  assertEquals(entry?.text, TEXT);
  assertEquals(entry?.id, "20260101");
  assertEquals(Math.abs(entry!.checkedAt / 1000 - (NOW - 60)) <= 1, true);
  assertEquals(
    entries.map(({ domain }) => domain).filter((domain) => !domain.startsWith("n")).toSorted(),
    ["a.example", "later.example", "xn--mnchen-3ya.example"],
  );
  assertEquals(
    entries.find(({ domain }) => domain === "later.example")!.checkedAt <= Date.now(),
    true,
  );
  assertEquals(entries.length, 1203);
  assertEquals(
    Object.fromEntries(leftOut.map(({ key, problem }) => [key, problem])),
    {
      "none.example": "none",
      "over.example": "expired",
      "nomx.example": "invalid",
      "two lines.example": "no domain",
      "lines.example": "invalid",
      "id.example": "invalid",
      "[host.example]": "no domain",
    },
  );
}

/** An engine in the same place reads through. */
async function checkEngine(address: EngineAddress): Promise<void> {
  const options = { clock: createClock(), prefix: "mtasts", caCerts: [] };
  const engine = await openEngine(address, { ...options, readsRival: true });
  const other = await openEngine(address, { ...options, readsRival: false });
  const key = { kind: "p", name: "a.example" } as const;
  try {
    const u = { kind: "p", name: "xn--mnchen-3ya.example" } as const;
    const own = entryOf("p", "n1.example");
    await engine.publish([own]);
    const asked = [own, key, { kind: "f", name: "a.example" }, u, {
      kind: "p",
      name: "none.example",
    }] as const;
    const [mine, foreign, failure, testing, none] = await engine.read(asked);
    assertEquals([mine, failure, none], [own.sealed, undefined, undefined]);
    const now = Date.now();
    for (const [sealed, key] of [[foreign, asked[1]], [testing, u]] as const) {
      const reading = openEntry(sealed!, { now, offset: 0 }, { mac: undefined, settings: "", key });
      assertEquals(reading.kind, "p");
      if (reading.kind !== "p") continue;
      assertEquals(reading.policy.host, "postfix-mta-sts-resolver");
      assertEquals([reading.policy.domain, reading.policy.isSigned], [key.name, false]);
    }
    assertEquals(await other.read([key]), [undefined]);
  } finally {
    await Promise.all([engine.close(), other.close()]);
  }
}

Deno.test({
  name: "the other program's Redis cache is read",
  ignore: !hasRedis,
  fn: async () => {
    await using server = await RedisServer.start();
    const url = `redis://127.0.0.1:${server.port}/0`;
    if (!await writeByProgram("redis", { url }, WRITTEN)) await writeRedis(server, WRITTEN);
    await server.output([["SET", "text.example", "x"], ["LPUSH", "list.example", "x"]]);
    const address = {
      kind: "redis",
      endpoints: [{ kind: "inet", hostname: "127.0.0.1", port: server.port }],
      db: 0,
    } as const;
    await checkAll(address);
    await checkEngine(address);
  },
});

Deno.test({
  name: "the other program's PostgreSQL cache is read",
  ignore: !hasPostgres,
  fn: async () => {
    await using server = await PostgresServer.start();
    const address: EngineAddress = {
      kind: "postgres",
      endpoints: [{ kind: "inet", hostname: "127.0.0.1", port: server.port }],
      user: OWNER,
      database: "postgres",
      target: "any",
      isPreparing: true,
      parameters: {},
    };
    const engine = await openEngine(address, {
      clock: createClock(),
      prefix: "mtasts",
      caCerts: [],
      readsRival: true,
    });
    assertEquals(await engine.read([{ kind: "p", name: "a.example" }]), [undefined]);
    await engine.close();
    const dsn = `postgres://${OWNER}@127.0.0.1:${server.port}/postgres`;
    if (!await writeByProgram("postgres", { dsn }, WRITTEN)) await writePostgres(server, WRITTEN);
    await checkAll(address);
    await checkEngine(address);
  },
});

Deno.test("the other program's SQLite cache is read, and stays as it is", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/cache.db`;
    if (!await writeByProgram("sqlite", { filename: path }, WRITTEN)) writeSqlite(path, WRITTEN);
    const before = await Deno.readFile(path);
    await checkAll({ kind: "sqlite", path });
    assertEquals(await Deno.readFile(path), before);
    const open = (path: string) =>
      openRivalSource({ kind: "sqlite", path }, { clock: createClock(), caCerts: [] });
    await assertRejects(() => open(`${directory}/absent.db`), EngineError);
    await Deno.writeTextFile(`${directory}/text.db`, "no database ".repeat(1000));
    const source = await open(`${directory}/text.db`);
    await assertRejects(() => source.read("a.example"), EngineError, "not a database");
    await source.close();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("readRivalRow() believes nothing", () => {
  const row = { key: "a.example", ts: NOW, id: "1", body: ENFORCE };
  const problemOf = (change: object) => {
    const reading = readRivalRow({ ...row, ...change }, NOW * 1000);
    return reading.kind === "entry" ? "entry" : reading.problem;
  };
  assertEquals(problemOf({}), "entry");
  assertEquals(problemOf({ body: { ...ENFORCE, max_age: "86400" } }), "entry");
  for (
    const body of [
      undefined,
      null,
      "x",
      [],
      {},
      { ...ENFORCE, mx: "b.example" },
      { ...ENFORCE, mx: [1] },
      { ...ENFORCE, mx: Array.from({ length: 10_001 }, () => "b.example") },
      { ...ENFORCE, version: "STSv2" },
      { ...ENFORCE, max_age: 1.5 },
      { ...ENFORCE, max_age: -1 },
      { ...ENFORCE, mode: "x".repeat(70_000) },
    ]
  ) assertEquals(problemOf({ body }), "invalid", JSON.stringify(body)?.slice(0, 80));
  for (const ts of [NaN, 0, -1, Infinity]) assertEquals(problemOf({ ts }), "invalid", `${ts}`);
  for (const id of [undefined, 1, "", "a b", "x".repeat(33)]) {
    assertEquals(problemOf({ id }), "invalid");
  }
  for (
    const key of ["", "localhost", "192.0.2.1", ".a.example", "a.example:587", "x".repeat(2000)]
  ) {
    assertEquals(problemOf({ key }), "no domain", key.slice(0, 40));
  }
});

Deno.test("openEngine() says which file cannot be read", async () => {
  const options = { clock: createClock(), prefix: "mtasts", caCerts: [], readsRival: false };
  const redis = { kind: "redis", endpoints: [{ kind: "unix", path: "/s" }], db: 0 } as const;
  const tls = { verify: "name", caFile: "/absent/ca.pem" } as const;
  await assertRejects(() => openEngine({ ...redis, tls }, options), Error, "/absent/ca.pem: ");
  const postgres = {
    kind: "postgres",
    endpoints: redis.endpoints,
    user: "u",
    database: "d",
    target: "any",
    isPreparing: true,
    parameters: {},
  } as const;
  const path = await Deno.makeTempFile();
  try {
    await Deno.chmod(path, 0o644);
    await assertRejects(
      () => openEngine({ ...postgres, passFile: path }, options),
      Error,
      "others may read",
    );
    await Deno.chmod(path, 0o600);
    await (await openEngine({ ...postgres, passFile: path }, options)).close();
    const prefix = "not/a/prefix";
    await assertRejects(
      () => openEngine(postgres, { ...options, prefix }),
      Error,
      "cache.shared.prefix: ",
    );
  } finally {
    await Deno.remove(path);
  }
});
