import { assertEquals, assertMatch } from "@std/assert";
import {
  type EngineArguments,
  type EngineUrl,
  formatEngineAddress,
  readEngineArguments,
  readEngineUrl,
  readSentinels,
} from "../../src/config/engine_url.ts";
import type { PostgresAddress, RedisAddress } from "../../src/fleet/engine_address.ts";

const inet = (hostname: string, port: number) => ({ kind: "inet", hostname, port }) as const;
const unix = (path: string) => ({ kind: "unix", path }) as const;

const LOCAL: RedisAddress = { kind: "redis", endpoints: [inet("localhost", 6379)], db: 0 };
const LOOPBACK: RedisAddress = { ...LOCAL, endpoints: [inet("127.0.0.1", 6379)] };

function expect(found: EngineUrl, address: object, unused: readonly string[] = []): void {
  assertEquals(found, { kind: "address", address, unused } as EngineUrl);
}

/** URLs of redis-py's documentation, of postfix-mta-sts-resolver's examples, and their odd forms. */
const REDIS:
  readonly (readonly [url: string, address: Partial<RedisAddress>, unused?: string[]])[] = [
    // redis-py, documentation of from_url
    ["redis://[[username]:[password]]@localhost:6379/0".replaceAll(/[[\]]/g, ""), {
      username: "username",
      password: "password",
    }],
    ["rediss://username:password@localhost:6379/0", {
      username: "username",
      password: "password",
      tls: { verify: "name" },
    }],
    ["unix://username@/path/to/socket.sock?db=2&password=password", {
      username: "username",
      password: "password",
      db: 2,
      endpoints: [unix("/path/to/socket.sock")],
    }],
    ["redis://localhost?db=0", {}],
    ["redis://localhost/0", {}],
    // postfix-mta-sts-resolver
    ["redis://127.0.0.1/0?timeout=5", { endpoints: [inet("127.0.0.1", 6379)] }, ["timeout"]],
    ["redis://h/0?db=2", { endpoints: [inet("h", 6379)], db: 2 }],
    ["unix:///run/redis.sock?db=4", { endpoints: [unix("/run/redis.sock")], db: 4 }],
    ["redis://", {}],
    ["redis://:s3cret@mx-1.example:6380/15", {
      endpoints: [inet("mx-1.example", 6380)],
      password: "s3cret",
      db: 15,
    }],
    ["redis://my_redis", { endpoints: [inet("my_redis", 6379)] }],
    ["REDIS://[2001:db8::1]:1/3", { endpoints: [inet("2001:db8::1", 1)], db: 3 }],
    ["redis://a%40b:p%2Fw%25@h", {
      endpoints: [inet("h", 6379)],
      username: "a@b",
      password: "p/w%",
    }],
    ["redis://:100%@h", { endpoints: [inet("h", 6379)], password: "100%" }],
    ["redis://:a@b@h", { endpoints: [inet("h", 6379)], password: "a@b" }],
    ["redis://h?password=a%20b+c%2B", { endpoints: [inet("h", 6379)], password: "a b c+" }],
    ["redis://u:first@h?password=second&username=v", {
      endpoints: [inet("h", 6379)],
      username: "u",
      password: "first",
    }],
    ["redis://h/1?db=2&db=3&password=", { endpoints: [inet("h", 6379)], db: 2 }],
    ["redis://?host=other&port=7", { endpoints: [inet("other", 7)] }],
    ["redis://h/1#fragment", { endpoints: [inet("h", 6379)], db: 1 }],
    ["valkey://h", { endpoints: [inet("h", 6379)] }],
    ["valkeys://h", { endpoints: [inet("h", 6379)], tls: { verify: "name" } }],
    ["rediss://h?ssl_cert_reqs=none", { endpoints: [inet("h", 6379)], tls: { verify: "none" } }],
    ["rediss://h?ssl_check_hostname=false&ssl_ca_certs=/etc/ca.pem", {
      endpoints: [inet("h", 6379)],
      tls: { verify: "issuer", caFile: "/etc/ca.pem" },
    }],
    ["rediss://h?ssl_certfile=/c.pem&ssl_keyfile=/k.pem&ssl_password=x", {
      endpoints: [inet("h", 6379)],
      tls: { verify: "name", certFile: "/c.pem", keyFile: "/k.pem", keyPassword: "x" },
    }],
    ["rediss://h?ssl_certfile=/c.pem", {
      endpoints: [inet("h", 6379)],
      tls: { verify: "name", certFile: "/c.pem", keyFile: "/c.pem" },
    }],
    ["redis://h?ssl_ca_certs=/no/tls.pem", { endpoints: [inet("h", 6379)] }],
    [
      "redis://h?socket_timeout=5&max_connections=10&retry_on_timeout=True&protocol=3",
      { endpoints: [inet("h", 6379)] },
      ["protocol", "retry_on_timeout", "max_connections", "socket_timeout"],
    ],
  ];

