/** PostgreSQL in all its moods: logins, TLS, faults of the server and of the role's rights. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createClock } from "../../src/base/clock.ts";
import type { PostgresAddress } from "../../src/fleet/engine_address.ts";
import { PostgresEngine, type PostgresEngineOptions } from "../../src/fleet/postgres_engine.ts";
import { sqlOfSchema } from "../../src/fleet/postgres_schema.ts";
import { type Engine, EngineError } from "../../src/fleet/types.ts";
import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import { freePort } from "../fakes/free_port.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { until } from "../fakes/plain_user.ts";
import { createRandom } from "../fakes/random.ts";
import { hasPostgres, OWNER, PostgresServer } from "../fakes/postgres_server.ts";
import { entryOf, Listening } from "./engine_contract.ts";

const KEY = { kind: "p", name: "a.example" } as const;

const inet = (port: number, hostname = "127.0.0.1") => ({ kind: "inet", hostname, port }) as const;

/** A driver that is closed at the end of the test. */
class Host implements AsyncDisposable {
  readonly engine: Engine;

  constructor(
    port: number,
    change: Partial<PostgresAddress> = {},
    options: Partial<PostgresEngineOptions> = {},
  ) {
    this.engine = new PostgresEngine({
      address: {
        kind: "postgres",
        endpoints: [inet(port)],
        user: OWNER,
        database: "postgres",
        target: "any",
        isPreparing: true,
        parameters: {},
        ...change,
      },
      tlsFiles: {},
      passwordOf: () => undefined,
      label: "postgres",
      prefix: "mtasts",
      clock: createClock(),
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close();
  }
}

function postgresTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `PostgresEngine ${name}`, ignore: !hasPostgres, fn });
}

/** Tests of one server, each with a database of its own. */
const TOGETHER: Record<string, (server: PostgresServer, database: string) => Promise<void>> = {};

/** The error of a call, as `kind: text`. */
async function failureOf(call: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => call, EngineError);
  return `${error.kind}: ${error.message}`;
}

/** What a call comes to: `ok`, or its error. */
const outcomeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(() => "ok", (error: EngineError) => `${error.kind}: ${error.message}`);

const answers = (engine: Engine) =>
  until("the engine answers", () => engine.time().then(() => true, () => false));

/** Fails after the 6 s that a fleet may be without. */
const takesWrites = (engine: Engine) =>
  until(
    "writes are taken",
    () => engine.publish([entryOf("p", "w.example")]).then(() => true, () => false),
    { ms: 6000 },
  );

postgresTest("logs in with a password, and over a socket of the file system", async () => {
  await using server = await PostgresServer.start([], {
    access: [
      "local all fleet trust",
      "host all fleet 127.0.0.1/32 scram-sha-256",
      "host all all 127.0.0.1/32 md5",
    ],
  });
  const unix = { kind: "unix", path: `${server.directory}/.s.PGSQL.${server.port}` } as const;
  await using local = new Host(server.port, {
    endpoints: [unix],
    tls: { verify: "name", isOptional: false },
  });
  await local.engine.publish([entryOf("p", "a.example")]);
  await server.sql("ALTER ROLE fleet PASSWORD 'se cret'");
  const asked: unknown[] = [];
  await using host = new Host(server.port, {}, {
    passwordOf: (endpoint) => (asked.push(endpoint), "se cret"),
  });
  assertEquals((await host.engine.list("p", undefined)).sealed.length, 1);
  assertEquals(asked[0], inet(server.port));
  await using wrong = new Host(server.port, {}, { passwordOf: () => "other" });
  assertMatch(
    await failureOf(wrong.engine.time()),
    /^unreachable: password authentication failed.*\(28P01\)$/,
  );
  await using nobody = new Host(server.port, { database: "absent" }, {
    passwordOf: () => "se cret",
  });
  assertMatch(
    await failureOf(nobody.engine.time()),
    /^unreachable: database "absent" does not exist \(3D000\)$/,
  );
});

