import { assertEquals } from "@std/assert";
import { assessMx } from "../../src/resolver/dane.ts";
import type { TlsaRecord } from "../../src/dns/types.ts";
import type { NextHop } from "../../src/sts/domain.ts";
import { createFakeDns } from "../fakes/fake_dns.ts";
import type { FakeReply } from "../fakes/fake_dns.ts";
import { createKey } from "../fakes/certificates.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

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

const KEY: TlsaRecord = { usage: 3, selector: 1, matchingType: 0, data: createKey().spki };

/** @param ms How long the clock runs on for. */
async function assess(
  table: Record<string, FakeReply>,
  nextHop = EXAMPLE,
  { dane = true, validated = true, ms = 0 } = {},
) {
  const clock = new ManualClock(NOW);
  const dns = createFakeDns(table, { clock });
  const assessment = assessMx(nextHop, { lookup: dns.lookup, dane, validated, clock });
  await clock.advance(ms);
  const result = await assessment;
  const word = result.kind === "known" ? result.view.dane : result.reason;
  const view = result.kind === "known" ? result.view : undefined;
  return { result, view, word, hosts: view?.hosts, skipped: view?.skipped, dns };
}

/** Cases for `example.com`: additions to SIGNED, and the verdict or the failure. */
const CASES: readonly [string, Record<string, FakeReply>, string][] = [
  ["a usable record", { "TLSA _25._tcp.mx.example.com": secure(tlsa()) }, "usable"],
  ["3 1 0, a whole key", { "TLSA _25._tcp.mx.example.com": secure(KEY) }, "usable"],
  ["3 1 0 without a key", { "TLSA _25._tcp.mx.example.com": secure(tlsa(3, 1, 0, 91)) }, "absent"],
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

Deno.test("assessMx() names the hosts whose secure TLSA records are all unusable (RFC 7672 §3.1)", async () => {
  const unusableIn = async (table: Record<string, FakeReply>) => {
    const { result, word } = await assess({ ...SIGNED, ...table });
    return [word, result.kind === "known" ? result.unusable : undefined];
  };
  const bad = [tlsa(1), tlsa(3, 1, 1, 31)];
  const own = { host: "mx.example.com", base: "mx.example.com", records: bad };
  const question = "TLSA _25._tcp.mx.example.com";
  assertEquals(await unusableIn({ [question]: secure(...bad) }), ["absent", [own]]);
  // Neither records that prove nothing, nor one usable record among others.
  assertEquals(await unusableIn({ [question]: bad }), ["absent", undefined]);
  assertEquals(await unusableIn({ [question]: secure(...bad, tlsa()) }), ["usable", undefined]);
  assertEquals(await unusableIn({ [question]: secureNodata }), ["absent", undefined]);
  // The base domain is the end of the alias; another host may have DANE all the same.
  const alias = { records: ["192.0.2.1"], secure: true, owner: "real.example.net" };
  const aliased = {
    "MX example.com": secure(...mx("mx.example.com", "mx2.example.com")),
    "A mx.example.com": alias,
    "TLSA _25._tcp.real.example.net": secure(...bad),
    "A mx2.example.com": secure("192.0.2.2"),
    "TLSA _25._tcp.mx2.example.com": secure(tlsa()),
  };
  assertEquals(await unusableIn(aliased), ["usable", [{ ...own, base: "real.example.net" }]]);
});

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
    { preference: 5, exchange: "-bad-.example.com" },
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
  const { word, hosts, dns } = await assess(SIGNED, EXAMPLE, { dane: false });
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

/** m1, signed and without TLSA records, and m2, whose addresses the cases have. */
const TWO_HOSTS: Record<string, FakeReply> = {
  "MX example.com": secure(...mx("m1.sig.test", "m2.lame.test")),
  "A m1.sig.test": secure("192.0.2.1"),
  "AAAA m1.sig.test": secureNodata,
  "TLSA _25._tcp.m1.sig.test": secureNodata,
};

/** Never answered, for all the time that a test has. */
const SILENCE: FakeReply = { reply: "timeout", delay: 3_600_000 };

Deno.test("assessMx() skips a host whose addresses cannot be looked up (RFC 7672 §2.2)", async () => {
  for (const failure of ["servfail", "refused", "bogus", "timeout"] as const) {
    const table = { ...TWO_HOSTS, "A m2.lame.test": failure, "AAAA m2.lame.test": failure };
    const { word, skipped, view, result } = await assess(table);
    assertEquals([word, skipped], ["absent", ["m2.lame.test"]]);
    assertEquals(result.kind === "known" && result.skippedFor?.reason, failure);
    // It is looked at again after a minute, not after the TTL of five.
    assertEquals(view && view.freshUntil - NOW, 60_000);
  }
});

Deno.test("assessMx() waits three seconds for a host that never answers, while another has an address", async () => {
  const table: Record<string, FakeReply> = {
    ...TWO_HOSTS,
    "A m2.lame.test": SILENCE,
    "AAAA m2.lame.test": SILENCE,
  };
  const { word, skipped, result } = await assess(table, EXAMPLE, { ms: 3000 });
  assertEquals([word, skipped], ["absent", ["m2.lame.test"]]);
  assertEquals(result.kind === "known" && result.skippedFor?.reason, "timeout");
  // A host that is merely slow is not skipped: it may have DANE.
  table["A m2.lame.test"] = { reply: secure("192.0.2.2"), delay: 2900 };
  table["AAAA m2.lame.test"] = { reply: secureNodata, delay: 2900 };
  table["TLSA _25._tcp.m2.lame.test"] = { reply: secure(tlsa()), delay: 4000 };
  assertEquals((await assess(table, EXAMPLE, { ms: 7000 })).word, "usable");
});

Deno.test("assessMx() waits on while no host has an address", async () => {
  const table: Record<string, FakeReply> = {
    ...TWO_HOSTS,
    "A m1.sig.test": { reply: secure("192.0.2.1"), delay: 4000 },
    "A m2.lame.test": SILENCE,
    "AAAA m2.lame.test": SILENCE,
  };
  const { word, skipped } = await assess(table, EXAMPLE, { ms: 4000 });
  assertEquals([word, skipped], ["absent", ["m2.lame.test"]]);
});

Deno.test("assessMx() fails when every host fails, or the only other one has no address", async () => {
  const lame: Record<string, FakeReply> = {
    "A m2.lame.test": "servfail",
    "AAAA m2.lame.test": "servfail",
  };
  const broken = { "A m1.sig.test": "bogus", "AAAA m1.sig.test": "bogus" } as const;
  assertEquals((await assess({ ...TWO_HOSTS, ...lame, ...broken })).word, "bogus");
  const homeless = { "A m1.sig.test": secureNodata };
  assertEquals((await assess({ ...TWO_HOSTS, ...lame, ...homeless })).word, "servfail");
});

Deno.test("assessMx() takes an answer that was not validated for a failure (RFC 7672 §2.1.1)", async () => {
  const forged = {
    ...SIGNED,
    "MX example.com": { records: mx("mx.example.com"), validated: false },
  };
  assertEquals((await assess(forged)).word, "unvalidated");
  // Where it is not known who validates, the answers are taken, and the view says so.
  const lenient = await assess(forged, EXAMPLE, { validated: false });
  assertEquals([lenient.word, lenient.view?.validated], ["insecure", false]);
  const hidden = {
    ...SIGNED,
    "TLSA _25._tcp.mx.example.com": { kind: "nodata", secure: false, validated: false, ttl: 300 },
  } as const;
  assertEquals((await assess(hidden)).word, "unvalidated");
  assertEquals((await assess(hidden, EXAMPLE, { validated: false })).view?.validated, false);
  assertEquals((await assess(SIGNED)).view?.validated, true);
});

Deno.test("assessMx() looks at every host it keeps, a hundred, twenty at a time", async () => {
  const names = Array.from({ length: 150 }, (_, index) => `m${index}.example.com`);
  const table: Record<string, FakeReply> = { "MX example.com": secure(...mx(...names)) };
  for (const name of names) table[`A ${name}`] = { reply: secure("192.0.2.1"), delay: 10 };
  const none = await assess(table, EXAMPLE, { ms: 50 });
  assertEquals([none.word, none.hosts?.length], ["absent", 100]);
  const asked = new Set(none.dns.questions.filter((question) => question.startsWith("TLSA")));
  assertEquals(asked.size, 100);
  table["TLSA _25._tcp.m99.example.com"] = secure(tlsa());
  assertEquals((await assess(table, EXAMPLE, { ms: 50 })).word, "usable");
});

Deno.test("assessMx() looks at hosts with an underscore, which Postfix takes", async () => {
  const found = await assess({
    "MX example.com": secure(...mx("mx_1.example.com")),
    "A mx_1.example.com": secure("192.0.2.1"),
    "TLSA _25._tcp.mx_1.example.com": secure(tlsa()),
  });
  assertEquals([found.word, found.hosts], ["usable", ["mx_1.example.com"]]);
});

Deno.test("assessMx() does not guess the port of a service: there may be TLSA records", async () => {
  const service: NextHop = { ...EXAMPLE, port: null };
  assertEquals((await assess(SIGNED, service)).word, "unknown-port");
  assertEquals(
    (await assess({ ...SIGNED, "MX example.com": mx("mx.example.com") }, service)).word,
    "insecure",
  );
  assertEquals(
    (await assess({ ...SIGNED, "A mx.example.com": ["192.0.2.1"] }, service)).word,
    "absent",
  );
});
