import { assertEquals } from "@std/assert";
import { assessMx, isUsableTlsa } from "../../src/resolver/dane.ts";
import type { TlsaRecord } from "../../src/dns/types.ts";
import type { NextHop } from "../../src/sts/domain.ts";
import { createFakeDns } from "../fakes/fake_dns.ts";
import type { FakeReply } from "../fakes/fake_dns.ts";

const NOW = Date.UTC(2026, 0, 1);
const EXAMPLE: NextHop = { domain: "example.com", bracketed: false, port: 25 };

function tlsa(usage = 3, selector = 1, matchingType = 1, length = 32): TlsaRecord {
  return { usage, selector, matchingType, data: new Uint8Array(length) };
}

function mx(...exchanges: string[]) {
  return exchanges.map((exchange, index) => ({ preference: 10 * (index + 1), exchange }));
}

const secure = (...records: (string | TlsaRecord | ReturnType<typeof mx>[number])[]) => ({
  records,
  secure: true,
});
const secureNodata = { kind: "nodata", secure: true, ttl: 300 } as const;

/** One signed MX host with an address, to which the cases add or from which they take. */
const SIGNED: Record<string, FakeReply> = {
  "MX example.com": secure(...mx("mx.example.com")),
  "A mx.example.com": secure("192.0.2.1"),
  "AAAA mx.example.com": secureNodata,
};

async function assess(table: Record<string, FakeReply>, nextHop = EXAMPLE, dane = true) {
  const dns = createFakeDns(table);
  const result = await assessMx(nextHop, { lookup: dns.lookup, dane, now: NOW });
  const word = result.kind === "known" ? result.view.dane : result.reason;
  return { result, word, hosts: result.kind === "known" ? result.view.hosts : undefined, dns };
}

/** Cases for `example.com`: additions to SIGNED, and the verdict or the failure. */
const CASES: readonly [string, Record<string, FakeReply>, string][] = [
  ["a usable record", { "TLSA _25._tcp.mx.example.com": secure(tlsa()) }, "usable"],
  ["3 1 0, a whole key", { "TLSA _25._tcp.mx.example.com": secure(tlsa(3, 1, 0, 91)) }, "usable"],
  ["no record", { "TLSA _25._tcp.mx.example.com": secureNodata }, "absent"],
  [
    "only unusable records",
    { "TLSA _25._tcp.mx.example.com": secure(tlsa(1), tlsa(3, 1, 1, 31)) },
    "absent",
  ],
  [
    "an unusable and a usable record",
    { "TLSA _25._tcp.mx.example.com": secure(tlsa(0), tlsa(2, 0, 2, 64)) },
    "usable",
  ],
  ["an unsigned TLSA answer", { "TLSA _25._tcp.mx.example.com": [tlsa()] }, "absent"],
  ["a TLSA lookup that fails", { "TLSA _25._tcp.mx.example.com": "servfail" }, "servfail"],
  ["a bogus TLSA answer", { "TLSA _25._tcp.mx.example.com": "bogus" }, "bogus"],
  ["an MX lookup that fails", { "MX example.com": "timeout" }, "timeout"],
  [
    "an unsigned MX with TLSA at its host",
    { "MX example.com": mx("mx.example.com"), "TLSA _25._tcp.mx.example.com": secure(tlsa()) },
    "insecure",
  ],
  [
    "a broken AAAA beside a good A",
    { "AAAA mx.example.com": "servfail", "TLSA _25._tcp.mx.example.com": secure(tlsa()) },
    "usable",
  ],
  [
    "no address to be had",
    { "A mx.example.com": secureNodata, "AAAA mx.example.com": "servfail" },
    "servfail",
  ],
  [
    "an unsigned address",
    { "A mx.example.com": ["192.0.2.1"], "TLSA _25._tcp.mx.example.com": secure(tlsa()) },
    "absent",
  ],
  [
    "one host with DANE of two, the other failing",
    {
      "MX example.com": secure(...mx("mx.example.com", "mx2.example.com")),
      "TLSA _25._tcp.mx.example.com": secure(tlsa()),
      "A mx2.example.com": "servfail",
      "AAAA mx2.example.com": "servfail",
    },
    "usable",
  ],
  [
    "one host without DANE of two, the other failing",
    {
      "MX example.com": secure(...mx("mx.example.com", "mx2.example.com")),
      "TLSA _25._tcp.mx.example.com": secureNodata,
      "A mx2.example.com": secure("192.0.2.2"),
      "TLSA _25._tcp.mx2.example.com": "servfail",
    },
    "servfail",
  ],
];

for (const [name, changes, expected] of CASES) {
  Deno.test(`assessMx() with ${name} is ${expected} (RFC 7672 §2.2)`, async () => {
    assertEquals((await assess({ ...SIGNED, ...changes })).word, expected);
  });
}

