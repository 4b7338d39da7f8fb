import { assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { cname, soa, startFakeDnsServer, txt } from "../fakes/fake_dns_server.ts";
import type { FakeDnsReply, FakeDnsServer } from "../fakes/fake_dns_server.ts";
import { createTestClient } from "./support.ts";
import type { TestClient } from "./support.ts";

const NAME = "_mta-sts.a.example";
const QUESTION = `TXT ${NAME}`;
const ROOT: Record<string, FakeDnsReply> = {
  "NS .": { answers: [{ type: "NS", data: "ns.example" }] },
};

/** What was found, or why nothing was. */
async function outcome(client: TestClient, signal?: AbortSignal): Promise<string> {
  const answer = await client.until(client.lookup(NAME, "TXT", { signal }));
  if (answer.kind === "found") return answer.records.join();
  return answer.kind === "failed" ? answer.reason : answer.kind;
}

function texts(server: FakeDnsServer): string[] {
  return server.questions.map(({ text, packet }) => packet.flag_cd ? `${text} CD` : text);
}

/** The address of a server that is gone. */
async function startNone(): Promise<{ address: string; port: number }> {
  const server = await startFakeDnsServer();
  await server.close();
  return server;
}

Deno.test("lookup() leaves the second resolver alone while the first answers", async () => {
  await using first = await startFakeDnsServer({ [QUESTION]: txt("1") });
  await using second = await startFakeDnsServer();
  using client = createTestClient([first, second]);
  assertEquals(await outcome(client), "1");
  assertEquals(client.servers(), [first.address, second.address]);
  assertEquals(second.connections, 0);
});

for (
  const [reason, reply] of Object.entries<FakeDnsReply>({
    refused: { rcode: "REFUSED" },
    servfail: { rcode: "SERVFAIL" },
    malformed: { fault: "garbage" },
    timeout: { fault: "close" },
  })
) {
  Deno.test(`lookup() goes on to the second resolver when the first fails (${reason})`, async () => {
    await using first = await startFakeDnsServer({ [QUESTION]: reply, ...ROOT });
    await using second = await startFakeDnsServer({ [QUESTION]: txt("2"), ...ROOT });
    using client = createTestClient([first, second]);
    assertEquals(await outcome(client), "2");
    second.table[QUESTION] = reply;
    assertEquals(await outcome(client), reason);
  });
}

Deno.test("lookup() asks a failed question again without checking, which tells bogus from broken", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: { rcode: "SERVFAIL" } });
  using client = createTestClient([server]);
  assertEquals(await outcome(client), "servfail");
  server.table[QUESTION] = { ...txt("forged"), bogus: true };
  assertEquals(await outcome(client), "bogus");
  server.table[QUESTION] = { rcode: "NXDOMAIN", bogus: true };
  assertEquals(await client.lookup(NAME, "TXT"), {
    kind: "failed",
    reason: "bogus",
    detail: `${server.address}: SERVFAIL, but not with checking disabled`,
  });
  const both = [QUESTION, `${QUESTION} CD`];
  assertEquals(texts(server), [...both, ...both, ...both]);
});

Deno.test("lookup() never asks another resolver for what the first holds for bogus", async () => {
  await using first = await startFakeDnsServer({ [QUESTION]: { ...txt("forged"), bogus: true } });
  await using second = await startFakeDnsServer({ [QUESTION]: txt("forged") });
  using client = createTestClient([first, second]);
  assertEquals(await outcome(client), "bogus");
  assertEquals(second.questions, []);
});

Deno.test("lookup() reports the failure that says most", async () => {
  const none = await startNone();
  await using server = await startFakeDnsServer({ [QUESTION]: { rcode: "REFUSED" } });
  using before = createTestClient([none, server]);
  assertEquals(await outcome(before), "refused");
  using after = createTestClient([server, none]);
  assertEquals(await outcome(after), "refused");
  using nowhere = createTestClient([none]);
  assertEquals(await outcome(nowhere), "unreachable");
});

Deno.test("lookup() goes on to the second resolver within a second when the first is gone", async () => {
  const none = await startNone();
  await using second = await startFakeDnsServer({ [QUESTION]: txt("2") });
  using client = createTestClient([none, second]);
  const started = client.clock.now();
  assertEquals(await outcome(client), "2");
  assertLessOrEqual(client.clock.now() - started, 950);
  assertEquals(await outcome(client), "2");
  assertEquals(second.questions.length, 2);
});

Deno.test("lookup() sets an unreachable resolver aside, looks after 30 s, and says so once", async () => {
  const none = await startNone();
  await using second = await startFakeDnsServer({ [QUESTION]: txt("2") });
  using client = createTestClient([none, second]);
  await outcome(client);
  assertEquals(client.metric("mta_sts_dns_resolvers_down"), "1");
  await client.clock.advance(30_000);
  assertEquals(await outcome(client), "2");
  await client.until(new Promise<void>((resolve) => client.clock.setTimer(resolve, 2000)));
  await using first = await startFakeDnsServer({ [QUESTION]: txt("1") }, { port: none.port });
  await client.clock.advance(30_000);
  // The sign of life comes beside the question, which does not wait for it.
  assertEquals(await outcome(client), "2");
  await client.until(new Promise<void>((resolve) => client.clock.setTimer(resolve, 50)));
  assertEquals(await outcome(client), "1");
  assertEquals(texts(first), ["NS .", "NS .", QUESTION]);
  assertEquals(client.metric("mta_sts_dns_resolvers_down"), "0");
  assertEquals(client.log.lines.map(({ event, fields }) => [event, fields.server]), [
    ["warn dns resolver is down", none.address],
    ["info dns resolver is up again", none.address],
  ]);
});

