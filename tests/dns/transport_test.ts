import {
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertMatch,
} from "@std/assert";
import { Transport } from "../../src/dns/transport.ts";
import { createClock } from "../../src/base/clock.ts";
import type { Clock } from "../../src/base/clock.ts";
import { startFakeDnsServer, txt } from "../fakes/fake_dns_server.ts";
import type { FakeDnsReply, FakeDnsServer } from "../fakes/fake_dns_server.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { passTime } from "./support.ts";

const ROOT: Record<string, FakeDnsReply> = {
  "NS .": { answers: [{ type: "NS", data: "ns.example" }] },
};

/** The way to a server, closed at the end of the scope; what it says is kept. */
function openWay(
  server: { readonly port: number; readonly hostname?: string },
  { usesTcp = false, clock = new ManualClock() }: { usesTcp?: boolean; clock?: Clock } = {},
) {
  const events: string[] = [];
  const { port, hostname = "127.0.0.1" } = server;
  const way = new Transport({ hostname, port }, {
    clock,
    usesTcp,
    onDown: (detail) => events.push(`down: ${detail}`),
    onChange: (what, works) => events.push(`${what} ${works}`),
  });
  const ask = async (name: string, timeout = 5000): Promise<string> => {
    const started = clock.now();
    const asked = way.ask({ name, type: "TXT" }, {
      deadline: started + timeout,
      signal: undefined,
    });
    const { reply } = await (clock instanceof ManualClock ? passTime(clock, asked) : asked);
    if (reply.kind === "found") return reply.records.join();
    return reply.kind === "failed" ? `${reply.reason}: ${reply.detail}` : reply.kind;
  };
  return { way, ask, events, clock, [Symbol.dispose]: () => way.close() };
}

function vias(server: FakeDnsServer): string {
  return server.questions.map(({ text, via }) => text === "NS ." ? `${via}?` : via).join(" ");
}

Deno.test("ask() speaks UDP, from random ports with random ids that change", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": txt("1") });
  using test = openWay(server);
  for (let n = 0; n < 300; n++) assertEquals(await test.ask("a.example"), "1");
  assertEquals([server.connections, new Set(server.questions.map(({ via }) => via)).size], [0, 1]);
  const before = new Set(server.sources);
  assertEquals(before.size, 8);
  const ids = server.questions.map(({ packet }) => packet.id ?? 0);
  assertGreater(new Set(ids).size, 290);
  server.sources.clear();
  await (test.clock as ManualClock).advance(10_000);
  for (let n = 0; n < 60; n++) await test.ask("a.example");
  assertEquals([...server.sources].filter((port) => before.has(port)), []);
});

Deno.test("ask() does without a resolver's TCP", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": txt("1") }, { tcp: false });
  using test = openWay(server);
  const many = Array.from({ length: 50 }, () => test.ask("a.example"));
  assertEquals(new Set(await Promise.all(many)), new Set(["1"]));
  assertEquals(test.events, []);
  server.table["TXT a.example"] = { ...txt("1"), long: true };
  assertMatch(
    await test.ask("a.example"),
    /^malformed: truncated over UDP, and no answer over TCP: ConnectionRefused: /,
  );
  assertEquals(test.events, []);
});

Deno.test("ask() repeats a datagram that is lost in less than a second", async () => {
  for (const [losses, within] of [[1, 350], [2, 950]] as const) {
    await using server = await startFakeDnsServer({ "TXT a.example": txt("1"), ...ROOT });
    server.losses = losses;
    using test = openWay(server);
    const started = test.clock.now();
    assertEquals(await test.ask("a.example"), "1");
    assertLessOrEqual(test.clock.now() - started, within);
    assertEquals(test.events, []);
  }
});

Deno.test("ask() sends a question four times and no more", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": { fault: "silence" }, ...ROOT });
  using test = openWay(server);
  assertEquals(await test.ask("a.example"), "timeout: no answer within 5000 ms");
  const sent = server.questions.filter(({ text }) => text !== "NS .");
  assertEquals(sent.length, 4);
  assertEquals(new Set(sent.map(({ packet }) => packet.id)).size, 1);
  assertEquals(test.events, []);
});

Deno.test("ask() turns to TCP for a truncated answer, and for one that cannot be read", async () => {
  await using server = await startFakeDnsServer({
    "TXT long.example": { ...txt("x".repeat(200)), long: true },
    "TXT odd.example": { ...txt("x"), fault: "wrong-question" },
  });
  using test = openWay(server);
  assertEquals(await test.ask("long.example"), "x".repeat(200));
  assertEquals(vias(server), "udp tcp");
  assertEquals(await test.ask("odd.example"), "malformed: An answer to another question");
});