Deno.test("readEngineUrl() reads URLs as redis-py does", () => {
  for (const [url, address, unused] of REDIS) {
    const found = readEngineUrl(url);
    assertEquals(found.kind, "address", `${url}: ${JSON.stringify(found)}`);
    expect(found, { ...LOCAL, ...address }, unused);
  }
});

Deno.test("arguments beside a URL of Redis count where it says nothing", () => {
  const given = {
    db: 5,
    username: "u",
    password: "p",
    ssl: true,
    ssl_check_hostname: false,
    socket_timeout: 5,
    encoding: null,
  };
  const tls = { verify: "issuer" };
  const [username, password] = ["u", "p"];
  expect(readEngineUrl("redis://127.0.0.1", given), {
    ...LOOPBACK,
    username,
    password,
    db: 5,
    tls,
  }, ["socket_timeout"]);
  expect(readEngineUrl("redis://v:q@127.0.0.1/2", given), {
    ...LOOPBACK,
    username: "v",
    password: "q",
    db: 2,
    tls,
  }, ["socket_timeout"]);
  expect(readEngineArguments("redis", { host: "127.0.0.1", port: 6379 }), LOOPBACK);
  expect(readEngineArguments("redis", { unix_socket_path: "/s" }), {
    ...LOCAL,
    endpoints: [unix("/s")],
  });
});

const PG: PostgresAddress = {
  kind: "postgres",
  endpoints: [inet("localhost", 5432)],
  user: "user",
  database: "user",
  tls: { isOptional: true, verify: "none" },
  target: "any",
  isPreparing: true,
  parameters: {},
};
const { tls: _, ...SOCKET } = PG;
const FULL = { isOptional: false, verify: "name" } as const;

/** Examples of the documentation of libpq and of postfix-mta-sts-resolver, and their odd forms. */
const POSTGRES: readonly (readonly [dsn: string, address: object, unused?: string[]])[] = [
  // libpq; those without a user have been given one
  ["postgresql://user@", {
    ...PG,
    endpoints: [
      unix("/run/postgresql/.s.PGSQL.5432"),
      unix("/tmp/.s.PGSQL.5432"),
      inet("localhost", 5432),
    ],
  }],
  ["postgresql://user@localhost", PG],
  ["postgresql://user@localhost:5433", { ...PG, endpoints: [inet("localhost", 5433)] }],
  ["postgresql://user@localhost/mydb", { ...PG, database: "mydb" }],
  ["postgresql://user:secret@localhost", { ...PG, password: "secret" }],
  ["postgresql://other@localhost/otherdb?connect_timeout=10&application_name=myapp", {
    ...PG,
    user: "other",
    database: "otherdb",
    parameters: { application_name: "myapp" },
  }, ["connect_timeout"]],
  [
    "postgresql://user@host1:123,host2:456/somedb?target_session_attrs=any&application_name=myapp",
    {
      ...PG,
      endpoints: [inet("host1", 123), inet("host2", 456)],
      database: "somedb",
      parameters: { application_name: "myapp" },
    },
  ],
  ["postgresql://user@localhost:5433/mydb?options=-c%20synchronous_commit%3Doff", {
    ...PG,
    endpoints: [inet("localhost", 5433)],
    database: "mydb",
    parameters: { options: "-c synchronous_commit=off" },
  }],
  ["postgresql://user@/mydb?host=localhost&port=5433", {
    ...PG,
    endpoints: [inet("localhost", 5433)],
    database: "mydb",
  }],
  ["postgresql://user@[2001:db8::1234]/database", {
    ...PG,
    endpoints: [inet("2001:db8::1234", 5432)],
    database: "database",
  }],
  ["postgresql://user@%2Fvar%2Flib%2Fpostgresql/dbname", {
    ...SOCKET,
    endpoints: [unix("/var/lib/postgresql/.s.PGSQL.5432")],
    database: "dbname",
  }],
  ["host=localhost port=5432 dbname=mydb connect_timeout=10 user=user", {
    ...PG,
    database: "mydb",
  }, ["connect_timeout"]],
  // postfix-mta-sts-resolver
  ["postgres://user:password@localhost:5432/mta-sts", {
    ...PG,
    password: "password",
    database: "mta-sts",
  }],
  ["postgres://user@%2Frun%2Fpostgresql/db", {
    ...SOCKET,
    endpoints: [unix("/run/postgresql/.s.PGSQL.5432")],
    database: "db",
  }],
  // others
  ["postgres://user@/db?host=/run/postgresql&port=5433", {
    ...SOCKET,
    endpoints: [unix("/run/postgresql/.s.PGSQL.5433")],
    database: "db",
  }],
  ["postgres://user:p%40%2Fw#d@a,b:6000,[::1]/db?sslmode=verify-full", {
    ...PG,
    password: "p@/w#d",
    endpoints: [inet("a", 5432), inet("b", 6000), inet("::1", 5432)],
    database: "db",
    tls: FULL,
    target: "prefer-primary",
  }],
  ["postgres://user@a,b?target_session_attrs=read-write&sslmode=disable", {
    ...SOCKET,
    endpoints: [inet("a", 5432), inet("b", 5432)],
    target: "primary",
  }],
  ["postgres://a/db?user=user&password=x+y", {
    ...PG,
    endpoints: [inet("a", 5432)],
    database: "db",
    password: "x y",
  }],
  ["postgres://user@localhost?sslmode=require", {
    ...PG,
    tls: { isOptional: false, verify: "none" },
  }],
  ["postgres://user@localhost?sslmode=require&sslrootcert=/ca.pem", {
    ...PG,
    tls: { isOptional: false, verify: "issuer", caFile: "/ca.pem" },
  }],
  ["postgres://user@localhost?sslmode=verify-ca&sslcert=/c.pem&sslkey=/k.pem&sslpassword=x", {
    ...PG,
    tls: {
      isOptional: false,
      verify: "issuer",
      certFile: "/c.pem",
      keyFile: "/k.pem",
      keyPassword: "x",
    },
  }],
  ["postgres://user@localhost?sslmode=verify-full&sslrootcert=system", { ...PG, tls: FULL }],
  ["postgres://user@localhost?passfile=/etc/pgpass&search_path=fleet&statement_cache_size=0", {
    ...PG,
    passFile: "/etc/pgpass",
    isPreparing: false,
    parameters: { search_path: "fleet" },
  }],
  ["user=user host=localhost password='it''s'".replace("''", "\\'"), { ...PG, password: "it's" }],
  [" host = localhost\n user='user' password = 'a b\\\\' dbname=d\\ b ", {
    ...PG,
    password: "a b\\",
    database: "d b",
  }],
  ["host=a,b port=1,2 user=user", {
    ...PG,
    endpoints: [inet("a", 1), inet("b", 2)],
    target: "prefer-primary",
  }],
  ["host=/run/postgresql user=user", {
    ...SOCKET,
    endpoints: [unix("/run/postgresql/.s.PGSQL.5432")],
  }],
];

