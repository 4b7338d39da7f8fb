import { assertEquals, assertStrictEquals } from "@std/assert";
import { unsafeForSendmail, zoneFor } from "../../src/config/zones.ts";
import { loadText } from "./load_text.ts";

const { config } = loadText(`
default_zone: {timeout: 4}
zones: {postfix: {strict_testing: true}, query: {dane: off}}
`);

Deno.test("zoneFor() takes the zone of exactly that name, else the default zone", () => {
  assertStrictEquals(zoneFor(config, "postfix"), config.zones.get("postfix"));
  for (const name of ["Postfix", "postfix ", "", "other", "toString", "QUERY", "Query"]) {
    assertStrictEquals(zoneFor(config, name), config.defaultZone);
  }
});

Deno.test("zoneFor() knows QUERYwithTLSRPT of postfix-tlspol in any letter case", () => {
  for (const name of ["QUERYwithTLSRPT", "querywithtlsrpt", "QUERYWITHTLSRPT"]) {
    assertStrictEquals(zoneFor(config, name), config.tlsrptZone);
  }
  assertEquals(config.tlsrptZone, { ...config.defaultZone, name: "QUERYwithTLSRPT", tlsrpt: true });
  assertStrictEquals(zoneFor(config, "QUERYwithTLSRPTx"), config.defaultZone);
});

Deno.test("zoneFor() prefers a zone of the operator to the names of postfix-tlspol", () => {
  const own = loadText("zones: {QUERYwithTLSRPT: {tlsrpt: false}}").config;
  assertEquals(zoneFor(own, "QUERYwithTLSRPT").tlsrpt, false);
  assertEquals(zoneFor(own, "querywithtlsrpt").tlsrpt, true);
  assertEquals(zoneFor(config, "query").dane, "off");
});

const SAFE = { dane: "off", tlsrpt: false, requireSni: true, matchLimit: 240 } as const;

Deno.test("the zone sts is there without configuration, and safe for Sendmail", () => {
  for (const text of ["", "default_zone: {dane: require, tlsrpt: yes, require_sni: no}"]) {
    const { config } = loadText(text);
    assertEquals(zoneFor(config, "sts"), { ...config.defaultZone, ...SAFE, name: "sts" });
    assertEquals(unsafeForSendmail(zoneFor(config, "sts")), []);
    assertStrictEquals(zoneFor(config, "STS"), config.defaultZone);
  }
});

Deno.test("the zone sts takes what is not about safety from default_zone", () => {
  const sts = zoneFor(
    loadText("default_zone: {strict_testing: yes, timeout: 4, on_dns_failure: defer}").config,
    "sts",
  );
  assertEquals([sts.strictTesting, sts.timeout, sts.onDnsFailure], [true, 4_000, "defer"]);
});

Deno.test("the operator overrides the zone sts key by key", () => {
  const overrides = [
    ["dane: auto", { dane: "auto" }],
    ["dane: require", { dane: "require" }],
    ["tlsrpt: true", { tlsrpt: true }],
    ["require_sni: false", { requireSni: false }],
    ["match_limit: 256", { matchLimit: 256 }],
  ] as const;
  for (const [text, override] of overrides) {
    const { config } = loadText(`zones: {sts: {${text}}}`);
    const sts = zoneFor(config, "sts");
    assertEquals(sts, { ...config.defaultZone, ...SAFE, ...override, name: "sts" });
    assertEquals(unsafeForSendmail(sts), [text]);
  }
  const harmless = loadText("zones: {sts: {match_limit: 255, timeout: 3, strict_testing: yes}}");
  assertEquals(unsafeForSendmail(zoneFor(harmless.config, "sts")), []);
});

Deno.test("unsafeForSendmail() names every setting of the default zone that is not safe", () => {
  assertEquals(unsafeForSendmail(loadText("").config.defaultZone), [
    "dane: auto",
    "match_limit: null",
  ]);
});
