import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { describeConfig } from "../../src/config/describe.ts";
import { loadConfig } from "../../src/config/load.ts";
import { UsageError } from "../../src/config/usage_error.ts";
import { loadText } from "./load_text.ts";

/** Reads files from a table, and fails as Deno does for all others. */
function readFrom(files: Record<string, string>) {
  return (path: string) => {
    const text = files[path];
    if (text === undefined) throw new Deno.errors.NotFound("No such file or directory");
    return text;
  };
}

const NO_ENV = () => undefined;

/** A value other than the default for every key that has one. */
const OTHER_VALUES: Record<string, string> = {
  "listen": '["inet:[::1]:10461", "unix:/run/postfix.sock"]',
  "socket_mode": "0600",
  "control": "unix:/run/control.sock",
  "http": "127.0.0.1:8462",
  "default_zone.strict_testing": "true",
  "default_zone.timeout": "2.5",
  "default_zone.require_sni": "false",
  "default_zone.tlsrpt": "true",
  "default_zone.dane": "require",
  "default_zone.on_dns_failure": "defer",
  "default_zone.match_limit": "300",
  "zones": "{ relay: { timeout: 1 } }",
  "domains": "{ a.example: { policy: ignore, until: 2026-12-31, reason: ticket } }",
  "cache.file": "/srv/policies.db",
  "cache.memory_entries": "100",
  "cache.memory_megabytes": "8",
  "cache.allow_unsafe_directory": "true",
  "cache.shared.url": "redis://10.0.0.5/2",
  "cache.shared.sentinels": '["mx1.example.com:26379", "mx2.example.com"]',
  "cache.shared.master_name": "mymaster",
  "cache.shared.database": "2",
  "cache.shared.username": "mta",
  "cache.shared.password": "hunter2",
  "cache.shared.password_file": "/etc/mta-sts-resolver/engine",
  "cache.shared.sentinel_password_file": "/etc/mta-sts-resolver/sentinel",
  "cache.shared.secret_file": "/etc/mta-sts-resolver/fleet",
  "cache.shared.prefix": "mail-eu",
  "cache.shared.host_name": "mx1",
  "cache.shared.tls": "true",
  "cache.shared.tls_ca": "/etc/ssl/engine-ca.pem",
  "cache.shared.tls_cert": "/etc/ssl/engine.pem",
  "cache.shared.tls_key": "/etc/ssl/engine.key",
  "cache.shared.tls_verify": "issuer",
  "cache.shared.timeout": "0.1",
  "cache.shared.wait": "3",
  "cache.shared.old_entries": "true",
  "recheck": "60",
  "negative_ttl": "61",
  "refresh.interval": "43200",
  "refresh.forget_after": "86400",
  "refresh.concurrency": "11",
  "dns.servers": "127.0.0.1",
  "dns.timeout": "0.5",
  "dns.dnssec_probe": "ns:org.",
  "tls.ca": "/etc/ssl/private-ca.pem",
  "https.timeout": "21",
  "https.concurrency": "51",
  "https.per_address": "9",
  "https.proxy": "http://proxy.example:3128",
  "allow_private": "10.0.0.0/8",
  "report.collect": "unix:/var/spool/postfix/mta-sts/tlsrpt.sock",
  "report.socket_mode": "0666",
  "report.feed": "unix:/run/mta-sts-resolver/report.sock",
  "report.http": "127.0.0.1:8463",
  "report.file": "/srv/reports.db",
  "report.organization": "Example Ltd.",
  "report.contact": "tls-reports@example.com",
  "report.dkim.selector": "tlsrpt",
  "report.dkim.key_file": "/etc/mta-sts-resolver/tlsrpt.key",
  "report.dkim.milter": "true",
  "report.smtp": "off",
  "report.https": "false",
  "report.window": "3600",
  "report.exclude": '["example.com", "*.example.net"]',
  "report.deny_recipients": "internal.example",
  "report.per_destination": "100",
  "report.keep_days": "14",
  "received.domains": '["example.com", "*.example.net"]',
  "received.maildir": "/var/lib/tls-reports/Maildir",
  "received.listen": "127.0.0.1:8465",
  "received.certs": "/etc/letsencrypt/live/reports.example.com",
  "received.token": "3f9c1a77",
  "received.unsigned": "refuse",
  "received.file": "/srv/received.db",
  "received.http": "127.0.0.1:8464",
  "received.keep_days": "90",
  "limits.connections": "1000",
  "limits.pipeline": "100",
  "limits.idle_timeout": "100",
  "limits.io_timeout": "31",
  "limits.discoveries": "257",
  "shutdown_timeout": "0",
  "log.level": "debug",
  "log.format": "json",
  "log.answers": "all",
};