Deno.test("assessMx() looks for TLSA at the end of a signed alias, then at its start (RFC 7672 §2.2.2)", async () => {
  const alias = { records: ["192.0.2.1"], secure: true, owner: "real.example.net" };
  const table = { ...SIGNED, "A mx.example.com": alias };
  const atEnd = await assess({ ...table, "TLSA _25._tcp.real.example.net": secure(tlsa()) });
  assertEquals(atEnd.word, "usable");
  const atStart = await assess({ ...table, "TLSA _25._tcp.mx.example.com": secure(tlsa()) });
  assertEquals(atStart.word, "usable");
});

Deno.test("assessMx() trusts a signed alias into an unsigned zone for its own name only (RFC 7672 §2.2.2)", async () => {
  const alias = { records: ["192.0.2.1"], secure: false, owner: "real.example.net" };
  const table: Record<string, FakeReply> = {
    ...SIGNED,
    "A mx.example.com": alias,
    "AAAA mx.example.com": "nodata",
    "TLSA _25._tcp.mx.example.com": secure(tlsa()),
    "TLSA _25._tcp.real.example.net": secure(tlsa()),
  };
  assertEquals((await assess(table)).word, "absent");
  table["CNAME mx.example.com"] = secure("real.example.net");
  assertEquals((await assess(table)).word, "usable");
  table["CNAME mx.example.com"] = "servfail";
  assertEquals((await assess(table)).word, "servfail");
});

Deno.test("assessMx() lists the host names by preference, each once, without what is no host name", async () => {
  const records = [
    { preference: 20, exchange: "b.example.com" },
    { preference: 10, exchange: "a.example.com" },
    { preference: 30, exchange: "a.example.com" },
    { preference: 5, exchange: "_bad_.example.com" },
  ];
  const { hosts, word } = await assess({ "MX example.com": records });
  assertEquals([word, hosts], ["insecure", ["a.example.com", "b.example.com"]]);
});

Deno.test("assessMx() finds no host behind a null MX (RFC 7505)", async () => {
  const { hosts, word } = await assess({ "MX example.com": secure(...mx("")) });
  assertEquals([word, hosts], ["absent", []]);
});

Deno.test("assessMx() takes the domain itself when it has an address and no MX (RFC 5321 §5.1)", async () => {
  const table = { "MX example.com": secureNodata, "A example.com": secure("192.0.2.1") };
  const found = await assess({ ...table, "TLSA _25._tcp.example.com": secure(tlsa()) });
  assertEquals([found.word, found.hosts], ["usable", ["example.com"]]);
  const nothing = await assess({ "MX example.com": secureNodata });
  assertEquals([nothing.word, nothing.hosts], ["insecure", undefined]);
});

Deno.test("assessMx() takes a bracketed name for the host, with its port (RFC 8461 §3.4)", async () => {
  const relay: NextHop = { domain: "relay.example.com", bracketed: true, port: 587 };
  const table = {
    "A relay.example.com": secure("192.0.2.1"),
    "TLSA _587._tcp.relay.example.com": secure(tlsa()),
  };
  const { word, hosts, result } = await assess(table, relay);
  assertEquals([word, hosts], ["usable", ["relay.example.com"]]);
  assertEquals(result.kind === "known" && result.view.nextHop, "[relay.example.com]:587");
});

Deno.test("assessMx() asks for no TLSA records when DANE is off", async () => {
  const { word, hosts, dns } = await assess(SIGNED, EXAMPLE, false);
  assertEquals([word, hosts], ["unchecked", ["mx.example.com"]]);
  assertEquals(dns.questions, ["MX example.com"]);
});

Deno.test("assessMx() keeps a view for the least TTL, between a minute and an hour", async () => {
  const life = async (ttl: number) => {
    const records = mx("mx.example.com");
    const { result } = await assess({ "MX example.com": { records, ttl } });
    return result.kind === "known" ? result.view.freshUntil - NOW : undefined;
  };
  assertEquals([await life(0), await life(600), await life(1e6)], [60_000, 600_000, 3_600_000]);
});

Deno.test("isUsableTlsa() judges usage, selector, matching type and length (RFC 7672 §3.1)", () => {
  const verdicts: [TlsaRecord, boolean][] = [
    [tlsa(3, 1, 1, 32), true],
    [tlsa(3, 0, 2, 64), true],
    [tlsa(2, 0, 1, 32), true],
    [tlsa(2, 1, 0, 1), true],
    [tlsa(3, 1, 0, 0), false],
    [tlsa(3, 1, 1, 20), false],
    [tlsa(3, 1, 2, 32), false],
    [tlsa(3, 1, 3, 32), false],
    [tlsa(3, 2, 1, 32), false],
    [tlsa(0, 1, 1, 32), false],
    [tlsa(1, 1, 1, 32), false],
    [tlsa(255, 1, 1, 32), false],
  ];
  for (const [record, usable] of verdicts) assertEquals(isUsableTlsa(record), usable);
});
