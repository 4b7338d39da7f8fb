import { assert, assertEquals } from "@std/assert";
import {
  formatNextHop,
  type KeyReading,
  policyHost,
  policyUrl,
  readKey,
  toALabel,
  toDomainName,
  txtName,
} from "../../src/sts/domain.ts";
import { isDomainName } from "../../src/base/host.ts";
import { createRandom } from "../fakes/random.ts";
import { assertQuick } from "./timing.ts";

const LABEL_63 = "a".repeat(63);
/** A name of exactly 244 octets, the longest with room for `_mta-sts.` in 253. */
const NAME_244 = `${LABEL_63}.${LABEL_63}.${LABEL_63}.${"a".repeat(48)}.com`;

function nextHop(domain: string, port: number | null = 25, bracketed = false): KeyReading {
  return { kind: "next-hop", nextHop: { domain, bracketed, port } };
}

Deno.test("readKey() finds the policy domain in every form of next hop (RFC 8461 §3.4)", () => {
  const table: [string, KeyReading][] = [
    ["example.com", nextHop("example.com")],
    ["a.b.example.com", nextHop("a.b.example.com")],
    ["EXAMPLE.Com", nextHop("example.com")],
    ["example.com.", nextHop("example.com")],
    ["example.com.:587", nextHop("example.com", 587)],
    ["example.com:25", nextHop("example.com")],
    ["example.com:1", nextHop("example.com", 1)],
    ["example.com:65535", nextHop("example.com", 65535)],
    ["example.com:00587", nextHop("example.com", 587)],
    ["example.com:smtp", nextHop("example.com")],
    ["example.com:Submission", nextHop("example.com", 587)],
    ["example.com:submissions", nextHop("example.com", 465)],
    ["example.com:smtps", nextHop("example.com", 465)],
    ["example.com:lmtp", nextHop("example.com", 24)],
    ["example.com:mail", nextHop("example.com")],
    ["example.com:SSMTP", nextHop("example.com", 465)],
    ["example.com:http", nextHop("example.com", null)],
    ["example.com:constructor", nextHop("example.com", null)],
    ["example.com:x-25", nextHop("example.com", null)],
    ["[mx.example.com]", nextHop("mx.example.com", 25, true)],
    ["[mx.example.com.]", nextHop("mx.example.com", 25, true)],
    ["[MX.example.com]:25", nextHop("mx.example.com", 25, true)],
    ["[mx.example.com]:submission", nextHop("mx.example.com", 587, true)],
    ["1.example.com", nextHop("1.example.com")],
    ["0x7f.example.com", nextHop("0x7f.example.com")],
    ["ab--cd.com", nextHop("ab--cd.com")],
    // Names with an underscore: Postfix delivers to them.
    ["a_b.com", nextHop("a_b.com")],
    ["_A_.Example.com", nextHop("_a_.example.com")],
    ["[mx_1.example.com]:587", nextHop("mx_1.example.com", 587, true)],
    [`${LABEL_63}.com`, nextHop(`${LABEL_63}.com`)],
    [NAME_244, nextHop(NAME_244)],
  ];
  for (const [key, expected] of table) assertEquals(readKey(key), expected, key);
});

Deno.test("readKey() converts U-labels as UTS-46 has it", () => {
  const table: [string, string][] = [
    ["bücher.test", "xn--bcher-kva.test"],
    ["BÜCHER.test", "xn--bcher-kva.test"],
    ["bu\u0308cher.test", "xn--bcher-kva.test"],
    ["XN--Bcher-KVA.TEST", "xn--bcher-kva.test"],
    ["faß.de", "xn--fa-hia.de"],
    ["例え。テスト", "xn--r8jz45g.xn--zckzah"],
    ["example．com", "example.com"],
    ["example.com。", "example.com"],
    ["مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"],
    // Characters UTS-46 drops: Postfix drops them too before it looks for the MX.
    ["ex\u00adample.com", "example.com"],
    ["bü_cher.test", "xn--b_cher-3ya.test"],
  ];
  for (const [key, domain] of table) {
    assertEquals(readKey(key), nextHop(domain), key);
    assertEquals(readKey(`[${key}]:587`), nextHop(domain, 587, true), key);
  }
});

