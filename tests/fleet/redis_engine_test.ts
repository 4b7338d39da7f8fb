/** Redis in all its moods: logins, TLS, faults of the server and of the user's rights. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createClock } from "../../src/base/clock.ts";
import type { RedisAddress } from "../../src/fleet/engine_address.ts";
import { RedisEngine, type RedisEngineOptions } from "../../src/fleet/redis_engine.ts";
import { type Engine, EngineError } from "../../src/fleet/types.ts";
import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import { freePort } from "../fakes/free_port.ts";
import { until } from "../fakes/plain_user.ts";
import { hasRedis, hasSentinel, RedisServer } from "../fakes/redis_server.ts";
import { DAY_MS, entryOf, Listening } from "./engine_contract.ts";

const KEY = { kind: "p", name: "a.example" } as const;

/** A driver that is closed at the end of the test. */
class Host implements AsyncDisposable {
  readonly engine: Engine;

  constructor(
    port: number,
    change: Partial<RedisAddress> = {},
    options: Partial<RedisEngineOptions> = {},
  ) {
    this.engine = new RedisEngine({
      address: {
        kind: "redis",
        endpoints: [{ kind: "inet", hostname: "127.0.0.1", port }],
        db: 0,
        ...change,
      },
      tlsFiles: {},
      label: "redis",
      prefix: "mtasts",
      clock: createClock(),
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close();
  }
}

function redisTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `RedisEngine ${name}`, ignore: !hasRedis, fn });
}

/** The error of a call, as `kind: text`. */
async function failureOf(call: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => call, EngineError);
  return `${error.kind}: ${error.message}`;
}

const TLS = ["tls-cert-file {dir}/cert.pem", "tls-key-file {dir}/key.pem"];

redisTest(
  "logs in with a password, as an ACL user, and over a socket of the file system",
  async () => {
    await using server = await RedisServer.start([
      "requirepass secret",
      "user fleet on >word ~mtasts:* &mtasts:* +@read +@write +@transaction +@pubsub +@scripting +@connection +time",
    ]);
    const unix = { endpoints: [{ kind: "unix", path: `${server.directory}/redis.sock` }] } as const;
    for (const login of [{ password: "secret" }, { username: "fleet", password: "word" }]) {
      for (const where of [{}, unix]) {
        await using host = new Host(server.port, { ...login, ...where, db: 2 });
        assertEquals(await host.engine.read([KEY]), [undefined]);
        await host.engine.publish([entryOf("p", "b.example")], {
          released: [{ domain: "b.example", token: "x" }],
        });
        const listening = new Listening(host.engine);
        await listening.open();
        await host.engine.announce("beat");
        await listening.hears("beat");
        assertEquals((await host.engine.list("p", undefined)).sealed.length, 1);
        await host.engine.time();
      }
    }
    await using wrong = new Host(server.port, { password: "other" });
    assertMatch(await failureOf(wrong.engine.read([KEY])), /^unreachable: WRONGPASS /);
    await using none = new Host(server.port);
    assertMatch(await failureOf(none.engine.read([KEY])), /^unreachable: NOAUTH /);
  },
);

redisTest("renews and releases without the right to EVAL", async () => {
  await using server = await RedisServer.start([
    "user default on nopass ~* &* +@all -@scripting",
  ]);
  await using host = new Host(server.port);
  const { engine } = host;
  const renew = (token: string) => engine.renew("a.example", { token, next: "t2", ttl: DAY_MS });
  await engine.claim("a.example", { token: "t1", ttl: DAY_MS });
  assertEquals([await renew("other"), await renew("t1"), await renew("t1")], [false, true, false]);
  await engine.release("a.example", "t1");
  assertEquals((await engine.claim("a.example", { token: "t3", ttl: 1 })).holder, "t2");
  await engine.release("a.example", "t2");
  assertEquals((await engine.claim("a.example", { token: "t4", ttl: DAY_MS })).holder, "t4");
  await engine.publish([entryOf("p", "a.example")], {
    released: [{ domain: "a.example", token: "t4" }],
  });
  assertEquals((await engine.claim("a.example", { token: "t5", ttl: 1 })).isGranted, true);
});

