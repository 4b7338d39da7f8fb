import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { Zone } from "../../src/config/types.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { NetstringDecoder } from "../../src/postfix/netstring.ts";
import { encodeUtf8, type Octets, toWords } from "../../src/postfix/octets.ts";
import {
  createResponder,
  type ReadyReply,
  readyReplyOctets,
  type Resolved,
  type ResponderOptions,
  settleUses,
  type Tally,
  type WorkedOutReply,
} from "../../src/postfix/responder.ts";
import { MAX_REPLY_BYTES } from "../../src/postfix/socketmap.ts";
import type { Answer } from "../../src/resolver/types.ts";
import type { NextHop } from "../../src/sts/domain.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { parsePolicyReply } from "../fakes/postfix_grammar.ts";
import { createRandom } from "../fakes/random.ts";
import { chars, metricValue, received, recordLog } from "./support.ts";

const ZONE: Zone = {
  name: "default",
  strictTesting: false,
  timeout: 10_000,
  requireSni: true,
  tlsrpt: false,
  dane: "auto",
  onDnsFailure: "deliver",
  matchLimit: undefined,
};
const ZONES: Readonly<Record<string, Zone>> = {
  reports: { ...ZONE, name: "reports", tlsrpt: true },
};

function secure(domain: string): Answer {
  return {
    kind: "secure",
    domain,
    patterns: [`mx.${domain}`],
    hosts: undefined,
    policyStrings: ["mode: enforce"],
  };
}

/** A responder whose resolver is the test's. */
function setUp(
  resolve: (nextHop: NextHop, zone: Zone) => Resolved | Promise<Resolved>,
  onReply?: (reply: WorkedOutReply) => void,
  tallyOf?: ResponderOptions["tallyOf"],
) {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const { log, lines } = recordLog();
  const readyReplies = new Map<number, ReadyReply>();
  const asked: NextHop[] = [];
  const respond = createResponder({
    resolve(nextHop, zone) {
      asked.push(nextHop);
      return resolve(nextHop, zone);
    },
    zoneFor: (mapName) => ZONES[mapName] ?? ZONE,
    clock,
    log,
    metrics,
    readyReplies,
    ...(onReply && { onReply }),
    ...(tallyOf && { tallyOf }),
  });
  return {
    asked,
    clock,
    lines,
    metrics,
    readyReplies,
    respond: (payload: string) => respond(received(payload), clock.now()),
    async ask(payload: string): Promise<string> {
      return unframe(await respond(received(payload), clock.now()));
    },
    queries: (zone: string, answer: string) =>
      metricValue(metrics, `mta_sts_queries_total{zone="${zone}",answer="${answer}"}`),
  };
}

/** The payload of the only frame. */
function unframe(bytes: Uint8Array): string {
  const decoder = new NetstringDecoder(MAX_REPLY_BYTES);
  let payload: Octets | undefined;
  for (let at = 0; at < bytes.length; payload ??= decoder.next()) {
    const space = decoder.space();
    const piece = bytes.subarray(at, at + space.length);
    space.set(piece);
    decoder.fill(piece.length);
    at += piece.length;
  }
  assert(payload !== undefined && decoder.empty, "not one frame");
  return chars(payload);
}

Deno.test("createResponder() asks the resolver and prints its answer as the zone wants it", async () => {
  const { ask, asked, queries } = setUp(({ domain }) => ({
    answer: secure(domain),
    until: 0,
    token: { valid: true },
  }));
  assertEquals(
    await ask("postfix Example.COM"),
    "OK secure match=mx.example.com servername=hostname",
  );
  assertEquals(
    await ask("reports [b\xc3\xbccher.example]:587"),
    "OK secure match=mx.xn--bcher-kva.example servername=hostname policy_type=sts " +
      "policy_domain=xn--bcher-kva.example mx_host_pattern=mx.xn--bcher-kva.example " +
      "{ policy_string = mode: enforce }",
  );
  assertEquals(asked, [
    { domain: "example.com", bracketed: false, port: 25 },
    { domain: "xn--bcher-kva.example", bracketed: true, port: 587 },
  ]);
  assertEquals([queries("default", "secure"), queries("reports", "secure")], [1, 1]);
});

