import { assertEquals } from "@std/assert";
import {
  formatServerAddress,
  parseResolvConf,
  parseServerAddress,
  parseUsesTcp,
} from "../../src/dns/resolv_conf.ts";

function labels(text: string): string[] {
  return parseResolvConf(text).map(formatServerAddress);
}

Deno.test("parseResolvConf() takes the nameserver lines in order", () => {
  const text = [
    "# made by hand",
    "; also a comment",
    "search corp.example lan.example",
    "nameserver 192.0.2.1",
    "nameserver\t2001:db8::1   # with a remark",
    "options edns0 trust-ad",
    "nameserver fe80::1%eth0",
    "",
  ].join("\n");
  assertEquals(labels(text), ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%eth0]:53"]);
});

Deno.test("parseResolvConf() passes over what libc passes over", () => {
  const text = [
    "#nameserver 192.0.2.1",
    " nameserver 192.0.2.2",
    "nameservers 192.0.2.3",
    "nameserver",
    "nameserver resolver.example",
    "nameserver 192.0.2",
    "nameserver 192.0.2.256",
    "nameserver 192.0.2.9:53",
    "nameserver 192.0.2.4",
  ].join("\n");
  assertEquals(labels(text), ["192.0.2.4:53"]);
});

Deno.test("parseResolvConf() reads line ends of any system and a last line without one", () => {
  assertEquals(labels("nameserver 192.0.2.1\r\nnameserver 192.0.2.2"), [
    "192.0.2.1:53",
    "192.0.2.2:53",
  ]);
});

Deno.test("parseResolvConf() takes three different resolvers at most, as libc does", () => {
  const text = [1, 1, 2, 3, 4].map((n) => `nameserver 192.0.2.${n}\n`).join("");
  assertEquals(labels(text), ["192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"]);
});

Deno.test("parseResolvConf() falls back on the local resolver, as libc does", () => {
  for (const text of ["", "search example\n", "nameserver ::g\n", "\0\ufeffnameserver 192.0.2.1"]) {
    assertEquals(labels(text), ["127.0.0.1:53"], JSON.stringify(text));
  }
});

Deno.test("parseServerAddress() reads what formatServerAddress() prints", () => {
  for (
    const text of ["192.0.2.1:53", "[2001:db8::1]:5353", "[fe80::1%eth0]:53", "127.0.0.1:65535"]
  ) {
    const address = parseServerAddress(text);
    assertEquals(address && formatServerAddress(address), text);
  }
});

Deno.test("parseServerAddress() refuses everything else", () => {
  const texts = ["", "192.0.2.1", "::1", "[::1]", "::1:53", "192.0.2.1:0", "192.0.2.1:65536"];
  texts.push("192.0.2.1:", "192.0.2.1:53 ", "dns.example:53", "[192.0.2.1]:53", "010.0.0.1:53");
  for (const text of texts) assertEquals(parseServerAddress(text), undefined, text);
});

Deno.test("parseUsesTcp() finds use-vc among the options, and nothing else counts", () => {
  for (
    const text of [
      "options use-vc",
      "nameserver 192.0.2.1\noptions edns0 use-vc trust-ad\r\n",
      "options edns0\noptions\tuse-vc\noptions timeout:1 attempts:2 rotate\n",
    ]
  ) assertEquals(parseUsesTcp(text), true, text);
  for (
    const text of ["", "options edns0 trust-ad", "#options use-vc", "options no-use-vc", "use-vc"]
  ) {
    assertEquals(parseUsesTcp(text), false, text);
  }
});
