import { assert, assertEquals, assertMatch } from "@std/assert";
import { describeConfig } from "../../src/config/describe.ts";
import { formatConfig } from "../../src/config/show.ts";
import type { Config } from "../../src/config/types.ts";
import { loadText } from "./load_text.ts";

/** Every key with a value other than its default, and names that YAML could misread. */
const EVERYTHING = `
listen: ["inet:[::1]:10461", "inet:mail.example:8461", "unix:/run/a #b.sock"]
socket_mode: 0606
control: unix:/run/control.sock
http: ["127.0.0.1:8462", "unix:/run/http.sock"]
default_zone: {strict_testing: yes, timeout: 2.5, require_sni: no, tlsrpt: yes, dane: off, on_dns_failure: defer, match_limit: 300}
zones:
  "true": {dane: require}
  "null": {timeout: 0.125}
  "8461": {tlsrpt: no}
  "0x10": {}
  "~": {}
  "off": {}
  "{a}#": {}
  QUERY: {dane: auto}
  sts: {dane: require, match_limit: 1000}
  grün: {}
cache: {file: "/srv/it's.db", memory_entries: 100, allow_unsafe_directory: true}
recheck: 1
negative_ttl: 0.001e+4
refresh: {interval: 43200, forget_after: 86400, concurrency: 11}
dns: {servers: ["127.0.0.1", "::1"], timeout: 0.5, dnssec_probe: "ns:org."}
tls: {ca: /etc/ssl/ca.pem}
https: {timeout: 21, concurrency: 51, per_address: 9, proxy: "http://u:p@proxy.example:3128"}
allow_private: ["10.0.0.0/8", "fd00::/8"]
limits: {connections: 1000, pipeline: 100, idle_timeout: 100.5, io_timeout: 31, discoveries: 257}
shutdown_timeout: 0
log: {level: debug, format: json, answers: none}
domains:
  bank.example:
    {policy: enforce, mx: [mx1.bank.example, "*.mail.bank.example"], until: 2026-12-31, reason: "a #1: 'b'"}
  "*.bücher.example": {dane: off, until: 2027-02-28T18:00:30+01:00, reason: ticket 4711}
`;

/** Reads what was shown. */
function reread(config: Config): Config {
  return loadText(formatConfig(config)).config;
}

Deno.test("formatConfig() writes what loadConfig() reads back", () => {
  for (const text of [EVERYTHING, "", "cache: memory", "tls: {ca: mozilla}"]) {
    const { config } = loadText(text, { HOME: "/home of mail" });
    assertEquals(reread(config), config);
  }
});

Deno.test("formatConfig() writes what it writes again", () => {
  const text = formatConfig(loadText(EVERYTHING).config);
  assertEquals(formatConfig(loadText(text).config), text);
});

Deno.test("formatConfig() has each key once, under its description", () => {
  const text = formatConfig(loadText("", { HOME: "/h" }).config);
  // The keys of the zone that is always there are those of default_zone again.
  const lines = text.replace(/^ {2}sts:\n(?: {4}.*\n)+/m, "").split("\n");
  const keys = describeConfig()
    .filter(({ legacy, path }) => !legacy && !path.startsWith("domains."));
  const shown = lines.filter((line) => /^ *[a-z_]+:/.test(line));
  assertEquals(
    shown.map((line) => /([a-z_]+):/.exec(line)![1]),
    keys.map(({ path }) => path.split(".").at(-1)),
  );
  for (const [index, line] of lines.entries()) {
    if (shown.includes(line)) assert(lines[index - 1]!.includes("# "), line);
  }
});

Deno.test("formatConfig() is readable", () => {
  const text = formatConfig(loadText("", { HOME: "/h" }).config);
  assert(text.split("\n").every((line) => line.length <= 82 && !line.endsWith(" ")));
  assertEquals(
    /^# How long to remember.*?^$/ms.exec(text)![0],
    `# How long to remember that a domain has no policy. With more than one day, a
# new policy would be noticed too late.
# Allowed: a number of seconds from 1 to 86400. Default: 300.
negative_ttl: 300
`,
  );
});

Deno.test("formatConfig() shows the zone of Sendmail, and why it is there", () => {
  const text = formatConfig(loadText("default_zone: {tlsrpt: yes}").config);
  const zones = /(?:^#.*\n)+^zones:\n(?: .*\n)+/m.exec(text)![0].replaceAll("\n# ", " ");
  assertMatch(zones, /The zone `sts`, for Sendmail, is built in, with `dane: off`/);
  assertMatch(zones, /^ {2}sts:\n(?: {4}.*\n)* {4}tlsrpt: false\n {4}dane: "off"\n/m);
  assertMatch(zones, /^ {4}match_limit: 240$/m);
});

Deno.test("formatConfig() leaves out of the zone of Sendmail what is built in, and nothing else", () => {
  const defaults = loadText("", { HOME: "/h" }).config;
  const shown = (text: string) => {
    const { config } = loadText(text, { HOME: "/h" });
    const changes = formatConfig(config, defaults);
    assertEquals(loadText(changes, { HOME: "/h" }).config, config);
    return changes.split("\n").filter((line) => /^ *[a-z_]+:/.test(line));
  };
  assertEquals(shown("zones: {sts: {dane: off}}"), []);
  assertEquals(shown("zones: {sts: {dane: auto}}"), ["zones:", "  sts:", "    dane: auto"]);
  // The same as without configuration, but not the same as the default zone of this one.
  assertEquals(shown("default_zone: {timeout: 5}\nzones: {sts: {timeout: 10}}"), [
    "default_zone:",
    "  timeout: 5",
    "zones:",
    "  sts:",
    "    timeout: 10",
  ]);
});
