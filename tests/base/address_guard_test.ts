import { assertEquals, assertThrows } from "@std/assert";
import { createAddressGuard } from "../../src/base/address_guard.ts";

/** First and last address of each range where that says more than one from the middle. */
const REFUSED: Record<string, readonly string[]> = {
  "unspecified": ["0.0.0.0", "0.255.255.255", "::"],
  "loopback": ["127.0.0.1", "127.255.255.255", "::1"],
  "private": [
    ...["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255"],
    ...["192.168.0.0", "192.168.255.255"],
  ],
  "link-local": ["169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1", "febf::1"],
  "carrier-grade-nat": ["100.64.0.0", "100.127.255.255"],
  "multicast": ["224.0.0.0", "239.255.255.255", "ff02::1", "ff0e::1"],
  "broadcast": ["255.255.255.255"],
  "reserved": [
    // Protocol assignments, documentation, benchmarking, former 6to4 relay, class E.
    ...["192.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.0", "198.19.255.255"],
    ...["192.88.99.1", "240.0.0.0", "255.255.255.254"],
    // Protocol assignments, documentation.
    ...["2001:100::1", "2001:db8::1", "3fff::1"],
    // IPv4-compatible, and what IANA has not given out.
    ...["::a00:1", "::2", "100:1::1", "1fff::1", "4000::1", "e000::1"],
  ],
  "as112": ["192.175.48.1", "192.31.196.1"],
  "amt": ["192.52.193.1", "2001:3::1"],
  "unique-local": ["fc00::1", "fd12:3456::1"],
  "deprecated-site-local": ["fec0::1"],
  "discard": ["100::1"],
  // ipaddr.js takes an IPv4-compatible address with dots for a mapped one.
  "ipv4-mapped": ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:a00:1", "::127.0.0.1", "::8.8.8.8"],
  "ipv4-translated": ["::ffff:0:8.8.8.8"],
  "teredo": ["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
  "benchmarking": ["2001:2::1"],
  "as112v6": ["2001:4:112::1", "2620:4f:8000::1"],
  "deprecated-orchid": ["2001:10::1"],
  "orchid2": ["2001:20::1"],
  "drone-remote-id-protocol-entity-tags": ["2001:30::1"],
  "segment-routing": ["5f00::1"],
  "nat64": ["64:ff9b:1::8.8.8.8"],
  "nat64 of private": ["64:ff9b::10.0.0.1", "64:ff9b::c0a8:1"],
  "nat64 of loopback": ["64:ff9b::7f00:1"],
  "nat64 of link-local": ["64:ff9b::169.254.169.254"],
  "6to4 of private": ["2002:a00:1::1", "2002:c0a8:101::"],
  "6to4 of loopback": ["2002:7f00:1::"],
  "not an address": [
    ...["", " ", "localhost", "x.test", "127.1", "010.0.0.1", "0x7f.0.0.1", "2130706433", "1.2.3"],
    ...["1.2.3.4.5", "256.1.1.1", "8.8.8.8 ", "8.8.8.8\n", "8.8.8.8:53", "[2606:4700::1]"],
    ...["2606:4700::1%eth0", "fe80::1%1", "1::2::3", "12345::1", "::g", "8.8.8.8/32"],
  ],
};

const ACCEPTED = [
  ...["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"],
  ...["126.255.255.255", "128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0"],
  ...["192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255"],
  ...["2001:4860:4860::8888", "2606:4700::1", "2A00:1450::1", "2001:200::1", "2620:fe::fe"],
  // What DNS64 makes of a public address, and 6to4 of one.
  ...["64:ff9b::8.8.8.8", "64:ff9b::101:101", "2002:808:808::1"],
];

Deno.test("createAddressGuard() names the range of an address outside the public Internet", () => {
  const guard = createAddressGuard([]);
  for (const [range, addresses] of Object.entries(REFUSED)) {
    for (const address of addresses) assertEquals([address, guard(address)], [address, range]);
  }
});

Deno.test("createAddressGuard() accepts public addresses", () => {
  const guard = createAddressGuard([]);
  for (const address of ACCEPTED) assertEquals([address, guard(address)], [address, undefined]);
});

Deno.test("createAddressGuard() accepts the ranges it is told to, and no others", () => {
  const guard = createAddressGuard(["10.1.0.0/16", "127.0.0.1/32", "fd00:1::/32"]);
  for (const address of ["10.1.0.0", "10.1.255.255", "127.0.0.1", "fd00:1:2::3"]) {
    assertEquals([address, guard(address)], [address, undefined]);
  }
  // An allowed IPv4 address is also allowed at the end of a NAT64.
  assertEquals(guard("64:ff9b::10.1.0.1"), undefined);
  assertEquals(guard("10.2.0.1"), "private");
  assertEquals(guard("127.0.0.2"), "loopback");
  assertEquals(guard("fd00:2::1"), "unique-local");
  assertEquals(guard("::ffff:10.1.0.1"), "ipv4-mapped");
  assertEquals(guard("64:ff9b::10.2.0.1"), "nat64 of private");
  assertEquals(createAddressGuard(["0.0.0.0/0", "::/0"])("::ffff:10.1.0.1"), undefined);
});

Deno.test("createAddressGuard() takes whole addresses with a prefix length for a range, and names others", () => {
  const good = ["10.0.0.0/8", "0.0.0.0/0", "192.168.1.1/32", "fd00::/8", "::1/128", "::/0"];
  createAddressGuard(good);
  for (
    const text of [
      ...[
        "",
        "/",
        "/8",
        "10.0.0.0",
        "10/8",
        "10.0/16",
        "010.0.0.0/8",
        "10.0.0.0/33",
        "10.0.0.0/-1",
      ],
      ...[
        "10.0.0.0/8 ",
        "10.0.0.0/8/8",
        "10.0.0.0/x",
        "10.0.0.0/255.0.0.0",
        "fd00::",
        "fd00::/129",
      ],
      ...["fe80::1%eth0/64", "[fd00::]/8", "x.test/8"],
    ]
  ) {
    const error = assertThrows(() => createAddressGuard([...good, text]), RangeError);
    assertEquals(error.message, `Address range is not in CIDR notation: "${text}"`);
  }
});
