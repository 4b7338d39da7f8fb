import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { convertConfig } from "../../src/config/convert.ts";
import type { Config } from "../../src/config/types.ts";
import { UsageError } from "../../src/config/usage_error.ts";
import { loadText } from "./load_text.ts";

const LEGACY = new URL("legacy/", import.meta.url);
const TLSPOL = new URL("tlspol/", import.meta.url);
const ENV = { STATE_DIRECTORY: "/var/lib/mta-sts-resolver" };

/** Remarks of a converted file, its heading left out; each stands on one line here. */
function remarks(converted: string): string[] {
  const [comments] = converted.split("\n\n");
  return comments!.split("\n#\n").slice(1)
    .map((remark) => remark.replaceAll("\n# ", " ").replace(/^# |\n$/g, ""));
}

function convertAndLoad(text: string): Config {
  return loadText(convertConfig(text, "test.yml"), ENV).config;
}

for (const { name } of Deno.readDirSync(LEGACY)) {
  const text = Deno.readTextFileSync(new URL(name, LEGACY));
  // Nothing in it tells whose it is.
  if (name === "empty.yml") continue;

  Deno.test(`convertConfig() keeps what legacy/${name} means, and its remarks`, () => {
    const legacy = loadText(text, ENV);
    const converted = convertConfig(text, name);
    const again = loadText(converted, ENV);
    assertEquals(again.config, legacy.config);
    // What is to be done stays to be done.
    const undone = legacy.notes.filter(({ path }) => path.startsWith("cache.shared."));
    assertEquals(again.notes, undone);
    const notes = legacy.notes.map(({ path, text }) => `${path}: ${text}`);
    assertEquals(remarks(converted).slice(0, notes.length), notes);
  });
}

Deno.test("convertConfig() writes only what is not at its default", () => {
  assertEquals(
    convertConfig("host: 127.0.0.1\ncache_grace: 60\n", "/etc/mta-sts-daemon.yml"),
    `# From /etc/mta-sts-daemon.yml of postfix-mta-sts-resolver. Keys not listed here
# are at their defaults, see \`mta-sts-resolver config show\`.

# How long a policy is used before its TXT record is checked again. The check
# runs in the background, and the policy stays in use meanwhile. With more than
# one day, a changed policy would be noticed too late.
# Allowed: a number of seconds from 1 to 86400. Default: 300.
recheck: 60
`,
  );
  const defaults = convertConfig("host: 127.0.0.1", "f");
  assertEquals(loadText(defaults, ENV), loadText("", ENV));
  assertEquals(defaults.split("\n").every((line) => /^(?:# .*)?$/.test(line)), true);
});

Deno.test("convertConfig() keeps a cache in memory and zones of any name", () => {
  const text = `
cache: memory
default_zone: {strict_testing: yes}
zones: {"a#b": {strict_testing: no}, "null": {}}
`;
  assertEquals(convertAndLoad(text), loadText(text, ENV).config);
});

Deno.test("convertConfig() keeps the address of postfix-tlspol when it is not named", () => {
  const listen = [{ kind: "inet", hostname: "127.0.0.1", port: 8642 }] as const;
  for (
    const text of [
      "server:\n",
      "server:\n  address:\n",
      "dns: {address: }\n",
      "server: {address: ''}\n",
    ]
  ) {
    assertEquals(convertAndLoad(text), { ...loadText("", ENV).config, listen });
  }
  const text = Deno.readTextFileSync(new URL("default.yaml", TLSPOL));
  assertEquals(convertAndLoad(text), { ...loadText("", ENV).config, listen });
  assertEquals(remarks(convertConfig(text, "f")), [
    "server.cache-file: is not read: policies are kept in our own cache file",
  ]);
});

Deno.test("convertConfig() converts every key of postfix-tlspol", () => {
  const converted = convertConfig(
    Deno.readTextFileSync(new URL("everything.yaml", TLSPOL)),
    "everything.yaml",
  );
  const defaults = loadText("", ENV).config;
  const defaultZone = { ...defaults.defaultZone, tlsrpt: true };
  assertEquals(loadText(converted, ENV), {
    config: {
      ...defaults,
      listen: [{ kind: "unix", path: "/run/postfix-tlspol/tlspol.sock", mode: 0o600 }],
      socketMode: 0o600,
      http: [{ kind: "inet", hostname: "::1", port: 9642 }],
      defaultZone,
      tlsrptZone: { ...defaultZone, name: "QUERYwithTLSRPT" },
      // Attributes that Postfix wants are not for Sendmail.
      zones: defaults.zones,
      dns: { ...defaults.dns, servers: ["127.0.0.53:53"] },
      log: { ...defaults.log, level: "debug", format: "json" },
    },
    notes: [],
  });
  assertEquals(remarks(converted), [
    "redis: is not a key of postfix-tlspol and is left out",
    "server.namespaces: is not a key of postfix-tlspol and is left out",
    "server.cache-file: is not read: policies are kept in our own cache file",
    "server.prefetch: has no effect: policies in use are always refreshed before they expire",
    "/run/postfix-tlspol/tlspol.sock: the systemd unit may create sockets only in /run/mta-sts-resolver/ unless you change it",
  ]);
});

Deno.test("convertConfig() takes addresses as postfix-tlspol does", () => {
  const listenOf = (address: string) => convertAndLoad(`server: {address: "${address}"}`).listen[0];
  assertEquals(listenOf(":8642"), { kind: "inet", hostname: "::", port: 8642 });
  assertEquals(listenOf("[::1]:1"), { kind: "inet", hostname: "::1", port: 1 });
  assertEquals(listenOf("localhost:2"), { kind: "inet", hostname: "localhost", port: 2 });
  assertEquals(listenOf("unix:/run/a"), { kind: "unix", path: "/run/a", mode: 0o666 });
});

Deno.test("convertConfig() tells what the systemd unit does not allow", () => {
  const unix = convertConfig("path: /var/spool/postfix/sts", "f");
  assertStringIncludes(
    unix,
    "# /var/spool/postfix/sts: the systemd unit may create sockets only in",
  );
  const inside = "path: /run/mta-sts-resolver/postfix.sock";
  assertEquals(remarks(convertConfig(inside, "f")), []);
});

Deno.test("convertConfig() lets nothing out of a comment", () => {
  const text = 'cache: {type: internal, options: {"x\\nlisten: y": 1}}';
  const evil = convertConfig(text, "f\u2028\nlisten: z");
  assertEquals(loadText(evil, ENV), { config: loadText(text, ENV).config, notes: [] });
  assertStringIncludes(evil, "# cache.options.x?listen: y: has no effect");
});

Deno.test("convertConfig() names mistakes in one line each", () => {
  const cases = {
    "":
      "f: has no key of postfix-mta-sts-resolver, postfix-tlspol or tlsrpt-reporter: nothing to convert",
    "hosts: a":
      "f: has no key of postfix-mta-sts-resolver, postfix-tlspol or tlsrpt-reporter: nothing to convert",
    "- a": "f: must be a mapping of keys to values, found a list",
    "host: {":
      "f:2:1: Cannot read flow collection: unexpected end of the stream within a flow collection",
    "server: {address: nowhere}":
      'f: server.address: must be an address such as "inet:127.0.0.1:8461" or "unix:/run/postfix.sock", found "nowhere"',
    "dns: {address: resolver.example}":
      'f: dns.address: must be an address with its port, found "resolver.example"',
    "server: {log-level: loud}":
      'f: server.log-level: must be one of debug, info, warn, error, found "loud"',
    "port: high\nreuse_port: 3":
      'f: port: must be a whole number from 0 to 65535, found "high"\nf: reuse_port: must be true or false, found 3',
  };
  for (const [text, message] of Object.entries(cases)) {
    assertEquals(assertThrows(() => convertConfig(text, "f"), UsageError).message, message);
  }
});