/** What a key needs beside it. */
const BESIDE: Record<string, string> = {
  "cache.shared.url": "secret_file: /s",
  "cache.shared.sentinels": "secret_file: /s, master_name: m",
  "cache.shared.master_name": "secret_file: /s, sentinels: mx1.example.com",
  "cache.shared.database": "secret_file: /s, sentinels: mx1.example.com, master_name: m",
  "cache.shared.tls": "secret_file: /s, sentinels: mx1.example.com, master_name: m",
  "cache.shared.sentinel_password_file":
    "secret_file: /s, sentinels: mx1.example.com, master_name: m",
  "cache.shared.secret_file": "url: redis://10.0.0.5",
  "cache.shared.tls_cert": "tls_key: /k",
  "cache.shared.tls_key": "tls_cert: /c",
};

/** A file with one key, and what it needs. */
function fileWith(path: string, value: string): string {
  const names = path.split(".");
  const beside = BESIDE[path] === undefined ? "" : `, ${BESIDE[path]}`;
  return names.map((name) => `{ ${name}: `).join("") + value + beside + " }".repeat(names.length);
}

Deno.test("loadConfig() without a file gives the embedded defaults", () => {
  const { config, notes } = loadConfig({
    readTextFile: readFrom({}),
    env: (name) => name === "STATE_DIRECTORY" ? "/var/lib/mta-sts-resolver" : undefined,
  });
  const defaultZone = {
    name: "default",
    strictTesting: false,
    timeout: 10_000,
    requireSni: true,
    tlsrpt: false,
    dane: "auto",
    onDnsFailure: "deliver",
    matchLimit: undefined,
  } as const;
  const sts = { ...defaultZone, name: "sts", dane: "off", matchLimit: 240 } as const;
  assertEquals(notes, []);
  assertEquals(config, {
    file: undefined,
    listen: [{ kind: "inet", hostname: "127.0.0.1", port: 8461 }],
    socketMode: 0o660,
    control: undefined,
    http: [],
    defaultZone,
    tlsrptZone: { ...defaultZone, name: "QUERYwithTLSRPT", tlsrpt: true },
    zones: new Map([["sts", sts]]),
    domains: [],
    cache: {
      file: "/var/lib/mta-sts-resolver/cache.db",
      memoryEntries: 20_000,
      memoryMegabytes: 32,
      allowUnsafeDirectory: false,
      shared: {
        url: undefined,
        sentinels: [],
        masterName: undefined,
        database: undefined,
        username: undefined,
        password: undefined,
        passwordFile: undefined,
        sentinelPasswordFile: undefined,
        secretFile: undefined,
        prefix: "mtasts",
        hostName: undefined,
        tls: undefined,
        tlsCa: undefined,
        tlsCert: undefined,
        tlsKey: undefined,
        tlsVerify: undefined,
        timeout: 200,
        wait: 6_000,
        oldEntries: false,
      },
    },
    recheck: 300_000,
    negativeTtl: 300_000,
    refresh: { interval: 86_400_000, forgetAfter: 15_552_000_000, concurrency: 10 },
    dns: { servers: [], timeout: 5_000, dnssecProbe: "ns:." },
    https: {
      timeout: 20_000,
      ca: "system",
      allowPrivate: [],
      proxy: undefined,
      concurrency: 20,
      perAddress: 8,
    },
    report: {
      collect: undefined,
      socketMode: 0o660,
      feed: undefined,
      http: [],
      file: undefined,
      organization: undefined,
      contact: undefined,
      dkim: { selector: undefined, keyFile: undefined, milter: false },
      smtp: { kind: "inet", hostname: "127.0.0.1", port: 25 },
      https: true,
      window: 14_400_000,
      exclude: [],
      denyRecipients: [],
      perDestination: 10_000,
      keepDays: 7,
    },
    received: {
      domains: [],
      maildir: undefined,
      listen: [],
      certs: undefined,
      token: undefined,
      unsigned: "mark",
      file: undefined,
      http: [],
      keepDays: 400,
    },
    limits: {
      connections: 1024,
      pipeline: 128,
      idleTimeout: 120_000,
      ioTimeout: 30_000,
      discoveries: 256,
    },
    shutdownTimeout: 20_000,
    log: { level: "info", format: "text", answers: "changes" },
  });
});