Deno.test("readKey() knows addresses, which have no policy (RFC 8461 §3.4)", () => {
  const keys = [
    "[192.0.2.1]",
    "[192.0.2.1]:25",
    "192.0.2.1",
    "192.0.2.1.",
    "192.0.2.1:25",
    "[IPv6:2001:db8::1]",
    "[ipv6:::1]:25",
    "[::1]",
    "[::1]:25",
    "::1",
    "::",
    "2001:db8::1",
    "2001:DB8::192.0.2.1",
    "1",
    "127.1",
    "0x7f.1",
    "0X7F000001",
    "127.0.0.0x1",
    "１２７.0.0.1",
    "127。0。0。1",
  ];
  for (const key of keys) assertEquals(readKey(key), { kind: "address" }, key);
});

Deno.test("readKey() recognizes the keys of Postfix's walk to the parents (RFC 8461 §3.4)", () => {
  for (const key of [".example.com", ".com", ".example.com.", ".bücher.test", "."]) {
    assertEquals(readKey(key), { kind: "parent" }, key);
  }
});

Deno.test("readKey() refuses what can have no policy, with a constant reason", () => {
  const table: [string, string][] = [
    ["", "empty name"],
    ["[]", "empty name"],
    ["[]:25", "empty name"],
    [":25", "empty name"],
    ["localhost", "single label"],
    ["localhost.", "single label"],
    ["[relay]:587", "single label"],
    ["a..b", "not a host name"],
    ["example.com..", "not a host name"],
    ["example.com.。", "not a host name"],
    ["[.example.com]", "not a host name"],
    ["a.\u00ad.com", "not a host name"],
    [`${LABEL_63}a.com`, "not a host name"],
    [`${"ü".repeat(60)}.com`, "not a host name"],
    [`${NAME_244}.aaaaaaaaa`, "not a host name"],
    [`a${NAME_244.slice(2)}.com`, "name too long"],
    ["a.".repeat(499) + "com", "name too long"],
    ["-a.com", "not a host name"],
    ["a-.com", "not a host name"],
    ["a_b.123", "not a host name"],
    ["a_-.com", "not a host name"],
    ["*.com", "not a host name"],
    ["user@example.com", "not a host name"],
    ["example.com/x", "not a host name"],
    ["example.com?", "not a host name"],
    ["example.com#", "not a host name"],
    ["ex%61mple.com", "not a host name"],
    ["％65xample.com", "not a host name"],
    ["a\\b.com", "not a host name"],
    ["exa mple.com", "not a host name"],
    [" example.com", "not a host name"],
    ["example.com ", "not a host name"],
    ["exa\tmple.com", "not a host name"],
    ["example.com\n", "not a host name"],
    ["example.com\0", "not a host name"],
    ["example.com\x7f", "not a host name"],
    ["example\u0085.com", "not a host name"],
    ["example\u00a0.com", "not a host name"],
    ["example\u2028.com", "not a host name"],
    ["\ud800.com", "not a host name"],
    ["a.\udc00", "not a host name"],
    ["xn--a.com", "not a host name"],
    ["xn--bücher.com", "not a host name"],
    ["192.0.2.256", "not a host name"],
    ["1.2.3.4.5", "not a host name"],
    ["example.123", "not a host name"],
    ["example.0x1", "not a host name"],
    ["[example.com", "malformed next hop"],
    ["example.com]", "malformed next hop"],
    ["[[example.com]]", "malformed next hop"],
    ["[example.com]25", "malformed next hop"],
    ["[example.com]:25:25", "malformed next hop"],
    ["example.com:25:25", "malformed next hop"],
    ["1:2:3", "malformed next hop"],
    ["fe80::1%eth0", "malformed next hop"],
    ["[example.com:25]", "malformed address"],
    ["[IPv6:example.com]", "malformed address"],
    ["[x-tag:content]", "malformed address"],
    ["example.com:", "malformed port"],
    ["[example.com]:", "malformed port"],
    ["example.com:0", "malformed port"],
    ["example.com:65536", "malformed port"],
    ["example.com:99999999999999999999", "malformed port"],
    [`example.com:${"a".repeat(33)}`, "malformed port"],
    ["example.com:a.b", "malformed port"],
    ["example.com:-25", "malformed port"],
    ["example.com:25 ", "malformed port"],
    ["example.com:２５", "malformed port"],
    ["example.com:smtp\n", "malformed port"],
  ];
  for (const [key, reason] of table) {
    assertEquals(readKey(key), { kind: "invalid", reason }, JSON.stringify(key));
  }
});

