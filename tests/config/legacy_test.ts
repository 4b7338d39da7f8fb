import { assertEquals } from "@std/assert";
import type { Config } from "../../src/config/types.ts";
import { loadText } from "./load_text.ts";

/** What a file of postfix-mta-sts-resolver comes to, where it differs from our defaults. */
interface Expected {
  readonly config: Partial<Config>;
  readonly notes: readonly string[];
}

const DEFAULTS = loadText("", { HOME: "/h" }).config;
const FOUR_SECONDS = { ...DEFAULTS.defaultZone, timeout: 4_000 };
const INET = { kind: "inet", hostname: "127.0.0.1", port: 8461 } as const;

function cache(change: Partial<Config["cache"]>): Config["cache"] {
  return { ...DEFAULTS.cache, ...change };
}

function withDefaultZone(
  defaultZone: Config["defaultZone"],
  zones: readonly Config["defaultZone"][] = [],
): Partial<Config> {
  const sts = { ...defaultZone, name: "sts", dane: "off", tlsrpt: false, matchLimit: 240 } as const;
  return {
    defaultZone,
    tlsrptZone: { ...defaultZone, name: "QUERYwithTLSRPT", tlsrpt: true },
    zones: new Map([...zones, sts].map((zone) => [zone.name, zone])),
  };
}

const REUSE_PORT = "reuse_port: has no effect: one process answers everything";
const INTERNAL = "cache.type: policies are also kept in a file, so that they survive a restart";
const SQLITE =
  "cache.type: sqlite is not used: policies are kept in our own cache file; 'cache import' reads the old one";
const UNSIGNED =
  "cache.shared.secret_file: is not set: what other hosts share only stands in for a first fetch, and anybody who can " +
  "write to the engine can forge it. To make one: openssl rand -base64 48 >FILE; chmod 600 FILE; the same FILE on " +
  "all hosts, see docs/fleet.md";

/** What a file says of the engine that hosts share. */
function sharedBy(change: Partial<Config["cache"]["shared"]>): Config["cache"] {
  return cache({ shared: { ...DEFAULTS.cache.shared, oldEntries: true, ...change } });
}

/** The notes on an engine that hosts share. */
function sharedNotes(type: string): string[] {
  return [`cache.type: ${type} is shared with the other hosts; policies are also kept on this one`];
}

const TIMEOUTS = ["socket_timeout", "socket_connect_timeout"].map((option) =>
  `cache.options.${option}: has no effect: an answer waits 0.2 s for the engine at most`
);