Deno.test("loadConfig() looks for our file first, then for postfix-mta-sts-resolver's", () => {
  const ours = "/etc/mta-sts-resolver.yml";
  const theirs = "/etc/mta-sts-daemon.yml";
  const load = (files: Record<string, string>) =>
    loadConfig({ readTextFile: readFrom(files), env: NO_ENV }).config;
  assertEquals(load({ [ours]: "", [theirs]: "" }).file, ours);
  assertEquals(load({ [theirs]: "cache_grace: 60" }).file, theirs);
  assertEquals(load({ [theirs]: "cache_grace: 60" }).recheck, 60_000);
  assertEquals(load({}).file, undefined);
});

Deno.test("loadConfig() takes a named file and no other", () => {
  const readTextFile = readFrom({ "/etc/mta-sts-resolver.yml": "" });
  const load = () => loadConfig({ file: "/srv/x.yml", readTextFile, env: NO_ENV });
  const error = assertThrows(load, UsageError);
  assertEquals(error.message, "/srv/x.yml: cannot be read: No such file or directory");
  assertInstanceOf(error.cause, Deno.errors.NotFound);
});

Deno.test("loadConfig() does not pass over a file that it may not read", () => {
  const readTextFile = () => {
    throw new Deno.errors.PermissionDenied("Permission denied (os error 13)");
  };
  assertThrows(
    () => loadConfig({ readTextFile, env: NO_ENV }),
    UsageError,
    "/etc/mta-sts-resolver.yml: cannot be read: Permission denied",
  );
});

Deno.test("loadConfig() takes a file without content or values as defaults", () => {
  const { config } = loadText("");
  for (
    const text of [
      "# nothing\n",
      "---\n",
      "null\n",
      "{}",
      "zones:\ndefault_zone:\ndns:\nrecheck:\n",
    ]
  ) {
    assertEquals(loadText(text).config, config);
  }
});

Deno.test("loadConfig() reads files with a BOM and with CRLF", () => {
  assertEquals(loadText("\ufeffrecheck: 60\r\nlog: {level: debug}\r\n").config.recheck, 60_000);
});

Deno.test("loadConfig() reports all mistakes of a file, one a line", () => {
  const text = "rechek: 60\nlog: {level: loud, format: 5}\nlisten: [x, unix:/run/ok.sock, y]\n";
  const { message } = assertThrows(() => loadText(text), UsageError);
  assertEquals(message.split("\n").map((line) => line.replace(/must be .*,/, "…")), [
    "test.yml: rechek: unknown key, did you mean recheck?",
    'test.yml: listen: … found "x"',
    'test.yml: listen: … found "y"',
    'test.yml: log.level: … found "loud"',
    "test.yml: log.format: … found 5",
  ]);
});

Deno.test("loadConfig() names line and column where YAML ends too early", () => {
  const { message } = assertThrows(() => loadText("recheck: 60\nlisten: [\n"), UsageError);
  assertEquals(
    message,
    "test.yml:3:1: Cannot read flow collection: unexpected end of the stream within a flow collection",
  );
});

Deno.test("loadConfig() reports at most 50 mistakes", () => {
  const text = Array.from({ length: 60 }, (_, i) => `xyzzy${i}: 1`).join("\n");
  const lines = assertThrows(() => loadText(text), UsageError).message.split("\n");
  assertEquals(lines.length, 51);
  assertEquals(lines.at(-1), "test.yml: and 10 more");
});

Deno.test("loadConfig() refuses a file above 1 MiB, counted in bytes", () => {
  const comment = (bytes: number) => "#" + "é".repeat((bytes - 2) / 2) + "\n";
  loadText(comment(1024 * 1024));
  assertThrows(() => loadText(comment(1024 * 1024 + 2)), UsageError, "larger than 1 MiB");
});

