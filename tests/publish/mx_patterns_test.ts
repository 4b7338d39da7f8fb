import { assert, assertEquals } from "@std/assert";
import { proposePatterns } from "../../src/publish/mx_patterns.ts";
import { matchesMx } from "../../src/sts/mx_pattern.ts";

function patterns(domain: string, ...hosts: string[]): readonly string[] {
  return proposePatterns(domain, hosts).patterns;
}

Deno.test("proposePatterns() names the hosts as they are", () => {
  assertEquals(patterns("a.example", "mx.b.example"), ["mx.b.example"]);
  assertEquals(patterns("a.example", "mx.a.example", "mx.b.example", "mx.a.example"), [
    "mx.a.example",
    "mx.b.example",
  ]);
  assertEquals(patterns("a.example", "a.example"), ["a.example"]);
});

Deno.test("proposePatterns() takes a wildcard where it shortens and only mail hosts live (RFC 8461 §4.1)", () => {
  assertEquals(patterns("a.example", "mx1.mail.a.example", "mx2.mail.a.example"), [
    "*.mail.a.example",
  ]);
  assertEquals(
    patterns("a.example", "aspmx.l.b.example", "alt1.aspmx.l.b.example", "alt2.aspmx.l.b.example"),
    ["aspmx.l.b.example", "*.aspmx.l.b.example"],
  );
  // One host is not made shorter.
  assertEquals(patterns("a.example", "mx1.mail.a.example"), ["mx1.mail.a.example"]);
});

Deno.test("proposePatterns() takes no wildcard that would admit a web site", () => {
  const own = proposePatterns("a.example", ["mx1.a.example", "mx2.a.example"]);
  assertEquals(own.patterns, ["mx1.a.example", "mx2.a.example"]);
  assertEquals(own.remarks, [
    "*.a.example would be shorter, but would accept every host of a.example as an MX host.",
  ]);
  assertEquals(patterns("a.example", "mx1.b.co.example", "mx2.b.co.example").length, 2);
  assertEquals(patterns("x.d.c.b.example", "mx1.d.c.b.example", "mx2.d.c.b.example").length, 2);
});

Deno.test("proposePatterns() covers every host that has a valid name, and tells of others", () => {
  const hosts = ["mx1.m.a.example", "mx2.m.a.example", "x.mx.m.a.example", "mx_3.a.example"];
  const { patterns, remarks } = proposePatterns("a.example", hosts);
  assertEquals(patterns, ["*.m.a.example", "x.mx.m.a.example"]);
  assert(hosts.slice(0, 3).every((host) => patterns.some((pattern) => matchesMx(pattern, host))));
  assertEquals(remarks.length, 2);
  assertEquals(proposePatterns("a.example", ["192.0.2.1"]).patterns, []);
});