Deno.test("readEngineUrl() reads connection strings as libpq does", () => {
  for (const [dsn, address, unused] of POSTGRES) {
    const found = readEngineUrl(dsn);
    assertEquals(found.kind, "address", `${dsn}: ${JSON.stringify(found)}`);
    expect(found, address, unused);
  }
});

Deno.test("arguments of asyncpg come before the connection string", () => {
  const options: EngineArguments = {
    host: "127.0.0.1",
    port: 5433,
    user: "user",
    password: "secret",
    database: "mta-sts",
    ssl: true,
    passfile: "/etc/pgpass",
    min_size: 2,
    statement_cache_size: 0,
    server_settings: { search_path: "fleet", jit: "off" },
  };
  const address = {
    ...PG,
    endpoints: [inet("127.0.0.1", 5433)],
    password: "secret",
    passFile: "/etc/pgpass",
    database: "mta-sts",
    tls: FULL,
    isPreparing: false,
    parameters: { search_path: "fleet", jit: "off" },
  };
  expect(readEngineArguments("postgres", options), address, ["min_size"]);
  expect(readEngineUrl("postgres://x:y@z:1/q?sslmode=disable", options), address, ["min_size"]);
  expect(
    readEngineUrl("postgres://user@localhost", { host: ["a", "b"], port: [1, 2], ssl: "require" }),
    {
      ...PG,
      endpoints: [inet("a", 1), inet("b", 2)],
      target: "prefer-primary",
      tls: { isOptional: false, verify: "none" },
    },
  );
});

Deno.test("readSentinels() reads pairs and texts", () => {
  const sentinels = [["192.0.2.1", 26379], "mx2", "[2001:db8::2]:26380", "mx3.example:26381"];
  expect(
    readSentinels(
      { sentinels, masterName: "mymaster", password: "guard" },
      { password: "secret", db: 2, ssl: true, socket_timeout: 5 },
    ),
    {
      kind: "redis",
      endpoints: [
        inet("192.0.2.1", 26379),
        inet("mx2", 26379),
        inet("2001:db8::2", 26380),
        inet("mx3.example", 26381),
      ],
      sentinel: { masterName: "mymaster", password: "guard" },
      password: "secret",
      db: 2,
      tls: { verify: "name" },
    },
    ["socket_timeout"],
  );
});

