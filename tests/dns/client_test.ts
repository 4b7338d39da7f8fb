import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { createClock } from "../../src/base/clock.ts";
import { startFakeDnsServer, txt } from "../fakes/fake_dns_server.ts";
import { createTestClient } from "./support.ts";

const NAME = "_mta-sts.a.example";
const QUESTION = `TXT ${NAME}`;
const NEVER = new Promise<never>(() => {});

Deno.test("lookup() knows AD bit, TTL and owner of what it finds", async () => {
  const certificate = Buffer.alloc(32, 7);
  await using server = await startFakeDnsServer({
    "TLSA _25._tcp.mx.example": {
      answers: [{
        type: "TLSA",
        ttl: 90,
        data: { usage: 3, selector: 1, matchingType: 1, certificate },
      }],
      ad: true,
    },
  });
  using client = createTestClient([server]);
  assertEquals(await client.lookup("_25._TCP.mx.Example.", "TLSA"), {
    kind: "found",
    records: [{ usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32).fill(7) }],
    secure: true,
    validated: true,
    ttl: 90,
    owner: "_25._tcp.mx.example",
  });
});

Deno.test("lookup() takes a name that DNS cannot hold for one that does not exist", async () => {
  await using server = await startFakeDnsServer();
  using client = createTestClient([server]);
  const absent = { kind: "nxdomain", secure: false, validated: true, ttl: 0 } as const;
  const long = `_mta-sts.${"a.".repeat(123)}example`;
  for (const name of [long, `${"a".repeat(64)}.example`, "a..example", "a b.example", "\0"]) {
    assertEquals(await client.lookup(name, "A"), absent);
    assertEquals(await client.lookupTxt(name), absent);
  }
  assertEquals(server.questions, []);
});

Deno.test("lookup() can be taken off the client", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: txt("x") });
  using client = createTestClient([server]);
  const { lookup } = client;
  assertEquals((await lookup(NAME, "TXT")).kind, "found");
});

Deno.test("lookup() keeps its deadline on the real clock", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: { fault: "silence" } });
  using client = createTestClient([server], { clock: createClock(), timeout: 50 });
  const answer = await client.lookup(NAME, "TXT");
  assertEquals(answer.kind === "failed" && answer.reason, "timeout");
});

Deno.test("lookup() counts every outcome by type, from zero", async () => {
  await using server = await startFakeDnsServer({
    "MX a.example": { answers: [{ type: "MX", data: { preference: 1, exchange: "mx.example" } }] },
    "MX b.example": {},
    "MX d.example": { rcode: "REFUSED" },
  });
  using client = createTestClient([server]);
  const count = (type: string, result: string) =>
    client.metric(`mta_sts_dns_questions_total{type="${type}",result="${result}"}`);
  for (const result of ["found", "nxdomain", "bogus", "timeout"]) {
    assertEquals(count("TXT", result), "0");
  }
  for (const name of ["a.example", "b.example", "c.example", "d.example", "d.example"]) {
    await client.lookup(name, "MX");
  }
  const counts = ["found", "nodata", "nxdomain", "refused"].map((result) => count("MX", result));
  assertEquals(counts, ["1", "1", "1", "2"]);
  assertEquals(client.metric(`mta_sts_dns_seconds_count{type="MX"}`), "5");
});

Deno.test("lookupTxt() reads with Deno.resolveDns what the wire shows to be there", async () => {
  await using server = await startFakeDnsServer({
    [QUESTION]: { ...txt("v=STSv1; id=1;", "other"), ad: true },
  });
  using client = createTestClient([server]);
  assertEquals(await client.lookupTxt("_MTA-STS.a.example"), {
    kind: "found",
    records: ["v=STSv1; id=1;", "other"],
    secure: true,
    validated: true,
    ttl: 300,
    owner: NAME,
  });
  assertEquals(server.questions.map(({ via }) => via), ["udp", "udp"]);
  assertEquals(client.metric('mta_sts_dns_questions_total{type="TXT",result="found"}'), "1");
});

Deno.test("lookupTxt() asks once for a record that is no news", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: txt("known") });
  using client = createTestClient([server]);
  const isNews = (records: readonly string[]) => records[0] !== "known";
  const answer = await client.lookupTxt(NAME, { isNews });
  assertEquals(answer.kind === "found" && answer.records, ["known"]);
  assertEquals(server.questions.map(({ via }) => via), ["udp"]);
  server.table[QUESTION] = txt("new");
  await client.lookupTxt(NAME, { isNews });
  assertEquals(server.questions.map(({ via }) => via), ["udp", "udp", "udp"]);
});

Deno.test("lookupTxt() asks once for a name without a record", async () => {
  await using server = await startFakeDnsServer();
  using client = createTestClient([server]);
  assertEquals((await client.lookupTxt(NAME)).kind, "nxdomain");
  assertEquals(server.questions.map(({ via }) => via), ["udp"]);
});

Deno.test("lookupTxt() finds a record where there is no way over TCP", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: txt("a") }, { tcp: false });
  using client = createTestClient([server], { resolveTxt: () => Promise.resolve([["a", "b"]]) });
  assertEquals(await client.lookupTxt(NAME), {
    kind: "found",
    records: ["ab"],
    secure: false,
    validated: false,
    ttl: 300,
    owner: NAME,
  });
  assertEquals(client.metric('mta_sts_dns_questions_total{type="TXT",result="found"}'), "1");
});