Deno.test("createResponder() answers parent keys without the resolver (RFC 8461 §3.4)", async () => {
  const { ask, asked, metrics, readyReplies } = setUp(() => assertNever());
  assertEquals(await ask("postfix .example.com"), "NOTFOUND ");
  assertEquals(await ask("postfix .com"), "NOTFOUND ");
  assertEquals(await ask("postfix ."), "NOTFOUND ");
  assertEquals([asked.length, readyReplies.size], [0, 0]);
  assertEquals(metricValue(metrics, "mta_sts_parent_queries_total"), 3);
});

Deno.test("createResponder() answers keys that are no domain without the resolver (RFC 8461 §3.4)", async () => {
  const { ask, asked, queries, readyReplies } = setUp(() => assertNever());
  const keys = [
    "[192.0.2.1]",
    "192.0.2.1",
    "[IPv6:2001:db8::1]",
    "localhost",
    "",
    " ",
    "a..example",
  ];
  for (const key of [...keys, "\xff.example", "a b.example", "x".repeat(10_000)]) {
    assertEquals(await ask(`postfix ${key}`), "NOTFOUND ", key);
  }
  assertEquals(await ask("postfix"), "NOTFOUND ");
  assertEquals(await ask(""), "NOTFOUND ");
  assertEquals([asked.length, readyReplies.size], [0, 0]);
  assertEquals(queries("default", "notfound"), 12);
});

Deno.test("createResponder() gives a ready reply until its time, or until its token is invalid", async () => {
  const token = { valid: true };
  const { asked, clock, metrics, queries, respond } = setUp(({ domain }) => ({
    answer: secure(domain),
    until: clock.now() + 1000,
    token,
  }));
  const first = respond("postfix a.example");
  assert(first instanceof Uint8Array);
  assertStrictEquals(respond("postfix a.example"), first);
  assertEquals([asked.length, queries("default", "secure")], [1, 2]);
  assertEquals(metricValue(metrics, "mta_sts_ready_replies_total"), 1);
  // Another spelling is the same request, another map name is not.
  assertStrictEquals(respond("postfix A.example"), first);
  respond("reports a.example");
  assertEquals(asked.length, 2);

  await clock.advance(999);
  assertStrictEquals(respond("postfix a.example"), first);
  assertEquals(asked.length, 2);
  await clock.advance(1);
  const second = respond("postfix a.example");
  assertEquals(asked.length, 3);
  assertStrictEquals(respond("postfix a.example"), second);
  token.valid = false;
  respond("postfix a.example");
  assertEquals(asked.length, 4);
});

Deno.test("createResponder() keeps no reply that is good for this time only, or of a long request", async () => {
  let until = 0;
  const { ask, asked, clock, readyReplies } = setUp(() => ({
    answer: { kind: "notfound" },
    until,
    token: { valid: true },
  }));
  until = clock.now();
  assertEquals(await ask("postfix a.example"), "NOTFOUND ");
  assertEquals(await ask("postfix a.example"), "NOTFOUND ");
  assertEquals([asked.length, readyReplies.size], [2, 0]);
  until = clock.now() + 1;
  const longest = `${"m".repeat(300 - " a.example".length)} a.example`;
  await ask(longest);
  assertEquals(Array.from(readyReplies.values(), ({ request }) => request), [
    toWords(encodeUtf8(longest)),
  ]);
  await ask(`m${longest}`);
  assertEquals(readyReplies.size, 1);
});

Deno.test("createResponder() never takes the ready reply of another request with the same hash", () => {
  const { asked, clock, readyReplies, respond } = setUp(({ domain }) => ({
    answer: secure(domain),
    until: clock.now() + 1000,
    token: { valid: true },
  }));
  const first = respond("postfix a.example");
  const [[hash, ready]] = [...readyReplies] as [[number, ReadyReply]];
  readyReplies.set(hash, { ...ready, request: toWords(encodeUtf8("postfix b.example")) });
  assertEquals(respond("postfix a.example"), first);
  assertEquals(asked.length, 2);
  assertEquals(readyReplies.get(hash)?.request, toWords(encodeUtf8("postfix a.example")));
});