postgresTest("encrypts and verifies as sslmode says", async () => {
  const authority = createAuthority();
  const own = createCertificate({
    subject: "pg",
    issuer: authority,
    dns: ["localhost"],
    ip: ["127.0.0.1"],
  });
  const client = createCertificate({ subject: "fleet", issuer: authority, usage: "clientAuth" });
  const files = { "cert.pem": own.certPem, "key.pem": own.keyPem, "ca.pem": authority.certPem };
  const ssl = ["cert", "key", "ca"].map((name) => `ssl_${name}_file = '{dir}/${name}.pem'`);
  await using server = await PostgresServer.start([
    "ssl = on",
    "listen_addresses = '127.0.0.1,127.0.0.2'",
    ...ssl,
  ], {
    files,
    access: [
      "local all all trust",
      "hostssl all all 127.0.0.2/32 cert",
      "hostssl all all 127.0.0.1/32 trust",
    ],
  });
  const attempt = async (
    tls: PostgresAddress["tls"] | undefined,
    { hostname = "127.0.0.1", ca = authority.certPem, cert = client } = {},
  ) => {
    await using host = new Host(
      server.port,
      { endpoints: [inet(server.port, hostname)], ...(tls && { tls }) },
      { tlsFiles: { ca: [ca], cert: cert.certPem, key: cert.keyPem } },
    );
    return await outcomeOf(host.engine.time());
  };
  const name = { verify: "name", isOptional: false } as const;
  const issuer = { verify: "issuer", isOptional: false } as const;
  const ca = createAuthority("Other CA").certPem;
  assertEquals(await attempt(name, { hostname: "localhost" }), "ok");
  assertEquals(await attempt(name), "ok");
  assertMatch(await attempt(name, { hostname: "127.0.0.2" }), /^unreachable: 127\.0\.0\.2: /);
  assertMatch(await attempt(name, { ca }), /^unreachable: 127\.0\.0\.1: /);
  assertMatch(await attempt(issuer, { ca }), /^unreachable: 127\.0\.0\.1: /);
  assertEquals(await attempt({ verify: "none", isOptional: true }, { ca }), "ok");
  assertMatch(await attempt(undefined), /^unreachable: .*no encryption \(28000\)$/);
});

TOGETHER["does without TLS only if that is allowed"] = async (server, database) => {
  await using prefer = new Host(server.port, {
    database,
    tls: { verify: "none", isOptional: true },
  });
  await prefer.engine.time();
  await using require = new Host(server.port, {
    database,
    tls: { verify: "none", isOptional: false },
  });
  assertEquals(
    await failureOf(require.engine.time()),
    "unreachable: 127.0.0.1: the server has no TLS",
  );
};

TOGETHER["creates its tables once, for hosts that come at the same time"] = async (
  server,
  database,
) => {
  await using stack = new AsyncDisposableStack();
  const hosts = Array.from({ length: 12 }, () => stack.use(new Host(server.port, { database })));
  const marks = await Promise.all(hosts.map(({ engine }) => engine.mark()));
  assertEquals(marks.filter((set) => set).length, 1);
  assertEquals(
    await server.in(database, "SELECT relpersistence FROM pg_class WHERE relname = 'mtasts_lease'"),
    "u",
  );
};

TOGETHER["works with a role that may create nothing, in tables that are there"] = async (
  server,
  database,
) => {
  await server.in(database, "CREATE ROLE mail LOGIN");
  await using host = new Host(server.port, { database, user: "mail" });
  assertMatch(
    await failureOf(host.engine.mark()),
    /^refused: permission denied for schema public \(42501\)$/,
  );
  await server.in(database, sqlOfSchema("mtasts"));
  assertMatch(
    await failureOf(host.engine.mark()),
    /^refused: permission denied for table .*\(42501\)$/,
  );
  await server.in(
    database,
    "GRANT SELECT, INSERT, UPDATE, DELETE ON mtasts_entry, mtasts_lease TO mail",
  );
  assertEquals(await host.engine.mark(), true);
  assertEquals((await host.engine.claim("a.example", { token: "t", ttl: 1 })).isGranted, true);
};

TOGETHER["keeps the newest entry, unless that is from the future"] = async (server, database) => {
  await using host = new Host(server.port, { database });
  const { engine } = host;
  const at = Date.now();
  const put = async (sealed: string, at: number) => {
    await engine.publish([entryOf("p", "a.example", { sealed, at })]);
    return (await engine.read([KEY]))[0];
  };
  assertEquals(await put("-p1", at), "-p1");
  assertEquals(await put("-p0", at - 1), "-p1");
  assertEquals(await put("-p2", at + 1), "-p2");
  assertEquals(await put("-p3", at + 3600_000), "-p3");
  assertEquals(await put("-p4", at + 2), "-p4");
  const failure = entryOf("f", "a.example", { at: at + 3 });
  await engine.publish([failure]);
  await put("-p5", at + 2);
  assertEquals(await engine.read([{ kind: "f", name: "a.example" }]), [failure.sealed]);
};

