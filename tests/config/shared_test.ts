import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { convertConfig } from "../../src/config/convert.ts";
import { hidePassword } from "../../src/config/secrets.ts";
import { isShared, readAddress } from "../../src/config/shared.ts";
import { formatConfig, withoutPasswords } from "../../src/config/show.ts";
import type { Config } from "../../src/config/types.ts";
import { UsageError } from "../../src/config/usage_error.ts";
import { loadText } from "./load_text.ts";

type Shared = Config["cache"]["shared"];

const NOTHING = loadText("", { HOME: "/h" }).config.cache.shared;

function load(yaml: string) {
  return loadText(yaml, { HOME: "/h" });
}

/** The mistakes of a file, without its name. */
function mistakes(yaml: string): string[] {
  const { message } = assertThrows(() => load(yaml), UsageError);
  return message.split("\n").map((line) => line.replace("test.yml: ", ""));
}

/** What the options of a cache of postfix-mta-sts-resolver come to, where it differs from nothing, and the notes. */
function legacy(
  type: string,
  options: unknown,
): { shared: Partial<Shared>; notes: Record<string, string> } {
  const { config, notes } = load(JSON.stringify({ cache: { type, options } }));
  const given = Object.entries(config.cache.shared)
    .filter(([key, value]) =>
      JSON.stringify(value) !== JSON.stringify(NOTHING[key as keyof Shared])
    );
  assertEquals(config.cache.shared.oldEntries, true);
  const below = notes.filter(({ path }) => path.startsWith("cache.options."));
  return {
    shared: Object.fromEntries(given.filter(([key]) => key !== "oldEntries")),
    notes: Object.fromEntries(
      below.map(({ path, text }) => [path.slice("cache.options.".length), text]),
    ),
  };
}

const SAYS_IT = "has no effect: url says it already";

Deno.test("cache.shared is off unless the configuration says where the engine is", () => {
  assertEquals(isShared(NOTHING), false);
  assertEquals(isShared(load("cache: memory").config.cache.shared), false);
  const pair = load("cache: {file: memory, shared: {url: 'redis://redis:6379', secret_file: /s}}");
  assertEquals([pair.config.cache.file, pair.notes], [undefined, []]);
  assert(isShared(pair.config.cache.shared));
});

Deno.test("cache.shared without a secret has a note that says how to make one", () => {
  const { notes } = load("cache: {shared: {url: 'redis://10.0.0.5'}}");
  assertEquals(notes.map(({ path }) => path), ["cache.shared.secret_file"]);
  assertStringIncludes(notes[0]!.text, "openssl rand -base64 48");
});

Deno.test("mistakes in cache.shared are one line each", () => {
  const shared = (text: string) => mistakes(`cache: {shared: {${text}}}`);
  assertEquals(shared("url: 'redis://h', sentinels: mx1, master_name: m"), [
    "cache.shared.sentinels: conflicts with cache.shared.url, remove one of them",
  ]);
  assertEquals(shared("sentinels: [mx1]"), ["cache.shared.sentinels: need master_name"]);
  assertEquals(shared("url: 'redis://h', master_name: m, database: 2"), [
    "cache.shared.master_name: needs cache.shared.sentinels",
    "cache.shared.database: needs cache.shared.sentinels",
  ]);
  assertEquals(shared("secret_file: /s"), [
    "cache.shared.secret_file: needs cache.shared.url or cache.shared.sentinels",
  ]);
  assertEquals(shared("url: 'redis://h', password: a, password_file: /p"), [
    "cache.shared.password_file: conflicts with cache.shared.password, remove one of them",
  ]);
  assertEquals(shared("url: 'memcached://user:geheim@h/0'"), [
    "cache.shared.url: scheme memcached: is not known, use redis://, rediss://, unix://, postgres:// or postgresql://",
  ]);
  assertEquals(shared("url: 'redis://h/0?pasword=geheim'"), [
    "cache.shared.url: pasword is not known, did you mean password?",
  ]);
  assertEquals(shared("url: 'redis://h', tls_ca: /ca.pem"), [
    "cache.shared.tls_ca: needs TLS, as by rediss:// or sslmode=",
  ]);
  assertStringIncludes(shared("sentinels: 'mx1:0', master_name: m")[0]!, "cache.shared.sentinels:");
  assertStringIncludes(shared("url: 'redis://h', prefix: 'a b'")[0]!, "cache.shared.prefix:");
});

