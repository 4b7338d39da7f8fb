import { assertEquals, assertLessOrEqual } from "@std/assert";
import { watchDnssec } from "../../src/dns/dnssec_watch.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { startFakeDnsServer } from "../fakes/fake_dns_server.ts";
import type { FakeDnsReply, FakeDnsServer } from "../fakes/fake_dns_server.ts";
import { createTestClient } from "./support.ts";
import type { TestClient } from "./support.ts";

const NAME = "mx.signed.example";
const TLSA = `TLSA _25._tcp.${NAME}`;
const ROOT: FakeDnsReply = { answers: [{ type: "NS", data: "ns.example" }] };
const SIGNED: Record<string, FakeDnsReply> = { "NS .": { ...ROOT, ad: true } };
const PLAIN: Record<string, FakeDnsReply> = { "NS .": ROOT };
const ADDRESS: FakeDnsReply = { answers: [{ type: "A", data: "192.0.2.1" }] };

/** What came of a question that must be validated, or why nothing did. */
async function validated(client: TestClient): Promise<string> {
  const answer = await client.until(client.lookup(NAME, "A", { validated: true }));
  return answer.kind === "failed" ? `${answer.reason}: ${answer.detail}` : answer.kind;
}

function asked(server: FakeDnsServer): number {
  return server.questions.filter(({ text }) => text === `A ${NAME}`).length;
}

Deno.test("lookup() says whether an answer is validated: by its AD bit, or by who gave it", async () => {
  await using good = await startFakeDnsServer({ ...SIGNED, [`A ${NAME}`]: ADDRESS });
  await using plain = await startFakeDnsServer({ ...PLAIN, [`A ${NAME}`]: ADDRESS });
  for (
    const [server, isKnown, expected] of [[good, true, true], [plain, true, false], [
      good,
      false,
      false,
    ]] as const
  ) {
    using client = createTestClient([server]);
    if (isKnown) await client.probe();
    const found = await client.lookup(NAME, "A");
    const absent = await client.lookup("b.example", "A");
    assertEquals([found, absent].map((answer) => answer.kind !== "failed" && answer.validated), [
      expected,
      expected,
    ]);
    assertEquals(found.kind !== "failed" && found.secure, false);
  }
  plain.table[`A ${NAME}`] = { ...ADDRESS, ad: true };
  using client = createTestClient([plain]);
  const answer = await client.lookup(NAME, "A");
  assertEquals(answer.kind !== "failed" && answer.validated, true);
});

Deno.test("lookup() lets a resolver that does not validate override nobody (RFC 7672 §2.1.1)", async () => {
  await using good = await startFakeDnsServer({ ...SIGNED, [TLSA]: { rcode: "SERVFAIL" } });
  await using plain = await startFakeDnsServer(PLAIN);
  using client = createTestClient([good, plain]);
  await client.probe();
  const ask = async (validated: boolean) => {
    const answer = await client.lookup(`_25._tcp.${NAME}`, "TLSA", { validated });
    return answer.kind === "failed" ? answer.reason : answer.kind;
  };
  assertEquals([await ask(false), await ask(true)], ["nxdomain", "servfail"]);
  assertEquals(client.validates(), true);
});

Deno.test("lookup() is unvalidated, not answered, where no resolver validates", async () => {
  await using one = await startFakeDnsServer({ ...PLAIN, [`A ${NAME}`]: ADDRESS });
  await using other = await startFakeDnsServer({ ...PLAIN, [`A ${NAME}`]: ADDRESS });
  using client = createTestClient([one, other]);
  assertEquals(
    await validated(client),
    `unvalidated: ${one.address}: the DNS resolver does not validate`,
  );
  assertEquals([asked(one), asked(other)], [1, 1]);
  assertEquals(client.validates(), false);
  assertEquals(client.metric('mta_sts_dns_questions_total{type="A",result="unvalidated"}'), "1");
});

Deno.test("lookup() asks those that validate first when it matters, and else in their order", async () => {
  await using plain = await startFakeDnsServer({ ...PLAIN, [`A ${NAME}`]: ADDRESS });
  await using good = await startFakeDnsServer({ ...SIGNED, [`A ${NAME}`]: ADDRESS });
  using client = createTestClient([plain, good]);
  assertEquals(await client.probe(), { kind: "validates" });
  assertEquals(client.metric("mta_sts_dns_resolvers_validating"), "1");
  assertEquals(await validated(client), "found");
  assertEquals([asked(plain), asked(good)], [0, 1]);
  await client.lookup(NAME, "A");
  assertEquals([asked(plain), asked(good)], [1, 1]);
});

Deno.test("lookup() goes to a validating resolver that is set aside rather than trust another", async () => {
  await using good = await startFakeDnsServer({ ...SIGNED, [`A ${NAME}`]: ADDRESS });
  await using plain = await startFakeDnsServer({ ...PLAIN, [`A ${NAME}`]: ADDRESS });
  using client = createTestClient([good, plain]);
  await client.probe();
  await good.close();
  const started = client.clock.now();
  assertEquals(
    await validated(client),
    `unvalidated: ${plain.address}: the DNS resolver does not validate`,
  );
  assertLessOrEqual(client.clock.now() - started, 950);
  await using again = await startFakeDnsServer(good.table, { port: good.port });
  assertEquals(await validated(client), "found");
  assertEquals([asked(plain), asked(again)], [2, 1]);
});