TOGETHER["takes the same domains from several hosts at once"] = async (server, database) => {
  await using stack = new AsyncDisposableStack();
  const hosts = Array.from({ length: 3 }, () => stack.use(new Host(server.port, { database })));
  const names = Array.from({ length: 150 }, (_, at) => `${at}.example`);
  const random = createRandom(1);
  const shuffled = () => names.toSorted(() => random.int(2) - 0.5);
  for (let round = 0; round < 5; round++) {
    await Promise.all(hosts.map(({ engine }, at) => {
      const kind = (round + at) % 3 === 0 ? "f" : "p";
      return engine.publish(shuffled().map((name) => entryOf(kind, name)));
    }));
  }
  const count = "SELECT count(*) FROM mtasts_entry WHERE kind = 'p'";
  assertEquals(await server.in(database, count), "150");
};

TOGETHER["reads no more of a text than is needed to refuse it"] = async (server, database) => {
  await using host = new Host(server.port, { database });
  const { engine } = host;
  await engine.publish([entryOf("p", "a.example")]);
  await server.in(database, "UPDATE mtasts_entry SET sealed = repeat('x', 5000000)");
  const [read] = await engine.read([KEY]);
  const { policy } = await engine.claim("a.example", { token: "t", ttl: 1 });
  const { sealed } = await engine.list("p", undefined);
  for (const text of [read, policy, sealed[0]]) assertEquals(text?.length, 100_001);
};

TOGETHER["deletes what has ended"] = async (server, database) => {
  await using host = new Host(server.port, { database });
  const { engine } = host;
  const over = Array.from(
    { length: 60 },
    (_, at) => entryOf("x", `${at}.example`, { at: 1, expiresAt: 2 }),
  );
  await engine.publish(over);
  await engine.claim("a.example", { token: "t", ttl: -1 });
  for (let i = 0; i < 20; i++) await engine.publish([entryOf("p", "a.example")]);
  await until(
    "the end of the round",
    async () =>
      await server.in(
        database,
        "SELECT (SELECT count(*) FROM mtasts_entry), (SELECT count(*) FROM mtasts_lease)",
      ) === "1|0",
  );
};

TOGETHER["comes back after a restart and a killed backend, and listens again"] = async (
  server,
  database,
) => {
  await using host = new Host(server.port, { database });
  const { engine } = host;
  const listening = new Listening(engine);
  await listening.open();
  await engine.mark();
  await server.stop();
  assertMatch(await failureOf(engine.time()), /^unreachable: /);
  await server.restart();
  await answers(engine);
  await listening.open(2);
  await server.sql(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mta-sts-resolver'",
  );
  await listening.open(3);
  await answers(engine);
  await engine.announce("beat");
  await listening.hears("beat");
  assertEquals(await engine.mark(), false);
  await server.kill();
  await server.restart();
  await answers(engine);
  await listening.open(4);
};

TOGETHER["ends calls to a server that is stopped, and comes back"] = async (server, database) => {
  await using host = new Host(server.port, { database });
  const { engine } = host;
  await engine.mark();
  const pid = await server.sql(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'mta-sts-resolver'",
  );
  server.signal("SIGSTOP");
  Deno.kill(parseInt(pid, 10), "SIGSTOP");
  try {
    const start = performance.now();
    assertEquals(await failureOf(engine.time()), "unreachable: no reply for 2000 ms");
    assertEquals(performance.now() - start < 3000, true);
    const next = performance.now();
    assertMatch(await failureOf(engine.time()), /^unreachable: /);
    assertEquals(performance.now() - next < 100, true);
  } finally {
    server.signal("SIGCONT");
    Deno.kill(parseInt(pid, 10), "SIGCONT");
  }
  await answers(engine);
};

TOGETHER["leaves nothing behind in a server where a table is locked"] = async (
  server,
  database,
) => {
  await using host = new Host(server.port, { database });
  const { engine } = host;
  await engine.publish([entryOf("p", "a.example")]);
  const locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted";
  const waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
  const lock = server.in(database, "BEGIN; LOCK TABLE mtasts_entry; SELECT pg_sleep(10); COMMIT");
  await until("the table is locked", async () => await server.in(database, locked) !== "0");
  for (let left = 4; left > 0; left--) {
    assertMatch(await failureOf(engine.read([KEY])), /^unreachable: /);
    engine.reconnect();
  }
  // PostgreSQL does not notice that the client of a statement that waits has gone.
  assertEquals(parseInt(await server.in(database, waiting), 10) <= 2, true);
  await lock;
  await answers(engine);
};

