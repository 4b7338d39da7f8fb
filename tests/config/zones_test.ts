import { assertEquals, assertStrictEquals } from "@std/assert";
import { zoneFor } from "../../src/config/zones.ts";
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