Deno.test("createResponder() waits for the resolver and measures it", async () => {
  const resolution = Promise.withResolvers<Resolved>();
  const { clock, metrics, queries, readyReplies, respond } = setUp(() => resolution.promise);
  const reply = respond("postfix a.example");
  assert(reply instanceof Promise);
  await clock.advance(1500);
  resolution.resolve({
    answer: { kind: "dane-only" },
    until: clock.now() + 1,
    token: { valid: true },
  });
  assertEquals(unframe(await reply), "OK dane-only");
  assertEquals(queries("default", "dane-only"), 1);
  assertEquals(readyReplies.size, 1);
  assertEquals(metricValue(metrics, "mta_sts_query_seconds_sum"), 1.5);
  assertEquals(metricValue(metrics, "mta_sts_query_seconds_count"), 1);
  assertStrictEquals(respond("postfix a.example"), await reply);
  assertEquals(metricValue(metrics, "mta_sts_query_seconds_count"), 1);
});

Deno.test("createResponder() defers when the resolver fails, and says where", async () => {
  const failures = [
    () => {
      throw new Error("a bug");
    },
    () => Promise.reject(new Error("a bug")),
  ];
  for (const resolve of failures) {
    const { ask, lines, queries, readyReplies } = setUp(resolve);
    assertEquals(await ask("postfix a.example"), "TEMP internal error");
    assertEquals(lines.length, 1);
    const { level, event, fields } = lines[0]!;
    assertEquals([level, event, fields["domain"]], ["error", "query failed", "a.example"]);
    assert(String(fields["error"]).includes("a bug\n    at "), "no stack");
    assertEquals(queries("default", "temp"), 1);
    assertEquals(readyReplies.size, 0);
  }
});

Deno.test("createResponder() counts an answer that cannot be printed as temporary", async () => {
  const { ask, queries } = setUp(() => ({
    answer: { ...secure("a.example"), hosts: [] },
    until: 0,
    token: { valid: true },
  }));
  assertEquals(
    await ask("postfix a.example"),
    "TEMP no MX host of a.example matches its MTA-STS policy",
  );
  assertEquals([queries("default", "temp"), queries("default", "secure")], [1, undefined]);
});

Deno.test("createResponder() has a reply for any octets", async () => {
  const random = createRandom(7);
  const { ask } = setUp(({ domain }) => ({
    answer: random.pick<Answer>([secure(domain), { kind: "notfound" }, { kind: "dane-only" }]),
    until: 0,
    token: { valid: true },
  }));
  for (let round = 0; round < 2000; round++) {
    const octets = random.pick([
      () => String.fromCharCode(...random.bytes(random.int(80))),
      () => `postfix ${random.mutate("sub.example.com:25", "\0 .[]:-_\xc3\xbc\xffxn0")}`,
      () => random.mutate("reports [mail.example.com]:587"),
    ])();
    parsePolicyReply(await ask(octets.replace(/[^\0-\xff]/g, "?")));
  }
});

function assertNever(): never {
  throw new Error("the resolver was asked");
}

Deno.test("createResponder() keeps one ready reply for all spellings of a domain", async () => {
  const { ask, asked, readyReplies } = setUp(({ domain }) => ({
    answer: secure(domain),
    until: Infinity,
    token: { valid: true },
  }));
  const reply = await ask("postfix example.com");
  for (const key of ["Example.COM", "EXAMPLE.com", "eXAMPLE.cOM"]) {
    assertEquals(await ask(`postfix ${key}`), reply);
  }
  assertEquals([asked.length, readyReplies.size], [1, 1]);
  await ask("postfix OTHER.example");
  await ask("postfix other.example");
  assertEquals([asked.length, readyReplies.size], [2, 2], "whichever spelling comes first");
  await ask("Postfix example.com");
  assertEquals(asked.length, 3, "the name of a map is another when its case is");
});

Deno.test("createResponder() keeps no long reply ready, and says what a ready one takes", async () => {
  const many = Array.from({ length: 300 }, (_, number) => `mx${number}.example.com`);
  const { ask, asked, readyReplies } = setUp(({ domain }) => ({
    answer: domain === "huge.example"
      ? { ...secure(domain), patterns: many } as Answer
      : secure(domain),
    until: Infinity,
    token: { valid: true },
  }));
  const reply = await ask("postfix huge.example");
  assert(reply.length > 4096);
  assertEquals(await ask("postfix huge.example"), reply);
  assertEquals([asked.length, readyReplies.size], [2, 0]);
  await ask("postfix small.example");
  const [ready] = readyReplies.values();
  assert(ready !== undefined);
  const octets = readyReplyOctets(ready);
  assert(octets > ready.bytes.length + 20 && octets < 1000, `${octets}`);
});