Deno.test("readKey() never throws and lets only clean domains through, whatever it is given", () => {
  const random = createRandom(8461);
  const seeds = [
    "example.com",
    "[mx.example.com]:587",
    "bücher.test:25",
    "[IPv6:::1]",
    "127.0.0.1",
  ];
  const alphabet = "az09AZ-._:[]%/@\\ \t\0\x7f\u00ad\u200d\u212aé\u0301\u05d0\u0661。％\ud800";
  const seen = new Set<string>();
  for (let round = 0; round < 6000; round++) {
    const key = round % 3 === 0
      ? random.string(random.int(20), alphabet)
      : round % 3 === 1
      ? random.string(random.int(12))
      : random.mutate(random.pick(seeds), alphabet);
    const reading = readKey(key);
    seen.add(reading.kind);
    if (reading.kind !== "next-hop") continue;
    const { domain } = reading.nextHop;
    assert(isDomainName(domain) && /^[a-z0-9_.-]+\.[a-z0-9_-]+$/.test(domain), JSON.stringify(key));
    assertEquals(new URL(`https://${policyHost(domain)}/`).hostname, policyHost(domain));
    if (reading.nextHop.port !== null) {
      assertEquals(readKey(formatNextHop(reading.nextHop)), reading, JSON.stringify(key));
    }
  }
  assertEquals([...seen].sort(), ["address", "invalid", "next-hop", "parent"]);
});

Deno.test("readKey() takes little time for long hostile keys", () => {
  const keys = [
    "a".repeat(10_000),
    "ü".repeat(10_000),
    "ü".repeat(1000),
    "ü.".repeat(500),
    "[".repeat(10_000),
    ":".repeat(1000),
    "a-".repeat(500),
    "1.".repeat(500),
    "example.com:" + "a-".repeat(494),
  ];
  for (const key of keys) {
    assertEquals(readKey(key).kind, "invalid");
    assertQuick(() => readKey(key), key.slice(0, 20));
  }
});

Deno.test("formatNextHop() prints what Postfix asked with, without the default port", () => {
  const print = (domain: string, port: number | null, bracketed: boolean) =>
    formatNextHop({ domain, port, bracketed });
  assertEquals(print("example.com", 25, false), "example.com");
  assertEquals(print("example.com", 587, false), "example.com:587");
  assertEquals(print("example.com", null, false), "example.com:?");
  assertEquals(print("mx.example.com", 25, true), "[mx.example.com]");
  assertEquals(print("mx.example.com", 587, true), "[mx.example.com]:587");
});

Deno.test("policyHost() and txtName() name the two places of a policy (RFC 8461 §3.1, §3.3)", () => {
  assertEquals(policyHost("example.com"), "mta-sts.example.com");
  assertEquals(policyUrl("example.com"), "https://mta-sts.example.com/.well-known/mta-sts.txt");
  assertEquals(txtName("example.com"), "_mta-sts.example.com");
});

Deno.test("toDomainName() lets an underscore pass", () => {
  assertEquals(toDomainName("A_b.Bücher.example."), "a_b.xn--bcher-kva.example");
});

Deno.test("toALabel() reads names as people type them", () => {
  assertEquals(toALabel("Example.COM."), "example.com");
  assertEquals(toALabel("Bücher.example"), "xn--bcher-kva.example");
  assertEquals(toALabel("localhost"), "localhost");
  const bad = [
    "",
    ".",
    " example.com",
    "example.com:25",
    "[example.com]",
    "127.0.0.1",
    "::1",
    "a_b",
  ];
  for (const name of [...bad, "a..b", "ü".repeat(2000)]) assertEquals(toALabel(name), undefined);
});