Deno.test("no password of the engine is printed, nor taken from what was printed", () => {
  const urls = [
    "redis://:geheim@10.0.0.5/2",
    "redis://mta:geheim@10.0.0.5/2?ssl=true",
    "redis://10.0.0.5/2?password=geheim&db=1",
    "redis://10.0.0.5/2?password=ge heim&db=1",
    "postgres://mta:ge@heim@db.example.com/mta?sslmode=verify-full",
    "unix:///run/redis.sock?db=1&password=geheim",
    "host=db.example.com user=mta password='ge \\'heim' dbname=mta",
    "host=db.example.com user=mta password=ge\\ heim dbname=mta",
  ];
  for (const url of urls) {
    const hidden = hidePassword(url);
    assert(!/heim/.test(hidden), hidden);
    const { config } = load(`cache: {shared: {url: ${JSON.stringify(url)}, secret_file: /s}}`);
    assertEquals(config.cache.shared.url, url);
    const shown = formatConfig(withoutPasswords(config));
    assertStringIncludes(shown, `url: ${JSON.stringify(hidden)}`);
    assertStringIncludes(mistakes(shown)[0]!, "cache.shared.url: must be a URL");
  }
  assertEquals(hidePassword("redis://10.0.0.5/2"), "redis://10.0.0.5/2");
  // No URL, but what somebody has typed.
  assertEquals(hidePassword("postgres://mta:ge?h@heim@db/mta"), "postgres://mta:***@db/mta");
  const { config } = load("cache: {shared: {url: 'redis://h', password: geheim, secret_file: /s}}");
  const shown = formatConfig(withoutPasswords(config));
  assert(!shown.includes("geheim"));
  assertEquals(mistakes(shown), [
    'cache.shared.password: must be a password, which *** is not, found "***"',
  ]);
  for (const [value, found] of [["12345", "a number"], ["[geheim]", "a list"], ["''", '""']]) {
    assertEquals(mistakes(`cache: {shared: {url: 'redis://h', password: ${value}}}`), [
      `cache.shared.password: must be a password, which *** is not, found ${found}`,
    ]);
  }
});

Deno.test("config convert keeps the password, since its output is the configuration", () => {
  const text = "cache: {type: redis_sentinel, options: {sentinel_master_name: m, " +
    "sentinels: [[mx1, 26379]], password: geheim, db: 3}}";
  const converted = convertConfig(text, "x.yml");
  const { cache } = load(converted).config;
  assertEquals(cache.shared, load(text).config.cache.shared);
  assertEquals([cache.shared.password, cache.shared.database], ["geheim", 3]);
  assertStringIncludes(converted.replaceAll("\n# ", " "), "openssl rand -base64 48 >FILE");
});

Deno.test("a Redis cache of postfix-mta-sts-resolver is used as redis-py would", () => {
  const url = "redis://127.0.0.1/0";
  assertEquals(legacy("redis", { url, max_connections: 25, retry_on_timeout: true }), {
    shared: { url },
    notes: { max_connections: "has no effect", retry_on_timeout: "has no effect" },
  });
  for (
    const form of [
      "redis://127.0.0.1/0?socket_timeout=5&socket_connect_timeout=5",
      "rediss://mta:x@redis.example.com:6380/1?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=required",
      "unix:///run/redis/redis.sock?db=4",
      "redis://[::1]:6379",
    ]
  ) assertEquals(legacy("redis", { url: form }), { shared: { url: form }, notes: {} });

  // What the URL does not say.
  assertEquals(legacy("redis", { url: "redis://h", db: 3, username: "u", password: 4711 }), {
    shared: { url: "redis://h?db=3", username: "u", password: "4711" },
    notes: {},
  });
  assertEquals(
    legacy("redis", { url: "redis://h/?timeout=1", db: "3" }).shared.url,
    "redis://h/?timeout=1&db=3",
  );
  // What it says wins, in redis-py too.
  const both = { url: "redis://a:b@h/1", db: 3, username: "u", password: "p" };
  assertEquals(legacy("redis", both), {
    shared: { url: both.url },
    notes: { username: SAYS_IT, password: SAYS_IT, db: SAYS_IT },
  });
  assertEquals(legacy("redis", { url: "redis://h?db=2", db: 3 }).notes, { db: SAYS_IT });
});

