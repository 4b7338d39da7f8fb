import { assert } from "@std/assert";
import { isCidr, isDomainName, isHostname, isIpv4, isIpv6 } from "../../src/base/host.ts";
import ipaddr from "ipaddr.js";
import { createRandom } from "../fakes/random.ts";

const LABEL_63 = "a".repeat(63);
const NAME_244 = `${LABEL_63}.${LABEL_63}.${LABEL_63}.${"a".repeat(48)}.com`;

Deno.test("isHostname() takes letters, digits and inner hyphens only", () => {
  const good = ["a", "A.b", "a-b.c", "1.com", "a.b1", "xn--p1ai", "0x1.com", "a.0xg", LABEL_63];
  for (const name of [...good, `${NAME_244}.aaaaaaaa`]) assert(isHostname(name), name);
  const bad = ["", ".", "a.", ".a", "a..b", "-a", "a-", "a.-", "a_b", "*.a", "a b", "é.com"];
  const numeric = ["1", "127.0.0.1", "a.1", "a.0x1f", "a.0x"];
  const hostile = ["a\n", "\u212a.com", "a\0", "a:b", `${LABEL_63}a`, `${NAME_244}.aaaaaaaaa`];
  for (const name of [...bad, ...numeric, ...hostile]) assert(!isHostname(name), name);
});

Deno.test("isDomainName() takes an underscore for a letter, as Postfix does, and is else as strict", () => {
  for (const name of ["a_b.com", "_a_.b_c", "__", "a.b"]) assert(isDomainName(name), name);
  const bad = [
    "",
    ".",
    "a_b.",
    "a_..b",
    "-a_b",
    "a_b-",
    "*.a_b",
    "a_b.1",
    "a_b c",
    "é_.com",
    "\u212a_.com",
  ];
  for (const name of [...bad, `${LABEL_63}_`]) assert(!isDomainName(name), name);
});

Deno.test("isCidr() takes address ranges of both families", () => {
  for (const text of ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "fd00::/8", "::/0", "::1/128"]) {
    assert(isCidr(text), text);
  }
  for (
    const text of [
      "",
      "10.0.0.0",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0.0/08",
      "10.0.0.0/-1",
      "10.0.0/8",
      "10/8",
      "fd00::/129",
      "fd00::1%x/64",
      "[fd00::]/8",
      "example.org/8",
      "10.0.0.0/8/8",
      " 10.0.0.0/8",
    ]
  ) {
    assert(!isCidr(text), text);
  }
});

Deno.test("isIpv4() takes four decimal numbers, isIpv6() no brackets and no zone", () => {
  for (const text of ["0.0.0.0", "192.0.2.1", "255.255.255.255"]) assert(isIpv4(text), text);
  const short = [
    "127.1",
    "1.2.3",
    "0x7f.0.0.1",
    "127.0.0.01",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.4.",
    "",
  ];
  for (const text of [...short, " 1.2.3.4", "1.2.3.4\n", "::1"]) assert(!isIpv4(text), text);
  const good = [
    "::",
    "::1",
    "2001:DB8::1",
    "1:2:3:4:5:6:7:8",
    "::ffff:192.0.2.1",
    "1:2:3:4:5:6:1.2.3.4",
  ];
  for (const text of good) assert(isIpv6(text), text);
  const bad = [
    "",
    ":",
    ":::",
    "1::2::3",
    "1:2:3",
    "12345::",
    "::1%eth0",
    "[::1]",
    "::1]/x[::1",
    "::ffff:192.0.2.01",
  ];
  for (const text of [...bad, "1.2.3.4"]) assert(!isIpv6(text), text);
});

Deno.test("isIpv4(), isIpv6() and isCidr() take only what ipaddr.js reads too (property)", () => {
  const random = createRandom(8461);
  const seeds = [
    "::1",
    "fd00::/8",
    "10.0.0.0/8",
    "2001:db8::1.2.3.4",
    "1.2.3.4",
    "1:2:3:4:5:6:7::",
  ];
  for (let round = 0; round < 20_000; round++) {
    const text = random.mutate(random.pick(seeds), "0123456789abcdefF:::...%/x");
    if (isIpv4(text)) assert(ipaddr.IPv4.isValidFourPartDecimal(text), text);
    if (isIpv6(text)) assert(ipaddr.IPv6.isValid(text), text);
    if (isCidr(text)) ipaddr.parseCIDR(text);
  }
});