Deno.test("ask() believes no answer from another address or port", async () => {
  // Same port, another address of this host.
  await using server = await startFakeDnsServer({ "TXT a.example": txt("forged") });
  using test = openWay({ port: server.port, hostname: "127.0.0.2" });
  assertMatch(await test.ask("a.example"), /^unreachable: /);
  assertEquals(server.questions, []);
});

Deno.test("ask() finds UDP shut within a second, remembers it for 5 minutes and looks again", async () => {
  const shut = await startFakeDnsServer({ "TXT a.example": txt("1"), ...ROOT }, { udp: false });
  using test = openWay(shut);
  const started = test.clock.now();
  assertEquals(await test.ask("a.example"), "1");
  assertLessOrEqual(test.clock.now() - started, 950);
  assertEquals([test.events, test.way.state().udp], [["udp false"], "no answer"]);
  const again = test.clock.now();
  assertEquals(await test.ask("a.example"), "1");
  assertEquals(test.clock.now(), again);
  await shut.close();
  await using open = await startFakeDnsServer(shut.table, { port: shut.port });
  await (test.clock as ManualClock).advance(5 * 60_000);
  assertEquals(await test.ask("a.example"), "1");
  await passTime(test.clock as ManualClock, open.asked(2));
  while (test.events.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals([test.events, test.way.state().udp], [["udp false", "udp true"], "answers"]);
  assertEquals(await test.ask("a.example"), "1");
  assertEquals(open.questions.at(-1)?.via, "udp");
});

Deno.test("ask() is done within a second with a resolver that is gone", async () => {
  await using none = await startFakeDnsServer({}, { udp: false, tcp: false });
  using test = openWay(none);
  const started = test.clock.now();
  assertMatch(await test.ask("a.example"), /^unreachable: ConnectionRefused: /);
  assertLessOrEqual(test.clock.now() - started, 950);
  assertEquals(test.events.length, 1);
});

Deno.test("ask() uses TCP alone where resolv.conf says so", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": txt("1") });
  using test = openWay(server, { usesTcp: true });
  assertEquals(await test.ask("a.example"), "1");
  assertEquals([vias(server), test.way.state().udp], ["tcp", "off"]);
});

Deno.test("ask() speaks TCP where the runtime was started without UDP", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": txt("1") });
  const { listenDatagram } = Deno;
  // Without the flag for unstable features, Deno does not have it.
  Reflect.deleteProperty(Deno, "listenDatagram");
  try {
    using test = openWay(server);
    assertEquals(await test.ask("a.example"), "1");
    assertEquals([test.events, vias(server)], [["udp false"], "tcp"]);
  } finally {
    Object.assign(Deno, { listenDatagram });
  }
});

Deno.test("ask() over TCP alone: a question that is hung up on fails by itself", async () => {
  await using server = await startFakeDnsServer({
    "TXT bad.example": { fault: "close" },
    "TXT a.example": txt("1"),
    ...ROOT,
  });
  using test = openWay(server, { usesTcp: true });
  const names = ["a.example", "bad.example", "a.example", "a.example"];
  const outcomes = await Promise.all(names.map((name) => test.ask(name)));
  assertEquals(outcomes, ["1", "refused: connection closed by the DNS resolver", "1", "1"]);
  // The sign of life that was asked for came.
  assertEquals(await test.way.look(), true);
  assertEquals(test.events, []);
});

Deno.test("ask() over TCP alone: a resolver that hangs up on everything is down", async () => {
  await using server = await startFakeDnsServer({
    "TXT a.example": { fault: "close" },
    "NS .": { fault: "close" },
  });
  using test = openWay(server, { usesTcp: true });
  assertMatch(await test.ask("a.example"), /^refused: /);
  assertEquals(await test.way.look(), false);
  // The question has had it looked for as well, and that look may have ended before this one began.
  assertEquals(new Set(test.events), new Set(["down: connection closed by the DNS resolver"]));
});

Deno.test("ask() asks two questions over TCP alone in less than 20 ms", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": txt("1"), ...ROOT });
  using test = openWay(server, { usesTcp: true, clock: createClock() });
  await test.ask("a.example");
  const times: number[] = [];
  for (let round = 0; round < 11; round++) {
    const started = performance.now();
    await Promise.all([test.ask("a.example"), test.ask("a.example")]);
    times.push(performance.now() - started);
  }
  assertLess(times.toSorted((one, other) => one - other)[5]!, 20);
});