Deno.test("loadConfig() survives YAML made to exhaust it", () => {
  assertThrows(() => loadText("a: " + "[".repeat(100_000)), UsageError, "nested too deeply");
  let bomb = 'x: &x0 ["lol"]\n';
  for (let i = 1; i < 40; i++) bomb += `x${i}: &x${i} [*x${i - 1}, *x${i - 1}]\n`;
  assertThrows(() => loadText(bomb + "listen: *x39\n"), UsageError, "listen: must be an address");
});

Deno.test("every key of the manual is tried below", () => {
  const keys = describeConfig().filter(({ legacy, type, path }) =>
    !legacy && !path.startsWith("domains.") &&
    (type !== "mapping" || path === "zones" || path === "domains")
  );
  assertEquals(keys.map(({ path }) => path).sort(), Object.keys(OTHER_VALUES).sort());
});

for (const [path, value] of Object.entries(OTHER_VALUES)) {
  Deno.test(`loadConfig() gives ${path} an effect`, () => {
    const { config, notes } = loadText(fileWith(path, value));
    assertEquals(notes.filter((note) => note.path !== "cache.file"), []);
    const changes = changedPaths(config, loadText("").config);
    // A change may show in more than one place: zones that inherit, the mode in each address.
    assertEquals(changes.length > 0, true);
    const last = path.split(".").at(-1)!.replaceAll("_", "").toLowerCase();
    assertStringIncludes(changes.join().toLowerCase(), last);
  });
}

/** Paths of the values in which two configurations differ. */
function changedPaths(one: unknown, other: unknown, path = ""): string[] {
  const isObject = typeof one === "object" && one !== null && typeof other === "object";
  if (!isObject || other === null || one instanceof Map || Array.isArray(one)) {
    return Deno.inspect(one) === Deno.inspect(other) ? [] : [path];
  }
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].flatMap((key) =>
    changedPaths(
      (one as Record<string, unknown>)[key],
      (other as Record<string, unknown>)[key],
      `${path}.${key}`,
    )
  );
}

Deno.test("loadConfig() turns seconds into milliseconds, decimals too", () => {
  const { config } = loadText("default_zone: {timeout: 0.25}\ndns: {timeout: 1.0005}\n");
  assertEquals(config.defaultZone.timeout, 250);
  assertEquals(config.dns.timeout, 1001);
});

Deno.test("loadConfig() takes one address or a list, and gives UNIX sockets their mode", () => {
  const { config } = loadText(`
listen: ["127.0.0.1:8461", "inet:[::1]:0", "inet:localhost:25", "unix:/run/a b.sock"]
http: unix:/run/http.sock
control: unix:/run/control.sock
socket_mode: 0666
`);
  assertEquals(config.listen, [
    { kind: "inet", hostname: "127.0.0.1", port: 8461 },
    { kind: "inet", hostname: "::1", port: 0 },
    { kind: "inet", hostname: "localhost", port: 25 },
    { kind: "unix", path: "/run/a b.sock", mode: 0o666 },
  ]);
  assertEquals(config.http, [{ kind: "unix", path: "/run/http.sock", mode: 0o666 }]);
  assertEquals(config.control, { kind: "unix", path: "/run/control.sock", mode: 0o600 });
});

Deno.test("loadConfig() reads a mode in every spelling of YAML 1.1 and 1.2", () => {
  for (const mode of ["0660", "0o660", '"0660"', "'660'", '"0o660"', "00660", "432"]) {
    assertEquals(loadText(`socket_mode: ${mode}`).config.socketMode, 0o660, mode);
  }
  for (const mode of ["660", "0o60", "01660", "0", "-0660", "0400", "0.5", '" 660"', "o660"]) {
    assertThrows(() => loadText(`socket_mode: ${mode}`), UsageError, "octal mode", mode);
  }
});