Deno.test("createResponder() tells of each reply that it works out, as Postfix gets it, and of no ready one", async () => {
  const told: WorkedOutReply[] = [];
  const { ask } = setUp(({ domain }) => {
    if (domain === "bug.example") throw new Error("bug");
    const patterns = Array.from({ length: 5000 }, (_, index) => `mx${index}.${domain}`);
    const answer: Answer = { ...secure(domain) as Extract<Answer, { kind: "secure" }>, patterns };
    const isLong = domain === "long.example";
    return { answer: isLong ? answer : secure(domain), until: Infinity, token: { valid: true } };
  }, (reply) => told.push(reply));
  await ask("postfix Example.com");
  await ask("postfix example.com");
  await ask("reports [long.example]:587");
  await ask("postfix bug.example");
  await ask("postfix 192.0.2.1");
  await ask("postfix .example.com");
  assertEquals(
    told.map(({ key, domain, zone, text }) => [key, domain, zone.name, text.slice(0, 34)]),
    [
      ["example.com", "example.com", "default", "OK secure match=mx.example.com ser"],
      ["[long.example]:587", "long.example", "reports", "TEMP the MTA-STS policy of long.ex"],
      ["bug.example", "bug.example", "default", "TEMP internal error"],
      ["192.0.2.1", undefined, "default", "NOTFOUND "],
    ],
  );
  assertEquals(told.map(({ resolved }) => resolved?.answer.kind), [
    "secure",
    "secure",
    undefined,
    undefined,
  ]);
});

Deno.test("createResponder() tells why mail waits, and keeps no reply ready after which it does", async () => {
  const notes: string[] = [];
  let answer: Answer = { kind: "temp", reason: "DNS servfail", cause: "dane-dns" };
  const { ask, asked, clock } = setUp(
    () => ({ answer, until: clock.now() + 60_000, token: { valid: true } }),
    ({ domain, zone, text, waits }) => {
      const [word] = text.split(" ");
      notes.push([zone.name, domain, word, waits?.cause, waits?.reason].join(" "));
    },
  );
  assertEquals(await ask("postfix a.example"), "TEMP DNS servfail");
  await ask("postfix a.example");
  // An answer that cannot be printed is a TEMP, too, though the resolver would have it repeated.
  answer = { ...secure("a.example"), hosts: [] } as Answer;
  await ask("postfix a.example");
  await ask("postfix a.example");
  // Postfix 3.10 gets the policy, and defers all the same.
  assertEquals((await ask("reports a.example")).slice(0, 10), "OK secure ");
  answer = secure("a.example");
  await ask("postfix a.example");
  await ask("postfix a.example");
  assertEquals(asked.length, 6);
  const mismatch = "no MX host of a.example matches its MTA-STS policy";
  assertEquals(notes, [
    "default a.example TEMP dane-dns DNS servfail",
    "default a.example TEMP dane-dns DNS servfail",
    `default a.example TEMP mx-mismatch ${mismatch}`,
    `default a.example TEMP mx-mismatch ${mismatch}`,
    `reports a.example OK mx-mismatch ${mismatch}`,
    "default a.example OK  ",
  ]);
});

Deno.test("createResponder() tells of a bug as a deferral", async () => {
  const notes: unknown[] = [];
  const { ask } = setUp(() => {
    throw new TypeError("bug");
  }, ({ waits }) => void notes.push(waits));
  assertEquals((await ask("postfix a.example")).slice(0, 5), "TEMP ");
  assertEquals(notes, [{ cause: "bug", reason: "internal error" }]);
});

Deno.test("createResponder() counts the answers of a domain, ready ones once they are settled", async () => {
  const tally: Tally = { secure: 0, "dane-only": 0, notfound: 0, temp: 0 };
  const { ask, clock, readyReplies } = setUp(
    ({ domain }) => ({
      answer: secure(domain),
      until: clock.now() + 1000,
      token: { valid: true },
    }),
    undefined,
    () => tally,
  );
  for (let i = 0; i < 5; i++) await ask("postfix a.example");
  assertEquals(tally.secure, 1);
  for (const ready of readyReplies.values()) settleUses(ready);
  for (const ready of readyReplies.values()) settleUses(ready);
  assertEquals(tally.secure, 5);
  // A reply that takes the place of one out of date takes its uses along.
  await ask("postfix a.example");
  await clock.advance(1000);
  await ask("postfix a.example");
  assertEquals(tally.secure, 7);
});