Deno.test("lookup() waits for the probe that tells whether its answer counts", async () => {
  const gate = Promise.withResolvers<void>();
  await using good = await startFakeDnsServer({
    "NS .": { ...ROOT, ad: true, after: gate.promise },
    [`A ${NAME}`]: ADDRESS,
  });
  using client = createTestClient([good], { dnssecProbe: "ns:." });
  const probed = client.probe();
  const answer = client.lookup(NAME, "A", { validated: true });
  await good.asked(2);
  gate.resolve();
  assertEquals((await answer).kind, "found");
  await probed;
});

Deno.test("lookup() waits for the probe no longer than its own time", async () => {
  await using server = await startFakeDnsServer({
    "TXT probe.example": { fault: "silence" },
    [`A ${NAME}`]: ADDRESS,
  });
  using client = createTestClient([server], { dnssecProbe: "txt:probe.example" });
  const started = client.clock.now();
  assertEquals(
    await validated(client),
    `unvalidated: ${server.address}: it is not known whether the DNS resolver validates`,
  );
  assertLessOrEqual(client.clock.now() - started, 5000);
});

Deno.test("a resolver that comes up again is probed anew before its word counts", async () => {
  await using good = await startFakeDnsServer({ ...SIGNED, [`A ${NAME}`]: ADDRESS });
  using client = createTestClient([good]);
  await client.probe();
  assertEquals(await validated(client), "found");
  await good.close();
  assertEquals((await validated(client)).split(":")[0], "unreachable");
  // Its last known state stays for display, and so that DANE is not taken for switched off.
  assertEquals(client.validates(), true);
  await using other = await startFakeDnsServer({ ...PLAIN, [`A ${NAME}`]: ADDRESS }, {
    port: good.port,
  });
  assertEquals((await validated(client)).split(":")[0], "unvalidated");
  assertEquals([client.validates(), other.questions.some(({ text }) => text === "NS .")], [
    false,
    true,
  ]);
  assertEquals(client.log.lines.map(({ event }) => event), [
    "info dns resolver validates dnssec",
    "warn dns resolver is down",
    "info dns resolver is up again",
    "warn dns resolver does not validate dnssec: not trusted for dane",
  ]);
});

Deno.test("validates() is known when one resolver does or all do not", async () => {
  await using good = await startFakeDnsServer(SIGNED);
  await using plain = await startFakeDnsServer(PLAIN);
  await using mute = await startFakeDnsServer({ "NS .": { rcode: "REFUSED" } });
  const results: unknown[] = [];
  for (const servers of [[good, plain], [plain, mute], [plain], [mute]]) {
    using client = createTestClient(servers);
    results.push([client.validates(), (await client.probe()).kind, client.validates()]);
  }
  assertEquals(results, [
    [undefined, "validates", true],
    [undefined, "does-not-validate", undefined],
    [undefined, "does-not-validate", false],
    [undefined, "unknown", undefined],
  ]);
});

Deno.test("probe() passes the questions of others by: one that is hung up on spoils nothing", async () => {
  const name = "deny.example";
  await using server = await startFakeDnsServer({ ...SIGNED, [`A ${name}`]: { fault: "close" } });
  using client = createTestClient([server]);
  const denied = client.lookup(name, "A");
  const [probe, other] = await Promise.all([client.probe(), client.lookup("b.example", "A")]);
  assertEquals([probe.kind, other.kind], ["validates", "nxdomain"]);
  const answer = await client.until(denied);
  assertEquals(answer.kind === "failed" && answer.reason, "timeout");
  assertEquals(client.metric("mta_sts_dns_resolvers_down"), "0");
});

Deno.test("watchDnssec() probes at once, every 30 s while something is unknown, then every hour", async () => {
  await using server = await startFakeDnsServer({ "NS .": { rcode: "REFUSED" } });
  using client = createTestClient([server]);
  const metrics = createMetrics();
  const gauge = () => /^mta_sts_dnssec_validates (.*)$/m.exec(metrics.render())?.[1];
  let inspected = Promise.withResolvers<void>();
  const dns = {
    ...client,
    async inspect() {
      const states = await client.inspect();
      inspected.resolve();
      inspected = Promise.withResolvers();
      return states;
    },
  };
  const watch = watchDnssec({ dns, clock: client.clock, metrics });
  const round = async (ms: number) => {
    const { promise } = inspected;
    await client.clock.advance(ms);
    await client.until(promise);
  };
  await round(0);
  assertEquals([gauge(), client.resolvers()[0]?.tcp], ["NaN", "answers"]);
  server.table["NS ."] = SIGNED["NS ."]!;
  await round(30_000);
  assertEquals([gauge(), watch.validates()], ["1", true]);
  server.table["NS ."] = ROOT;
  await client.clock.advance(3_500_000);
  assertEquals(gauge(), "1");
  await round(100_000);
  assertEquals([gauge(), watch.validates()], ["0", false]);
  watch.stop();
});
