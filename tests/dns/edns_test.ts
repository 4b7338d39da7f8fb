/**
 * A DNS resolver that drops questions with EDNS without a word, over real sockets.
 *
 * @module
 */

import { assertEquals, assertLessOrEqual } from "@std/assert";
import { startFakeDnsServer, txt } from "../fakes/fake_dns_server.ts";
import type { FakeDnsReply, FakeDnsServer } from "../fakes/fake_dns_server.ts";
import { createTestClient } from "./support.ts";
import type { TestClient } from "./support.ts";

const NAME = "_mta-sts.a.example";
const QUESTION = `TXT ${NAME}`;
const TABLE: Record<string, FakeDnsReply> = {
  [QUESTION]: { ...txt("1"), ad: true },
  "NS .": { answers: [{ type: "NS", data: "ns.example" }], ad: true },
};

/** What was found, or why nothing was; `ms` is how long it took. */
async function ask(client: TestClient, validated = false): Promise<{ said: string; ms: number }> {
  const started = client.clock.now();
  const answer = await client.until(client.lookup(NAME, "TXT", { validated }));
  const said = answer.kind === "found"
    ? `${answer.records.join()} ${answer.secure}`
    : answer.kind === "failed"
    ? answer.reason
    : answer.kind;
  return { said, ms: client.clock.now() - started };
}

function events(client: TestClient): string[] {
  return client.log.lines.map(({ event }) => event);
}

function hasEdns({ questions }: FakeDnsServer): boolean[] {
  return questions.map(({ packet }) => (packet.additionals?.length ?? 0) > 0);
}

for (const [tcp, within] of [[true, 1850], [false, 950]] as const) {
  Deno.test(`lookup() asks without EDNS where it is dropped, ${tcp ? "over both ways" : "and there is no TCP"} (RFC 6891 §6.2.2)`, async () => {
    await using server = await startFakeDnsServer({ ...TABLE }, { tcp });
    server.dropsEdns = "all";
    using client = createTestClient([server]);
    const first = await ask(client);
    assertEquals(first.said, "1 true");
    assertLessOrEqual(first.ms, within);
    assertEquals(client.resolvers().map(({ udp, edns }) => [udp, edns]), [["answers", false]]);
    assertEquals(events(client), ["warn dns resolver does not take edns: asking without"]);
    assertEquals(client.metric("mta_sts_dns_resolvers_down"), "0");
    const before = server.questions.length;
    assertEquals(await ask(client), { said: "1 true", ms: 0 });
    assertEquals(hasEdns(server).slice(before), [false]);
  });
}

Deno.test("lookup() tries EDNS that was dropped again after an hour, and no question waits for it", async () => {
  await using server = await startFakeDnsServer({ ...TABLE }, { tcp: false });
  server.dropsEdns = "all";
  using client = createTestClient([server]);
  await ask(client);
  await client.clock.advance(3600 * 1000);
  const before = server.questions.length;
  assertEquals(await ask(client), { said: "1 true", ms: 0 });
  await client.until(server.asked(before + 2));
  assertEquals(hasEdns(server).slice(before).toSorted(), [false, true]);
  await client.until(new Promise<void>((resolve) => client.clock.setTimer(resolve, 300)));
  assertEquals([client.resolvers()[0]?.edns, events(client).length], [false, 1]);
  server.dropsEdns = undefined;
  await client.clock.advance(3600 * 1000);
  assertEquals(await ask(client), { said: "1 true", ms: 0 });
  await client.until(new Promise<void>((resolve) => client.clock.setTimer(resolve, 300)));
  assertEquals([client.resolvers()[0]?.edns, events(client).at(-1)], [
    true,
    "info dns resolver takes edns again",
  ]);
  await ask(client);
  assertEquals(hasEdns(server).at(-1), true);
});

Deno.test("lookup() validates without EDNS as it does with it", async () => {
  await using server = await startFakeDnsServer({ ...TABLE });
  server.dropsEdns = "all";
  using client = createTestClient([server]);
  assertEquals(await client.until(client.probe()), { kind: "validates" });
  assertEquals((await ask(client, true)).said, "1 true");
  server.table[QUESTION] = { ...txt("forged"), bogus: true };
  assertEquals((await ask(client, true)).said, "bogus");
});

Deno.test("lookup() keeps EDNS where TCP takes it, and where nothing is answered at all", async () => {
  await using server = await startFakeDnsServer({ ...TABLE });
  server.dropsEdns = "udp";
  using client = createTestClient([server]);
  assertEquals((await ask(client)).said, "1 true");
  assertEquals(client.resolvers().map(({ udp, tcp, edns }) => [udp, tcp, edns]), [
    ["no answer", "answers", true],
  ]);
  await using mute = await startFakeDnsServer({
    [QUESTION]: { fault: "silence" },
    "NS .": { fault: "silence" },
  });
  using other = createTestClient([mute]);
  assertEquals((await ask(other)).said, "unreachable");
  assertEquals([other.resolvers()[0]?.edns, other.metric("mta_sts_dns_resolvers_down")], [
    true,
    "1",
  ]);
});