redisTest("verifies certificates", async () => {
  const authority = createAuthority();
  const good = createCertificate({
    subject: "redis",
    issuer: authority,
    dns: ["localhost"],
    ip: ["127.0.0.1"],
  });
  const client = createCertificate({ subject: "mx1", issuer: authority, usage: "clientAuth" });
  const files = { "cert.pem": good.certPem, "key.pem": good.keyPem, "ca.pem": authority.certPem };
  await using server = await RedisServer.start([
    "tls-auth-clients yes",
    "tls-ca-cert-file {dir}/ca.pem",
    ...TLS,
  ], { files, isTls: true });
  const inet = (hostname: string) =>
    ({ endpoints: [{ kind: "inet", hostname, port: server.port }] }) as const;
  const tlsFiles = { ca: [authority.certPem], cert: client.certPem, key: client.keyPem };
  const attempt = async (change: Partial<RedisAddress>, files: RedisEngineOptions["tlsFiles"]) => {
    await using host = new Host(server.port, change, { tlsFiles: files });
    return await host.engine.read([KEY]).then(
      () => "ok",
      (error: EngineError) => `${error.kind}: ${error.message}`,
    );
  };
  const byName = { tls: { verify: "name" } } as const;
  assertEquals(await attempt({ ...byName, ...inet("localhost") }, tlsFiles), "ok");
  assertEquals(await attempt({ ...byName, ...inet("127.0.0.1") }, tlsFiles), "ok");
  // Resolves to loopback everywhere, and is not in the certificate.
  assertMatch(await attempt({ ...byName, ...inet("127.0.0.2") }, tlsFiles), /^unreachable: /);
  assertEquals(await attempt({ tls: { verify: "issuer" }, ...inet("127.0.0.2") }, tlsFiles), "ok");
  const other = { ...tlsFiles, ca: [createAuthority("Other CA").certPem] };
  assertMatch(await attempt({ ...byName, ...inet("localhost") }, other), /^unreachable: /);
  assertMatch(
    await attempt({ tls: { verify: "issuer" }, ...inet("localhost") }, other),
    /^unreachable: /,
  );
  assertEquals(await attempt({ tls: { verify: "none" }, ...inet("localhost") }, other), "ok");
  assertMatch(await attempt(byName, { ca: tlsFiles.ca }), /^unreachable: /);
  assertMatch(await attempt({}, {}), /^unreachable: /);
});

redisTest("says what a server refuses, and goes on reading", async () => {
  await using server = await RedisServer.start();
  await using host = new Host(server.port);
  const { engine } = host;
  const entry = entryOf("p", "a.example");
  const write = () => failureOf(engine.publish([entryOf("p", "b.example")]));
  await engine.publish([entry]);
  await server.command("CONFIG", "SET", "maxmemory", "1");
  assertMatch(await write(), /^refused: OOM command not allowed/);
  await server.command("CONFIG", "SET", "maxmemory", "0");
  await server.command("CONFIG", "SET", "min-replicas-to-write", "3");
  assertMatch(await write(), /^refused: NOREPLICAS /);
  await server.command("CONFIG", "SET", "min-replicas-to-write", "0");
  await server.command("ACL", "SETUSER", "default", "-set");
  assertMatch(await write(), /^refused: NOPERM /);
  await server.command("ACL", "SETUSER", "default", "+set");
  await server.command("REPLICAOF", "127.0.0.1", "1");
  assertMatch(await write(), /^refused: READONLY /);
  assertEquals(await engine.read([KEY]), [entry.sealed]);
  await server.command("REPLICAOF", "NO", "ONE");
  await until("writes are taken", () => engine.publish([entry]).then(() => true, () => false));
});