Deno.test("lookup() asks resolvers set aside when there is no other, but not behind an answer", async () => {
  const none = await startNone();
  await using second = await startFakeDnsServer({ [QUESTION]: { rcode: "SERVFAIL" } });
  using client = createTestClient([none, second]);
  assertEquals([await outcome(client), await outcome(client)], ["servfail", "servfail"]);
  using lonely = createTestClient([none]);
  assertEquals(await outcome(lonely), "unreachable");
  await using first = await startFakeDnsServer({ [QUESTION]: txt("1") }, { port: none.port });
  assertEquals(await outcome(lonely), "1");
  assertEquals(await outcome(client), "servfail");
  assertEquals(texts(first), [QUESTION]);
});

Deno.test("lookup() gives each resolver its part of the time", async () => {
  await using first = await startFakeDnsServer({ [QUESTION]: { fault: "silence" }, ...ROOT });
  await using second = await startFakeDnsServer({ [QUESTION]: { fault: "silence" }, ...ROOT });
  using client = createTestClient([first, second]);
  const { clock } = client;
  const started = clock.now();
  let handedOn = 0;
  second.asked(1).then(() => handedOn = clock.now());
  assertEquals(await outcome(client), "timeout");
  assertEquals(clock.now() - started, 5000);
  assertLessOrEqual(handedOn - started, 2550);
  assertGreaterOrEqual(handedOn - started, 2500);
});

Deno.test("lookup() goes on to the second resolver when the first is silent, and remembers", async () => {
  await using first = await startFakeDnsServer({
    [QUESTION]: { fault: "silence" },
    "NS .": { fault: "silence" },
  });
  await using second = await startFakeDnsServer({ [QUESTION]: txt("2") });
  using client = createTestClient([first, second]);
  const started = client.clock.now();
  assertEquals(await outcome(client), "2");
  assertLessOrEqual(client.clock.now() - started, 1850);
  assertEquals(client.metric("mta_sts_dns_resolvers_down"), "1");
  const asked = first.questions.length;
  assertEquals(await outcome(client), "2");
  assertEquals(first.questions.length, asked);
});

Deno.test("lookup() does not blame a resolver for one slow domain", async () => {
  await using server = await startFakeDnsServer({ [QUESTION]: { fault: "silence" }, ...ROOT });
  using client = createTestClient([server]);
  assertEquals(await outcome(client), "timeout");
  assertEquals((await client.lookup("b.example", "A")).kind, "nxdomain");
  await client.clock.advance(2000);
  assertEquals(client.metric("mta_sts_dns_resolvers_down"), "0");
  assertEquals(client.log.lines, []);
  const checks = server.questions.filter(({ text }) => text === "NS .");
  assertEquals(new Set(checks.map(({ packet }) => packet.flag_rd)), new Set([false]));
});

Deno.test("lookup() ends when the caller gives up, and asks nobody else", async () => {
  await using first = await startFakeDnsServer({ [QUESTION]: { fault: "silence" } });
  await using second = await startFakeDnsServer({ [QUESTION]: txt("2") });
  using client = createTestClient([first, second]);
  const caller = new AbortController();
  const asked = outcome(client, caller.signal);
  await first.asked(1);
  caller.abort();
  assertEquals([await asked, await outcome(client, caller.signal)], ["timeout", "timeout"]);
  assertEquals([first.questions.length, second.questions.length], [1, 0]);
});

Deno.test("lookup() asks on where the answer has an alias only; all parts count", async () => {
  const target = "policy.other";
  await using server = await startFakeDnsServer({
    [QUESTION]: {
      answers: [cname(NAME, "hop.other", 50), cname("hop.other", target, 200)],
      ad: true,
    },
    [`TXT ${target}`]: { answers: [{ type: "TXT", ttl: 70, data: "x" }], ad: true },
  });
  using client = createTestClient([server]);
  const found = {
    kind: "found",
    records: ["x"],
    secure: true,
    validated: true,
    ttl: 50,
    owner: target,
  };
  const unsure = { ...found, secure: false, validated: false };
  assertEquals<unknown>(await client.lookup(NAME, "TXT"), found);
  server.table[`TXT ${target}`] = { answers: [{ type: "TXT", ttl: 20, data: "x" }] };
  assertEquals<unknown>(await client.lookup(NAME, "TXT"), { ...unsure, ttl: 20 });
  server.table[QUESTION] = { ...server.table[QUESTION], ad: false };
  server.table[`TXT ${target}`] = { ...txt("x"), ad: true };
  assertEquals<unknown>(await client.lookup(NAME, "TXT"), { ...unsure, ttl: 50 });
  server.table[QUESTION] = { ...server.table[QUESTION], ad: true };
  server.table[`TXT ${target}`] = { rcode: "NXDOMAIN", authorities: [soa(60, 60)], ad: true };
  assertEquals(await client.lookup(NAME, "TXT"), {
    kind: "nxdomain",
    secure: true,
    validated: true,
    ttl: 50,
  });
  server.table[`TXT ${target}`] = { rcode: "SERVFAIL" };
  assertEquals(await outcome(client), "servfail");
});

Deno.test("lookup() follows ten aliases in all and no more", async () => {
  await using server = await startFakeDnsServer({
    [QUESTION]: { answers: [cname(NAME, "n1.example")] },
  });
  for (let n = 1; n < 20; n++) {
    const answers = [cname(`n${n}.example`, `n${n + 1}.example`)];
    server.table[`TXT n${n}.example`] = { answers };
  }
  using client = createTestClient([server]);
  assertEquals(await outcome(client), "servfail");
  assertLessOrEqual(server.questions.length, 11);
  server.table["TXT n10.example"] = txt("tenth");
  assertEquals(await outcome(client), "tenth");
});