TOGETHER["reads the other program's entries again after it could not for a while"] = async (
  server,
  database,
) => {
  const body = '{"version": "STSv1", "mode": "enforce", "mx": ["a.example"], "max_age": 86400}';
  await server.in(
    database,
    `CREATE TABLE sts_policy_cache (id serial, domain text, ts integer, pol_id text, pol_body jsonb);
    INSERT INTO sts_policy_cache VALUES (1, 'a.example', extract(epoch FROM now()), '1', '${body}')`,
  );
  await using host = new Host(server.port, { database }, { sealRival: ({ id }) => `rival ${id}` });
  const { engine } = host;
  assertEquals(await engine.read([KEY]), ["rival 1"]);
  const locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted";
  const lock = server.in(database, "BEGIN; LOCK sts_policy_cache; SELECT pg_sleep(3); COMMIT");
  await until("the table is locked", async () => await server.in(database, locked) !== "0");
  await outcomeOf(engine.read([KEY]));
  await lock;
  await answers(engine);
  assertEquals(await engine.read([KEY]), ["rival 1"]);
  // Where the table is gone, nothing is asked of it again.
  await server.in(database, "DROP TABLE sts_policy_cache");
  assertEquals(await engine.read([KEY]), [undefined]);
  assertEquals(await engine.read([KEY]), [undefined]);
};

TOGETHER["goes on reading where nothing may be written"] = async (server, database) => {
  await using host = new Host(server.port, { database });
  const { engine } = host;
  const entry = entryOf("p", "a.example");
  await engine.publish([entry]);
  await server.sql(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
  engine.reconnect();
  await until(
    "the server refuses writes",
    () =>
      engine.publish([entry]).then(() => false, (error: EngineError) => error.kind === "refused"),
  );
  assertMatch(
    await failureOf(engine.publish([entry])),
    /^refused: cannot execute .* in a read-only transaction \(25006\)$/,
  );
  assertEquals(await engine.read([KEY]), [entry.sealed]);
};

postgresTest(
  "finds the primary server among several, also after a standby was promoted",
  async () => {
    await using primary = await PostgresServer.start();
    await using standby = await primary.standby();
    const endpoints = [inet(freePort()), inet(standby.port), inet(primary.port)];
    await using host = new Host(0, { endpoints, target: "primary" });
    await using either = new Host(0, { endpoints, target: "prefer-primary" });
    await using reader = new Host(0, { endpoints, target: "standby" });
    const entry = entryOf("p", "a.example");
    await host.engine.publish([entry]);
    await either.engine.publish([entry]);
    await until(
      "replication",
      () => reader.engine.read([KEY]).then(([sealed]) => sealed === entry.sealed, () => false),
    );
    assertMatch(
      await failureOf(reader.engine.publish([entry])),
      /^refused: cannot .* during recovery/,
    );
    const listening = new Listening(host.engine);
    await listening.open();
    await primary.kill();
    await until(
      "reads without a primary server",
      () => either.engine.read([KEY]).then(([sealed]) => sealed === entry.sealed, () => false),
    );
    assertMatch(await failureOf(host.engine.time()), /^unreachable: /);
    await standby.promote();
    await Promise.all([takesWrites(host.engine), takesWrites(either.engine)]);
    await listening.open(2);
    await host.engine.announce("beat");
    await listening.hears("beat");
  },
);

TOGETHER["closes the connection for statements when it is idle, and makes another"] = async (
  server,
  database,
) => {
  const clock = new ManualClock();
  await using host = new Host(server.port, { database }, { clock });
  const connections = () =>
    server.in(
      database,
      "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mta-sts-resolver'",
    );
  await host.engine.time();
  assertEquals(await connections(), "1");
  await clock.advance(30_000);
  await until("the end of the connection", async () => await connections() === "0");
  await host.engine.time();
  assertEquals(await connections(), "1");
};

Deno.test({
  name: "PostgresEngine, one server for all",
  ignore: !hasPostgres,
  fn: async (t) => {
    await using server = await PostgresServer.start();
    for (const [at, [what, test]] of Object.entries(TOGETHER).entries()) {
      await server.sql(`CREATE DATABASE test${at}`);
      await t.step(what, () => test(server, `test${at}`));
    }
  },
});

Deno.test("PostgresEngine takes no prefix that is none for tables", () => {
  for (const prefix of ["", "1a", 'a"b', "a".repeat(33), "a b", "a:b"]) {
    assertEquals(new RegExp("not a prefix").test(outcome(() => sqlOfSchema(prefix))), true, prefix);
  }
});

function outcome(run: () => unknown): string {
  try {
    return `${run()}`;
  } catch (error) {
    return `${error}`;
  }
}