redisTest("takes keys of another type for absent, and replaces them", async () => {
  await using server = await RedisServer.start();
  await using host = new Host(server.port);
  const { engine } = host;
  for (const kind of ["p", "f", "l"]) {
    await server.command("ZADD", `mtasts:${kind}:a.example`, "1", "x");
  }
  assertEquals(await engine.read([KEY, { kind: "p", name: "b.example" }]), [undefined, undefined]);
  assertEquals(await engine.claim("a.example", { token: "t", ttl: 1 }), {
    isGranted: false,
    holder: undefined,
    policy: undefined,
    failure: undefined,
    tombstone: undefined,
  });
  assertEquals((await engine.list("p", undefined)).sealed, []);
  const entry = entryOf("p", "a.example");
  await engine.publish([entry]);
  assertEquals(await engine.read([KEY]), [entry.sealed]);
});

redisTest("reads no more of a text than is needed to refuse it", async () => {
  await using server = await RedisServer.start();
  await using host = new Host(server.port);
  const { engine } = host;
  for (const key of ["p:a.example", "l:a.example"]) {
    await server.command("SETRANGE", `mtasts:${key}`, "5000000", "x");
  }
  const [read] = await engine.read([KEY]);
  const { policy, holder } = await engine.claim("a.example", { token: "t", ttl: 1 });
  const { sealed } = await engine.list("p", undefined);
  for (const text of [read, policy, holder, sealed[0]]) assertEquals(text?.length, 100_001);
});

redisTest("ends calls to a server that is stopped, and comes back", async () => {
  await using server = await RedisServer.start();
  await using host = new Host(server.port);
  const { engine } = host;
  const listening = new Listening(engine);
  await listening.open();
  await engine.mark();
  server.pause();
  const start = performance.now();
  assertEquals(await failureOf(engine.time()), "unreachable: no reply for 2000 ms");
  assertEquals(performance.now() - start < 3000, true);
  // Meanwhile nobody waits.
  const next = performance.now();
  assertMatch(await failureOf(engine.time()), /^unreachable: /);
  assertEquals(performance.now() - next < 100, true);
  server.resume();
  await until("the engine answers", () => engine.time().then(() => true, () => false));
  assertEquals(await engine.mark(), false);
});

redisTest("comes back after a restart, and listens again", async () => {
  await using server = await RedisServer.start();
  await using host = new Host(server.port);
  const { engine } = host;
  const listening = new Listening(engine);
  await listening.open();
  await engine.mark();
  await server.kill();
  assertMatch(await failureOf(engine.time()), /^unreachable: /);
  await server.restart();
  await until("the engine answers", () => engine.time().then(() => true, () => false));
  await listening.open(2);
  await engine.announce("beat");
  await listening.hears("beat");
  assertEquals(await engine.mark(), true);
});

redisTest("waits for the first connection, and does not start without a server", async () => {
  await using server = await RedisServer.start();
  await server.kill();
  await using host = new Host(server.port);
  assertMatch(await failureOf(host.engine.time()), /^unreachable: .*ECONNREFUSED/);
  await server.restart();
  await until("the engine answers", () => host.engine.time().then(() => true, () => false));
});

redisTest("refuses more calls than wait already", async () => {
  await using server = await RedisServer.start();
  await using host = new Host(server.port);
  const { engine } = host;
  await engine.time();
  const calls = Array.from(
    { length: 1001 },
    () => engine.time().then(() => "ok", (error) => error.message),
  );
  const results = await Promise.all(calls);
  assertEquals(results.filter((result) => result !== "ok"), [
    "1000 calls wait for a reply already",
  ]);
});