Deno.test("lookupTxt() tells absence from failure", async () => {
  await using server = await startFakeDnsServer();
  using client = createTestClient([server]);
  const outcomes: string[] = [];
  for (
    const reply of [{}, { rcode: "NXDOMAIN" }, { rcode: "SERVFAIL" }, { rcode: "REFUSED" }, {
      ...txt("forged"),
      bogus: true,
    }]
  ) {
    server.table[QUESTION] = reply;
    const answer = await client.lookupTxt(NAME);
    outcomes.push(answer.kind === "failed" ? answer.reason : answer.kind);
  }
  assertEquals(outcomes, ["nodata", "nxdomain", "servfail", "refused", "bogus"]);
  assertEquals(client.metric('mta_sts_dns_questions_total{type="TXT",result="nxdomain"}'), "1");
});

Deno.test("lookupTxt() uses what only the wire finds", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: { ...txt("x"), ad: true } });
  for (const records of [[], undefined]) {
    using client = createTestClient([server], {
      resolveTxt: () => records ? Promise.resolve(records) : Promise.reject(new Error("TC")),
    });
    const answer = await client.lookupTxt(NAME);
    assertEquals(answer.kind === "found" && [answer.records, answer.secure], [["x"], true]);
  }
});

Deno.test("lookupTxt() takes an empty record for a record", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: txt("x") });
  using client = createTestClient([server], { resolveTxt: () => Promise.resolve([[""]]) });
  const answer = await client.lookupTxt(NAME);
  assertEquals(answer.kind === "found" && answer.records, [""]);
});

Deno.test("lookupTxt() does not wait for a record that it knows already", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: txt("x") });
  const reading = Promise.withResolvers<void>();
  using client = createTestClient([server], {
    resolveTxt: () => {
      reading.resolve();
      return NEVER;
    },
  });
  const asked = client.lookupTxt(NAME);
  await reading.promise;
  await client.clock.advance(250);
  const answer = await asked;
  assertEquals(answer.kind === "found" && answer.records, ["x"]);
});

Deno.test("lookupTxt() keeps to its time", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: { fault: "silence" } });
  using client = createTestClient([server], { resolveTxt: () => NEVER });
  const started = client.clock.now();
  const answer = await client.until(client.lookupTxt(NAME));
  assertEquals(client.clock.now() - started, 5000);
  assertEquals(answer.kind === "failed" && answer.reason, "timeout");
});

Deno.test("lookupTxt() asks the same resolver both ways", async () => {
  await using first = await startFakeDnsServer({}, { udp: false, tcp: false });
  await using second = await startFakeDnsServer({ [QUESTION]: txt("x") });
  const asked: number[] = [];
  using client = createTestClient([first, second], {
    resolveTxt: (_name, { nameServer }) => {
      asked.push(nameServer.port);
      return Promise.reject(new Deno.errors.NotFound("x"));
    },
  });
  await client.until(client.lookupTxt(NAME));
  assertEquals(asked, [second.port]);
});

Deno.test("lookupTxt() gives up when the caller does", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: { fault: "silence" } });
  using client = createTestClient([server], { resolveTxt: () => NEVER });
  const caller = new AbortController();
  const asked = client.lookupTxt(NAME, { signal: caller.signal });
  caller.abort();
  const answer = await asked;
  assertEquals(answer.kind === "failed" && answer.reason, "timeout");
});

Deno.test("probe() tells whether the resolver validates", async () => {
  await using server = await startFakeDnsServer();
  using client = createTestClient([server]);
  const answers = [{ type: "NS", data: "ns.example" }];
  server.table["NS ."] = { answers, ad: true };
  assertEquals(await client.probe(), { kind: "validates" });
  server.table["NS ."] = { answers };
  assertEquals(await client.probe(), {
    kind: "does-not-validate",
    detail: "no AD bit for ns:.",
  });
  server.table["NS ."] = { rcode: "REFUSED" };
  assertEquals(await client.probe(), {
    kind: "unknown",
    reason: "refused",
    detail: `${server.address}: REFUSED`,
  });
});

Deno.test("probe() asks the configured question", async () => {
  await using server = await startFakeDnsServer();
  using client = createTestClient([server], { dnssecProbe: "TXT:Signed.example." });
  await client.probe();
  assertEquals(server.questions.map(({ text }) => text), ["TXT signed.example"]);
});

Deno.test("createDnsClient() refuses a probe that is no question", () => {
  for (const dnssecProbe of ["", "ns", "ns:", "soa:.", "constructor:.", "a:b c", " ns:."]) {
    assertThrows(() => createTestClient([], { dnssecProbe }), TypeError, `'${dnssecProbe}'`);
  }
});

Deno.test("close() ends everything, and later questions fail at once", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: { fault: "silence" } });
  using client = createTestClient([server], { resolveTxt: () => NEVER });
  const asked = client.lookup(NAME, "TXT");
  await server.asked(1);
  client.close();
  for (
    const answer of [await asked, await client.lookup(NAME, "A"), await client.lookupTxt(NAME)]
  ) {
    assertEquals(answer.kind === "failed" && answer.reason, "unreachable");
  }
  assertEquals(client.clock.pending, 0);
  assertEquals(client.log.lines, []);
});