/** What is wrong, and what is said of it. */
const WRONG: readonly (readonly [text: string, problem: RegExp])[] = [
  ["", /^must begin with redis:\/\//],
  ["localhost:6379", /^must begin with/],
  ["mysql://h", /^scheme mysql: is not known, use redis/],
  ["redis://:hunter2@h:99999", /^the port must be a number from 1 to 65535$/],
  ["redis://:hunter2@h:x", /^the port must be/],
  ["redis://:hunter2@a,b", /^a host must be a name or an address/],
  ["redis://:hunter2@h/one", /^db must be a whole number$/],
  ["redis://h?db=-1", /^db must be a whole number$/],
  ["redis://h?passwort=hunter2", /^passwort is not known, did you mean password\?$/],
  ["rediss://h?ssl_cert_reqs=maybe", /^ssl_cert_reqs must be none, optional or required$/],
  ["rediss://h?ssl_check_hostname=hunter2", /^ssl_check_hostname must be true or false$/],
  ["rediss://h?ssl_ca_certs=ca.pem", /^ssl_ca_certs must be an absolute path$/],
  ["rediss://h?ssl_keyfile=/k.pem", /^ssl_keyfile needs ssl_certfile$/],
  ["rediss://h?ssl_ca_data=hunter2", /^ssl_ca_data is not supported, name a file/],
  ["unix://run/redis.sock?password=hunter2", /^unix:\/\/ needs an absolute path, as in/],
  ["unix://", /^unix:\/\/ needs an absolute path$/],
  ["postgres://localhost/db", /^the user is missing, as in/],
  ["postgres://u:hunter2@a,b:1,c:2?port=1,2", /^there are 3 hosts and 2 ports$/],
  ["postgres://u:hunter2@a:b:c", /^a host must be name:port, IPv6 in brackets$/],
  ["postgres://u:hunter2@a:1/db?sslmode=on", /^sslmode must be one of disable, allow/],
  ["postgres://u@a?target_session_attrs=master", /^target_session_attrs must be one of any, /],
  ["postgres://u@a?sslmod=require", /^sslmod is not known, did you mean sslmode\?$/],
  ["postgres://u@a?hunter2%0A=1", /^an argument is not known$/],
  ["postgres://u@a?service=x", /^service is not supported/],
  ["postgres://u@a?channel_binding=require", /^channel_binding=require is not supported$/],
  ["postgres://u@a?sslrootcert=system", /^sslrootcert=system needs sslmode=verify-full$/],
  ["postgres://u@a?hostaddr=192.0.2.1", /^hostaddr is not supported/],
  ["host=a user=u password='hunter2", /^must be pairs such as/],
  ["host=a user=u password=hunter2'x", /^must be pairs such as/],
  ["postgres://u:hunter2%00x@a", /^password must not hold a NUL$/],
];

Deno.test("readEngineUrl() says in one line what is wrong, and never the password", () => {
  for (const [text, problem] of WRONG) {
    const found = readEngineUrl(text);
    assertEquals(found.kind, "invalid", text);
    const said = found.kind === "invalid" ? found.problem : "";
    assertMatch(said, problem);
    assertEquals(/hunter2|\n/.test(said), false, said);
  }
  assertEquals(readSentinels({ sentinels: [], masterName: "m" }), {
    kind: "invalid",
    problem: "sentinels must not be empty",
  });
  assertEquals(readSentinels({ sentinels: [["h"]], masterName: "m" }), {
    kind: "invalid",
    problem: "a sentinel must be host:port, or a pair of both",
  });
});

Deno.test("formatEngineAddress() leaves out passwords", () => {
  const formatted = (found: EngineUrl) =>
    found.kind === "address" ? formatEngineAddress(found.address) : found.problem;
  const texts = {
    "redis://u:hunter2@10.0.0.5/2": "redis://10.0.0.5:6379/2",
    "rediss://:hunter2@[2001:db8::1]": "rediss://[2001:db8::1]:6379/0",
    "unix:///run/r.sock?password=hunter2": "unix:///run/r.sock?db=0",
    "postgres://u:hunter2@a,b:1/db": "postgres://u@a:5432,b:1/db",
    "host=/run/postgresql user=u password=hunter2": "postgres://u@/run/postgresql/.s.PGSQL.5432/u",
  };
  for (const [text, expected] of Object.entries(texts)) {
    assertEquals(formatted(readEngineUrl(text)), expected);
  }
  assertEquals(
    formatted(readSentinels({ sentinels: ["a", "b"], masterName: "m", password: "hunter2" })),
    "sentinel://a:26379,b:26379/m/0",
  );
});