Deno.test({
  name: "RedisEngine verifies the certificates of sentinels and of the server behind them",
  ignore: !hasSentinel,
  fn: async () => {
    const authority = createAuthority();
    const own = createCertificate({ subject: "redis", issuer: authority, ip: ["127.0.0.1"] });
    const files = { "cert.pem": own.certPem, "key.pem": own.keyPem, "ca.pem": authority.certPem };
    const lines = [
      "tls-replication yes",
      "tls-auth-clients no",
      "tls-ca-cert-file {dir}/ca.pem",
      ...TLS,
    ];
    await using server = await RedisServer.start(lines, { files, isTls: true });
    await using sentinel = await RedisServer.start(
      [`sentinel monitor mymaster 127.0.0.1 ${server.port} 1`, ...lines],
      { program: "redis-sentinel", files, isTls: true },
    );
    const join = (ca: string) =>
      new Host(0, {
        endpoints: [{ kind: "inet", hostname: "127.0.0.1", port: sentinel.port }],
        sentinel: { masterName: "mymaster" },
        tls: { verify: "name" },
      }, { tlsFiles: { ca: [ca] } });
    await using host = join(authority.certPem);
    await host.engine.publish([entryOf("p", "a.example")]);
    await using stranger = join(createAuthority("Other CA").certPem);
    assertMatch(
      await failureOf(stranger.engine.time()),
      /^unreachable: sentinel: self-signed certificate/,
    );
  },
});

Deno.test({
  name: "RedisEngine does not repeat a password that a server repeats",
  ignore: !hasRedis,
  // A connection that ends in the middle of an attempt may leave a timer of the library for a moment.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using server = await RedisServer.start(['rename-command AUTH ""']);
    for (const change of [{ password: "s3cret" }, { username: "mta", password: "s3cret" }]) {
      await using host = new Host(server.port, change);
      assertMatch(await failureOf(host.engine.time()), /^[a-z]+: ERR unknown command 'auth'$/i);
    }
  },
});

Deno.test({
  name: "RedisEngine finds the server through sentinels, some of which are not there",
  ignore: !hasSentinel,
  // The library leaves the time limits of its questions to sentinels running, for half a second each.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using server = await RedisServer.start();
    await using sentinel = await RedisServer.start(
      [`sentinel monitor mymaster 127.0.0.1 ${server.port} 1`, "requirepass guard"],
      { program: "redis-sentinel" },
    );
    const endpoints = [freePort(), sentinel.port].map((port) =>
      ({ kind: "inet", hostname: "127.0.0.1", port }) as const
    );
    const join = (masterName: string, password: string) =>
      new Host(0, { endpoints, sentinel: { masterName, password } });
    await using host = join("mymaster", "guard");
    await host.engine.publish([entryOf("p", "a.example")]);
    assertEquals(await server.command("EXISTS", "mtasts:p:a.example"), "1\n");
    const watching = async () => {
      const clients = await sentinel.output([["AUTH", "guard"], ["CLIENT", "LIST"]]);
      return clients.split("\n").filter((line) => / sub=1 /.test(line)).length;
    };
    await until("the sentinel is listened to", async () => await watching() === 1);
    for (let round = 0; round < 3; round++) {
      await server.kill();
      await server.restart();
      await until("the engine answers", () => host.engine.time().then(() => true, () => false));
    }
    await until("nothing is left of lost connections", async () => await watching() === 1, {
      ms: 2000,
    });
    // Such as a sentinel that has not heard of the last election.
    await server.command("REPLICAOF", "127.0.0.1", "1");
    host.engine.reconnect();
    assertEquals(
      await failureOf(host.engine.time()),
      "unreachable: the sentinels name a server that is no master",
    );
    await server.command("REPLICAOF", "NO", "ONE");
    await until("the engine answers", () => host.engine.time().then(() => true, () => false));
    await using stranger = join("mymaster", "other");
    assertMatch(await failureOf(stranger.engine.time()), /^unreachable: .*WRONGPASS/);
    await using other = join("othermaster", "guard");
    assertMatch(
      await failureOf(other.engine.time()),
      /^unreachable: All sentinels are unreachable/,
    );
  },
});