Deno.test("loadConfig() reads switches and words in every spelling of YAML 1.1", () => {
  for (const word of ["true", "yes", "on", "Yes", "ON"]) {
    assertEquals(loadText(`default_zone: {tlsrpt: ${word}}`).config.defaultZone.tlsrpt, true);
  }
  for (const word of ["false", "no", "off", "No", "OFF"]) {
    assertEquals(
      loadText(`default_zone: {require_sni: ${word}}`).config.defaultZone.requireSni,
      false,
    );
  }
  for (const word of ["off", "false", '"off"']) {
    assertEquals(loadText(`default_zone: {dane: ${word}}`).config.defaultZone.dane, "off");
  }
});

Deno.test("loadConfig() has zones inherit from default_zone", () => {
  const { config } = loadText(`
default_zone: {strict_testing: true, timeout: 4, dane: off}
zones:
  bare:
  empty: {}
  own: {strict_testing: false, timeout: , tlsrpt: yes}
  toString: {require_sni: no}
`);
  const base = { ...config.defaultZone };
  assertEquals(base.strictTesting && base.timeout === 4_000 && base.dane === "off", true);
  assertEquals(
    config.zones,
    new Map([
      ["bare", { ...base, name: "bare" }],
      ["empty", { ...base, name: "empty" }],
      ["own", { ...base, name: "own", strictTesting: false, tlsrpt: true }],
      ["toString", { ...base, name: "toString", requireSni: false }],
      ["sts", { ...base, name: "sts", matchLimit: 240 }],
    ]),
  );
});

Deno.test("loadConfig() takes merge keys and anchors", () => {
  const { config } = loadText(`
default_zone: &base {strict_testing: true, timeout: 4}
zones:
  relay: {<<: *base, timeout: 5}
`);
  assertEquals(config.zones.get("relay")?.timeout, 5_000);
  assertEquals(config.zones.get("relay")?.strictTesting, true);
});

Deno.test("loadConfig() writes name servers with their port", () => {
  const { config } = loadText(
    'dns: {servers: [127.0.0.1, "192.0.2.1:5353", "::1", "[::1]:54", "[fd00::1]"]}',
  );
  assertEquals(config.dns.servers, [
    "127.0.0.1:53",
    "192.0.2.1:5353",
    "[::1]:53",
    "[::1]:54",
    "[fd00::1]:53",
  ]);
});

Deno.test("loadConfig() knows three kinds of trust roots", () => {
  const ca = (text: string) => loadText(`tls: {ca: ${text}}`).config.https.ca;
  assertEquals(ca("mozilla"), "mozilla");
  assertEquals(ca("system"), "system");
  assertEquals(ca("/etc/ssl/ca.pem"), { file: "/etc/ssl/ca.pem" });
});

Deno.test("loadConfig() finds a place for the cache file", () => {
  const file = (env: Record<string, string>) => loadText("", env).config.cache.file;
  const all = { STATE_DIRECTORY: "/s", XDG_STATE_HOME: "/x", HOME: "/h" };
  assertEquals(file(all), "/s/cache.db");
  assertEquals(file({ ...all, STATE_DIRECTORY: "/s1:/s2" }), "/s1/cache.db");
  assertEquals(file({ ...all, STATE_DIRECTORY: "" }), "/x/mta-sts-resolver/cache.db");
  assertEquals(
    file({ XDG_STATE_HOME: "relative", HOME: "/h" }),
    "/h/.local/state/mta-sts-resolver/cache.db",
  );
  assertEquals(file({ HOME: "" }), undefined);
});

Deno.test("loadConfig() remarks that nothing names a place for the cache file", () => {
  const text = "defaults to memory because none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set";
  assertEquals(loadText("").notes, [{ path: "cache.file", text }]);
  for (const cache of ["memory", "{file: memory}", "{file: /srv/x.db}"]) {
    const { config, notes } = loadText(`cache: ${cache}`);
    assertEquals(notes, []);
    assertEquals(config.cache.file, cache.includes("srv") ? "/srv/x.db" : undefined);
  }
});

Deno.test("loadConfig() remarks that a proxy in the environment is not used", () => {
  const env = { HOME: "/h", HTTPS_PROXY: "http://proxy.example:3128" };
  assertEquals(loadText("", env).notes.map(({ path }) => path), ["https.proxy"]);
  assertEquals(loadText("https: {proxy: socks5://p.example:1080}", env).notes, []);
  assertEquals(loadText("", { ...env, HTTPS_PROXY: "" }).notes, []);
});