Deno.test("what postfix-mta-sts-resolver says comes to the address that its libraries would connect to", () => {
  const addressOf = (type: string, options: unknown) => {
    const { config } = load(JSON.stringify({ cache: { type, options } }));
    const reading = readAddress(config.cache.shared);
    return reading.kind === "address" ? reading.address : reading.problem;
  };
  const inet = (hostname: string, port: number) => ({ kind: "inet", hostname, port } as const);
  const tls = { ssl_ca_certs: "/ca.pem", ssl_check_hostname: false };
  assertEquals(addressOf("redis", { url: "rediss://u:p@h/1", db: 7, ...tls }), {
    kind: "redis",
    endpoints: [inet("h", 6379)],
    username: "u",
    password: "p",
    db: 1,
    tls: { verify: "issuer", caFile: "/ca.pem" },
  });
  const sentinel = { sentinel_master_name: "m", sentinels: [["mx1", 26379]], password: "p", db: 3 };
  assertEquals(addressOf("redis_sentinel", { ...sentinel, ssl: true }), {
    kind: "redis",
    endpoints: [inet("mx1", 26379)],
    password: "p",
    db: 3,
    tls: { verify: "name" },
    sentinel: { masterName: "m" },
  });
  const socket = { dsn: "postgres://user@%2Frun%2Fpostgresql/user", statement_cache_size: 0 };
  assertEquals(addressOf("postgres", socket), {
    kind: "postgres",
    endpoints: [{ kind: "unix", path: "/run/postgresql/.s.PGSQL.5432" }],
    user: "user",
    database: "user",
    target: "any",
    isPreparing: false,
    parameters: {},
  });
  assertEquals(
    addressOf("postgres", {
      dsn: "postgres://a@h/b?sslmode=disable",
      user: "c",
      password: "p",
      ssl: "require",
      host: "db2",
      port: 5433,
      server_settings: { search_path: "mail" },
    }),
    {
      kind: "postgres",
      endpoints: [inet("db2", 5433)],
      user: "c",
      password: "p",
      database: "b",
      tls: { isOptional: false, verify: "none" },
      target: "any",
      isPreparing: true,
      parameters: { search_path: "mail" },
    },
  );
});

Deno.test("TLS options of redis-py count where it uses TLS", () => {
  const tls = {
    ssl_ca_certs: "/ca.pem",
    ssl_certfile: "/c.pem",
    ssl_keyfile: "/k.pem",
    ssl_check_hostname: false,
  };
  const files = { tlsCa: "/ca.pem", tlsCert: "/c.pem", tlsKey: "/k.pem" };
  assertEquals(legacy("redis", { url: "rediss://h", ...tls }).shared, {
    url: "rediss://h",
    ...files,
    tlsVerify: "issuer",
  });
  assertEquals(legacy("redis", { url: "redis://h", ...tls }).shared, { url: "redis://h" });
  const none = { url: "rediss://h", ssl_cert_reqs: "none" };
  assertEquals(legacy("redis", none).shared.tlsVerify, "none");
  const sentinel = { sentinel_master_name: "m", sentinels: [["mx1", 26379]], ssl: true };
  assertEquals(legacy("redis_sentinel", { ...sentinel, ...tls }).shared, {
    sentinels: ["mx1:26379"],
    masterName: "m",
    tls: true,
    ...files,
    tlsVerify: "issuer",
  });
});

Deno.test("a timeout of postfix-mta-sts-resolver shortens ours, and never lengthens it", () => {
  const url = "redis://h";
  assertEquals(legacy("redis", { url, socket_timeout: 0.05 }).shared.timeout, 50);
  const long = legacy("redis", { url, socket_timeout: 1.0, socket_connect_timeout: 1.0 });
  assertEquals(long.shared.timeout, undefined);
  assertEquals(Object.keys(long.notes), ["socket_timeout", "socket_connect_timeout"]);
  assertEquals(legacy("redis", { url, socket_timeout: 0.2 }).notes, {});
});