Deno.test("ask() turns to TCP when many questions are open and it works, and back to UDP without it", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await startFakeDnsServer({
    "TXT a.example": { ...txt("1"), after: gate.promise },
    "TXT b.example": txt("2"),
    ...ROOT,
  });
  using test = openWay(server);
  const open = Array.from({ length: 5 }, () => test.ask("a.example"));
  await server.asked(6);
  // It was looked at when there were many for the first time.
  while (test.way.state().tcp !== "answers") await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(await test.ask("b.example"), "2");
  assertEquals(server.questions.at(-1)?.via, "tcp");
  server.table["TXT b.example"] = { ...txt("3"), fault: "close" };
  const closed = test.ask("b.example", 1000);
  gate.resolve();
  await Promise.all(open);
  assertMatch(await closed, /^timeout/);
  assertEquals(test.events, []);
});

Deno.test("ask() leaves TCP for five minutes when it is silent, however many questions are open", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await startFakeDnsServer({
    "TXT a.example": { ...txt("1"), after: gate.promise },
    "TXT b.example": txt("2"),
    ...ROOT,
  });
  using test = openWay(server);
  const open = Array.from({ length: 5 }, () => test.ask("a.example", 60_000));
  await server.asked(6);
  while (test.way.state().tcp !== "answers") await new Promise((resolve) => setTimeout(resolve, 1));
  server.isTcpMute = true;
  assertEquals(await test.ask("b.example"), "2");
  assertEquals(test.way.state().tcp, "no answer");
  const before = server.questions.length;
  assertEquals(await test.ask("b.example"), "2");
  assertEquals(server.questions.slice(before).filter(({ via }) => via === "tcp"), []);
  gate.resolve();
  await Promise.all(open);
  assertEquals(test.events, []);
});

for (const rcode of ["FORMERR", "NOTIMP", "BADVERS"] as const) {
  Deno.test(`ask() steps down without EDNS after ${rcode}, and remembers it for an hour (RFC 6891 §7)`, async () => {
    await using server = await startFakeDnsServer({ "TXT a.example": { ...txt("1"), ad: true } });
    server.ednsRcode = rcode;
    using test = openWay(server);
    assertEquals([await test.ask("a.example"), await test.ask("a.example")], ["1", "1"]);
    assertEquals(server.questions.map(({ packet }) => packet.additionals?.length), [1, 0, 0]);
    assertEquals(new Set(server.questions.map(({ packet }) => packet.flag_ad)), new Set([true]));
    assertEquals([test.events, test.way.state().edns], [["edns false"], false]);
    await (test.clock as ManualClock).advance(3600 * 1000);
    assertEquals(await test.ask("a.example"), "1");
    assertEquals(test.events, ["edns false"]);
    server.ednsRcode = undefined;
    await (test.clock as ManualClock).advance(3600 * 1000);
    assertEquals(await test.ask("a.example"), "1");
    assertEquals([test.events, test.way.state().edns], [["edns false", "edns true"], true]);
  });
}

Deno.test("ask() does not blame EDNS for a question that is refused without it, too", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": { rcode: "FORMERR" } });
  using test = openWay(server);
  assertEquals(await test.ask("a.example"), "servfail: FORMERR");
  assertEquals([test.events, test.way.state().edns], [[], true]);
});

Deno.test("inspect() says which way a resolver answers", async () => {
  const states: string[] = [];
  for (const options of [{}, { tcp: false }, { udp: false }, { udp: false, tcp: false }]) {
    await using server = await startFakeDnsServer(ROOT, options);
    using test = openWay(server);
    await passTime(test.clock as ManualClock, test.way.inspect());
    const { udp, tcp } = test.way.state();
    states.push(`${udp}, ${tcp}`);
  }
  assertEquals(states, [
    "answers, answers",
    "answers, no answer",
    "no answer, answers",
    "no answer, no answer",
  ]);
});

Deno.test("close() ends questions under way and later ones", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": { fault: "silence" } });
  using test = openWay(server);
  const open = test.ask("a.example");
  await server.asked(1);
  test.way.close();
  assertEquals(await open, "unreachable: the client is closed");
  assertEquals(await test.ask("a.example"), "unreachable: the client is closed");
  assertEquals((test.clock as ManualClock).pending, 0);
});