const EXPECTED: Record<string, Expected> = {
  empty: { config: {}, notes: [] },
  minimal: { config: withDefaultZone(FOUR_SECONDS), notes: [REUSE_PORT, INTERNAL] },
  internal: {
    config: {
      ...withDefaultZone(FOUR_SECONDS, [{ ...FOUR_SECONDS, name: "myzone" }]),
      recheck: 60_000,
      cache: cache({ memoryEntries: 10_000 }),
    },
    notes: [REUSE_PORT, INTERNAL],
  },
  sqlite: {
    config: {
      ...withDefaultZone(FOUR_SECONDS),
      listen: [{ ...INET, hostname: "::1" }],
      recheck: 60_000,
    },
    notes: [SQLITE],
  },
  redis: {
    config: {
      ...withDefaultZone(FOUR_SECONDS),
      listen: [INET, { ...INET, hostname: "::1" }],
      refresh: { ...DEFAULTS.refresh, concurrency: 100 },
      cache: sharedBy({ url: "redis://127.0.0.1/0?timeout=5" }),
    },
    notes: [
      "proactive_policy_fetching.grace_ratio: has no effect: each policy is refreshed by its own age",
      ...TIMEOUTS,
      ...sharedNotes("redis"),
      "cache.shared.url: its argument timeout has no effect",
      UNSIGNED,
    ],
  },
  redis_sentinel: {
    config: {
      ...withDefaultZone(FOUR_SECONDS),
      listen: [{ ...INET, hostname: "::" }],
      cache: sharedBy({
        sentinels: ["192.0.2.1:26379", "192.0.2.2:26379"],
        masterName: "mymaster",
        password: "secret",
      }),
    },
    notes: [TIMEOUTS[0]!, ...sharedNotes("redis_sentinel"), UNSIGNED],
  },
  postgres: {
    config: {
      ...withDefaultZone({ ...FOUR_SECONDS, strictTesting: true }, [
        { ...FOUR_SECONDS, strictTesting: true, timeout: 5_000, name: "postfix" },
        { ...FOUR_SECONDS, strictTesting: true, name: "relay" },
      ]),
      listen: [{ ...INET, hostname: "::" }],
      cache: sharedBy({ url: "postgres://user:password@localhost:5432/mta-sts" }),
    },
    notes: [
      "host: listens on :: only, which accepts IPv4 as well",
      "cache.options.min_size: has no effect",
      "cache.options.max_size: has no effect",
      ...sharedNotes("postgres"),
      "proactive_policy_fetching.enabled: has no effect: policies in use are always refreshed before they expire",
      "zones: inherit strict_testing, timeout from default_zone unless set",
      UNSIGNED,
    ],
  },
  debian: {
    config: {
      ...withDefaultZone(FOUR_SECONDS, [
        { ...FOUR_SECONDS, name: "myzone" },
        { ...FOUR_SECONDS, name: "myzone2", strictTesting: true },
      ]),
      recheck: 60_000,
    },
    notes: [REUSE_PORT, SQLITE],
  },
  unix_socket: {
    config: {
      listen: [{ kind: "unix", path: "/var/spool/postfix/run/mta-sts/socket", mode: 0o666 }],
      socketMode: 0o666,
    },
    notes: [
      "host: has no effect together with path",
      SQLITE,
    ],
  },
  odd_values: {
    config: {
      ...withDefaultZone({ ...DEFAULTS.defaultZone, tlsrpt: true }),
      listen: [{ ...INET, port: 10_461 }],
      recheck: 1_000,
      refresh: { ...DEFAULTS.refresh, interval: 300_000, concurrency: 1_000 },
      cache: cache({ memoryEntries: 100 }),
    },
    notes: [
      "mode: has no effect without path",
      "cache.options.unknown_option: has no effect",
      INTERNAL,
      "cache.options.cache_size: is out of range (100 to 2000000), using 100",
      "cache_grace: is out of range (1 to 86400), using 1",
      "proactive_policy_fetching.interval: is out of range (300 to 604800), using 300",
      "proactive_policy_fetching.concurrency_limit: is out of range (1 to 1000), using 1000",
    ],
  },
};

const FOLDER = new URL("legacy/", import.meta.url);

Deno.test("every file in legacy/ has an expectation", () => {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name.replace(".yml", ""));
  assertEquals(names.sort(), Object.keys(EXPECTED).sort());
});

for (const [name, expected] of Object.entries(EXPECTED)) {
  Deno.test(`loadConfig() reads legacy/${name}.yml of postfix-mta-sts-resolver`, () => {
    const text = Deno.readTextFileSync(new URL(`${name}.yml`, FOLDER));
    const { config, notes } = loadText(text, { HOME: "/h" });
    assertEquals(config, { ...DEFAULTS, ...expected.config });
    assertEquals(notes.map(({ path, text }) => `${path}: ${text}`), expected.notes);
  });
}

Deno.test("loadConfig() leaves the cache file of postfix-mta-sts-resolver and its directory alone", () => {
  for (const filename of ["/var/lib/mta-sts/cache.db", "cache.db"]) {
    const text = `cache: {type: sqlite, options: {filename: ${filename}}}`;
    assertEquals(loadText(text, { HOME: "/h" }).config.cache, DEFAULTS.cache);
  }
});

Deno.test("loadConfig() takes legacy keys beside ours where they do not exclude each other", () => {
  const mixed = loadText(
    "listen: unix:/run/x.sock\nmode: 0666\ncache: {options: {cache_size: 500}}",
  );
  assertEquals(mixed.config.listen, [{ kind: "unix", path: "/run/x.sock", mode: 0o666 }]);
  assertEquals(mixed.config.cache.memoryEntries, 500);
  const { config } = loadText("host: ::1\nlog: {format: json}\nrefresh: {concurrency: 3}\n");
  assertEquals(config.listen, [{ ...INET, hostname: "::1" }]);
  assertEquals([config.log.format, config.refresh.concurrency], ["json", 3]);
});

Deno.test("loadConfig() remarks that a zone sts of postfix-mta-sts-resolver is Sendmail's here", () => {
  const { config, notes } = loadText("reuse_port: true\nzones: {sts: {timeout: 5}}", {
    HOME: "/h",
  });
  assertEquals(config.zones.get("sts")?.dane, "off");
  assertEquals(notes.map(({ path }) => path), ["reuse_port", "zones.sts"]);
  // In our own file it is what the operator wants.
  assertEquals(loadText("zones: {sts: {timeout: 5}}", { HOME: "/h" }).notes, []);
});