Deno.test("Sentinels of postfix-mta-sts-resolver are pairs", () => {
  const example = {
    sentinel_master_name: "mymaster",
    sentinels: [["sentinel1", 26379], ["sentinel2", 26379], ["::1", "26380"]],
    password: "StrongPassword",
    max_connections: 25,
    db: 2,
  };
  assertEquals(legacy("redis_sentinel", example), {
    shared: {
      sentinels: ["sentinel1:26379", "sentinel2:26379", "[::1]:26380"],
      masterName: "mymaster",
      password: "StrongPassword",
      database: 2,
    },
    notes: { max_connections: "has no effect" },
  });
  const wrong = (options: unknown) =>
    mistakes(JSON.stringify({ cache: { type: "redis_sentinel", options } }));
  assertEquals(wrong({ sentinels: [["a"]], sentinel_master_name: "m" }), [
    "cache.options.sentinels: must be a list of pairs such as [mx1.example.com, 26379], found a list",
  ]);
  assertEquals(wrong({ sentinels: [["a", 1]] }), [
    "cache.options.sentinel_master_name: is missing",
  ]);
});

Deno.test("a PostgreSQL cache of postfix-mta-sts-resolver is used as asyncpg would", () => {
  const dsn = "postgres://user@%2Frun%2Fpostgresql/user";
  assertEquals(legacy("postgres", { dsn }), { shared: { url: dsn }, notes: {} });
  for (
    const form of [
      "postgres://postgres@localhost:5432",
      "postgresql://mta:x@db1,db2:5433/mta?target_session_attrs=read-write&sslmode=require",
    ]
  ) assertEquals(legacy("postgres", { dsn: form }), { shared: { url: form }, notes: {} });
  assertEquals(
    legacy("postgres", {
      dsn,
      min_size: 2,
      max_size: 8,
      command_timeout: 3,
    }),
    {
      shared: { url: dsn },
      notes: {
        min_size: "has no effect",
        max_size: "has no effect",
        command_timeout: "has no effect",
      },
    },
  );
  const parts = {
    host: ["db1.example.com", "/run/postgresql"],
    port: 5433,
    user: "mta",
    password: "ge heim",
    database: "mta sts",
    ssl: true,
    passfile: "/etc/pgpass",
    target_session_attrs: "read-write",
  };
  assertEquals(legacy("postgres", parts), {
    shared: {
      url: "postgres://?host=db1.example.com%2C%2Frun%2Fpostgresql&port=5433&user=mta" +
        "&dbname=mta%20sts&passfile=%2Fetc%2Fpgpass&sslmode=verify-full&target_session_attrs=read-write",
      password: "ge heim",
    },
    notes: {},
  });
  assertEquals(
    legacy("postgres", { dsn: "postgres://a@h/b?sslmode=disable", user: "c", ssl: "require" })
      .shared
      .url,
    "postgres://a@h/b?sslmode=disable&user=c&sslmode=require",
  );
});

Deno.test("a PostgreSQL cache without a user is not shared, which stops nothing", () => {
  const { shared, notes } = legacy("postgres", { dsn: "postgres://localhost/mta" });
  assertEquals(shared, {});
  assertStringIncludes(notes.user!, "nothing is shared");
});

Deno.test("mistakes in the options of a cache of postfix-mta-sts-resolver are one line each", () => {
  const wrong = (type: string, options: unknown) =>
    mistakes(JSON.stringify({ cache: { type, options } }));
  assertEquals(wrong("redis", {}), ["cache.options.url: is missing"]);
  assertEquals(wrong("redis", undefined), ["cache.options.url: is missing"]);
  assertEquals(wrong("redis", { url: "http://u:geheim@h" }), [
    "cache.options.url: scheme http: is not known, use redis://, rediss://, unix://, postgres:// or postgresql://",
  ]);
  assertEquals(wrong("redis", { url: "postgres://a@h" }), [
    "cache.options.url: is not one of redis",
  ]);
  assertEquals(wrong("redis", { url: "redis://h", db: "x", password: ["geheim"] }), [
    "cache.options.password: must be a text",
    'cache.options.db: must be a number, found "x"',
  ]);
  assertEquals(
    mistakes("cache: {type: redis, options: {url: 'redis://h'}, shared: {url: 'redis://i'}}"),
    ["cache.type: conflicts with cache.shared.url, remove one of them"],
  );
  // A file of our own stands beside an engine.
  const both = load("cache: {file: memory, type: redis, options: {url: 'redis://h'}}");
  assertEquals(both.config.cache.file, undefined);
});
