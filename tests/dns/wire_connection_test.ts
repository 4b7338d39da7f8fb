import { assertEquals, assertLess, assertLessOrEqual, assertMatch } from "@std/assert";
import type { WireFailure } from "../../src/dns/exchange.ts";
import { decodeReply, encodeQuestion } from "../../src/dns/message.ts";
import type { Question, Reply } from "../../src/dns/message.ts";
import { WireConnection } from "../../src/dns/wire_connection.ts";
import { createClock } from "../../src/base/clock.ts";
import type { Clock } from "../../src/base/clock.ts";
import { startFakeDnsServer, txt } from "../fakes/fake_dns_server.ts";
import type { FakeDnsServer } from "../fakes/fake_dns_server.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { passTime } from "./support.ts";

const ROOT: Question = { name: "", type: "NS" };

/** A connection to a server, closed at the end of the scope. */
class Wire<C extends Clock = ManualClock> extends WireConnection implements Disposable {
  readonly clock: C;

  constructor(server: { port: number }, clock: C = new ManualClock() as unknown as C) {
    // On the manual clock it would come with every jump.
    const nudge = clock instanceof ManualClock ? undefined : () => encodeQuestion(ROOT);
    super({ hostname: "127.0.0.1", port: server.port }, { clock, nudge });
    this.clock = clock;
  }

  txt(
    name: string,
    options: { timeout?: number; signal?: AbortSignal } = {},
  ): Promise<Reply<string> | WireFailure> {
    const question: Question<"TXT"> = { name, type: "TXT" };
    return this.ask<Reply<string>>(encodeQuestion(question), {
      decode: (message) => decodeReply(message, question),
      timeout: 5000,
      ...options,
    });
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What was found, or why nothing was. */
async function outcome(asked: Promise<Reply<string> | WireFailure>): Promise<string> {
  const reply = await asked;
  if (reply.kind === "found") return reply.records.join();
  return reply.kind === "failed" ? reply.reason : reply.kind;
}

/** `count` names, each with its own number for a record, answered after `after`. */
function numbered(count: number, after?: Promise<void>): [string[], FakeDnsServer["table"]] {
  const names = Array.from({ length: count }, (_, n) => `n${n}.example`);
  const entries = names.map((name, n) => [`TXT ${name}`, { ...txt(`${n}`), after }]);
  return [names, Object.fromEntries(entries)];
}

Deno.test("ask() connects when there is something to ask, and once", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": txt("1") });
  using wire = new Wire(server);
  assertEquals(server.connections, 0);
  assertEquals(await outcome(wire.txt("a.example")), "1");
  assertEquals(await outcome(wire.txt("b.example")), "nxdomain");
  assertEquals(server.connections, 1);
});

Deno.test("ask() pipelines 1000 questions over one connection, 512 at a time", async () => {
  const gate = Promise.withResolvers<void>();
  const [names, table] = numbered(1000, gate.promise);
  await using server = await startFakeDnsServer(table);
  using wire = new Wire(server);
  const outcomes = names.map((name) => outcome(wire.txt(name)));
  await server.asked(512);
  assertEquals(server.questions.length, 512);
  assertEquals(new Set(server.questions.map(({ packet }) => packet.id)).size, 512);
  gate.resolve();
  assertEquals(await Promise.all(outcomes), names.map((_, n) => `${n}`));
  assertEquals([server.connections, server.questions.length], [1, 1000]);
});

Deno.test("ask() takes answers in any order", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await startFakeDnsServer({
    "TXT slow.example": { ...txt("slow"), after: gate.promise },
    "TXT fast.example": txt("fast"),
  });
  using wire = new Wire(server);
  const slow = outcome(wire.txt("slow.example"));
  assertEquals(await outcome(wire.txt("fast.example")), "fast");
  gate.resolve();
  assertEquals(await slow, "slow");
});

Deno.test("ask() takes long answers, and several that come in pieces", async () => {
  const text = "x".repeat(255);
  await using server = await startFakeDnsServer({
    "TXT long.example": txt(...Array(200).fill(text)),
  });
  using wire = new Wire(server);
  const replies = await Promise.all([1, 2, 3].map(() => wire.txt("long.example")));
  for (const reply of replies) {
    assertEquals(reply.kind === "found" && reply.records, Array(200).fill(text));
  }
});

Deno.test("ask() connects anew after the resolver closed an idle connection", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": txt("1") });
  using wire = new Wire(server);
  await wire.txt("a.example");
  server.disconnect();
  assertEquals(await outcome(wire.txt("a.example")), "1");
  assertEquals(server.connections, 2);
});

Deno.test("ask() asks again what was open when the connection ended", async () => {
  const gate = Promise.withResolvers<void>();
  const [names, table] = numbered(3, gate.promise);
  await using server = await startFakeDnsServer(table);
  using wire = new Wire(server);
  const outcomes = names.map((name) => outcome(wire.txt(name)));
  await server.asked(3);
  server.disconnect();
  // One of them may have been the reason, so the others wait for it.
  await server.asked(4);
  gate.resolve();
  assertEquals(await Promise.all(outcomes), ["0", "1", "2"]);
});

Deno.test("ask() gets through with a resolver that answers few questions per connection", async () => {
  const [names, table] = numbered(50);
  await using server = await startFakeDnsServer(table);
  server.questionsPerConnection = 10;
  using wire = new Wire(server);
  const outcomes = await Promise.all(names.map((name) => outcome(wire.txt(name))));
  assertEquals(outcomes, names.map((_, n) => `${n}`));
  assertLessOrEqual(server.connections, 6);
});

for (const fault of ["close", "cut"] as const) {
  Deno.test(`ask() fails when the resolver hangs up on a question twice (${fault})`, async () => {
    await using server = await startFakeDnsServer({ "TXT a.example": { fault } });
    using wire = new Wire(server);
    assertEquals(await outcome(wire.txt("a.example")), "refused");
    assertEquals([server.connections, server.questions.length], [2, 2]);
  });
}

Deno.test("ask() answers all questions but the one over which the resolver hangs up", async () => {
  const [names, table] = numbered(200);
  await using server = await startFakeDnsServer({
    ...table,
    "TXT n77.example": { fault: "close" },
    "TXT n150.example": { fault: "close" },
  });
  using wire = new Wire(server);
  const outcomes = await Promise.all(names.map((name) => outcome(wire.txt(name))));
  const expected = names.map((_, n) => n === 77 || n === 150 ? "refused" : `${n}`);
  assertEquals(outcomes, expected);
  assertLessOrEqual(server.connections, 40);
});

Deno.test("ask() finds the question over which the resolver hangs up before it answers any", async () => {
  const gate = Promise.withResolvers<void>();
  const [names, table] = numbered(20, gate.promise);
  await using server = await startFakeDnsServer({ ...table, "TXT n7.example": { fault: "close" } });
  using wire = new Wire(server);
  const outcomes = names.map((name) => outcome(wire.txt(name)));
  // Down to a single question, which is a slow one, and must not hold the others up.
  const late = passTime(wire.clock, outcomes[7]!);
  assertEquals(await late, "refused");
  gate.resolve();
  assertEquals(await Promise.all(outcomes), names.map((_, n) => n === 7 ? "refused" : `${n}`));
});

Deno.test("ask() does not wait 40 ms for a resolver with Nagle's algorithm on", async () => {
  await using server = await startFakeDnsServer({
    "TXT a.example": txt("a"),
    "TXT b.example": txt("b"),
  });
  using wire = new Wire(server, createClock());
  await wire.txt("a.example");
  const times: number[] = [];
  for (let round = 0; round < 10; round++) {
    const started = performance.now();
    const both = [wire.txt("a.example"), wire.txt("b.example")].map(outcome);
    assertEquals(await Promise.all(both), ["a", "b"]);
    times.push(performance.now() - started);
  }
  assertLess(times.toSorted((one, other) => one - other)[5]!, 20);
});

Deno.test("ask() fails when two connections bring bytes that are no message", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": { fault: "runt" } });
  using wire = new Wire(server);
  assertEquals(await outcome(wire.txt("a.example")), "malformed");
  assertEquals(server.connections, 2);
});

for (const fault of ["garbage", "wrong-question", "echo"] as const) {
  Deno.test(`ask() leaves a connection after a foreign answer and repeats the others (${fault})`, async () => {
    const gate = Promise.withResolvers<void>();
    await using server = await startFakeDnsServer({
      "TXT bad.example": { ...txt("x"), fault },
      "TXT good.example": { ...txt("good"), after: gate.promise },
    });
    using wire = new Wire(server);
    const good = outcome(wire.txt("good.example"));
    assertEquals(await outcome(wire.txt("bad.example")), "malformed");
    await server.asked(3);
    gate.resolve();
    assertEquals(await good, "good");
    assertEquals(server.connections, 2);
  });
}

Deno.test("ask() ignores an answer with a foreign id", async () => {
  const clock = new ManualClock();
  await using server = await startFakeDnsServer({
    "TXT a.example": { ...txt("x"), fault: "wrong-id" },
    "TXT b.example": txt("b"),
  });
  using wire = new Wire(server, clock);
  const stray = wire.txt("a.example");
  assertEquals(await outcome(wire.txt("b.example")), "b");
  await clock.advance(5000);
  assertEquals(await stray, {
    kind: "failed",
    reason: "timeout",
    detail: "no answer within 5000 ms",
    silent: false,
  });
  assertEquals(server.connections, 1);
});

Deno.test("ask() gives up at the deadline and lets the late answer pass", async () => {
  const clock = new ManualClock();
  const gate = Promise.withResolvers<void>();
  await using server = await startFakeDnsServer({
    "TXT a.example": { ...txt("late"), after: gate.promise },
    "TXT b.example": txt("b"),
  });
  using wire = new Wire(server, clock);
  const late = outcome(wire.txt("a.example", { timeout: 500 }));
  await server.asked(1);
  await clock.advance(499);
  assertEquals(clock.pending, 1);
  await clock.advance(1);
  assertEquals(await late, "timeout");
  gate.resolve();
  assertEquals(await outcome(wire.txt("b.example")), "b");
  assertEquals(server.connections, 1);
});

Deno.test("ask() says when the resolver was silent, and replaces the connection", async () => {
  const clock = new ManualClock();
  await using server = await startFakeDnsServer({ "TXT a.example": { fault: "silence" } });
  using wire = new Wire(server, clock);
  assertEquals(await outcome(wire.txt("b.example")), "nxdomain");
  const first = wire.txt("a.example", { timeout: 1500 });
  await server.asked(2);
  await clock.advance(1000);
  const second = outcome(wire.txt("a.example", { timeout: 3000 }));
  await server.asked(3);
  await clock.advance(500);
  const reply = await first;
  assertEquals([reply.kind, "silent" in reply && reply.silent], ["failed", true]);
  server.table["TXT a.example"] = txt("awake");
  assertEquals(await second, "awake");
  assertEquals(server.connections, 2);
});

Deno.test("ask() replaces a connection on which too many answers are due", async () => {
  const clock = new ManualClock();
  const [names, table] = numbered(257);
  for (const name of names) table[`TXT ${name}`] = { fault: "silence" };
  await using server = await startFakeDnsServer(table);
  using wire = new Wire(server, clock);
  for (let at = 0; at < names.length; at += 100) {
    const batch = names.slice(at, at + 100).map((name) =>
      outcome(wire.txt(name, { timeout: 500 }))
    );
    await server.asked(Math.min(at + 100, names.length));
    assertEquals(server.connections, 1);
    await clock.advance(500);
    assertEquals(new Set(await Promise.all(batch)), new Set(["timeout"]));
  }
  assertEquals(await outcome(wire.txt("other.example")), "nxdomain");
  assertEquals(server.connections, 2);
});

Deno.test("ask() keeps a connection on which the answers come late", async () => {
  const clock = new ManualClock();
  await using server = await startFakeDnsServer();
  using wire = new Wire(server, clock);
  for (let round = 1; round <= 3; round++) {
    const gate = Promise.withResolvers<void>();
    const [names, table] = numbered(100, gate.promise);
    Object.assign(server.table, table);
    const outcomes = names.map((name) => outcome(wire.txt(name, { timeout: 500 })));
    await server.asked(round * 101 - 1);
    await clock.advance(500);
    assertEquals(new Set(await Promise.all(outcomes)), new Set(["timeout"]));
    gate.resolve();
    // Its answer comes behind the late ones.
    assertEquals(await outcome(wire.txt("other.example")), "nxdomain");
  }
  assertEquals(server.connections, 1);
});

Deno.test("ask() gives up when the caller does", async () => {
  await using server = await startFakeDnsServer({ "TXT a.example": { fault: "silence" } });
  using wire = new Wire(server);
  const caller = new AbortController();
  const asked = wire.txt("a.example", { signal: caller.signal });
  await server.asked(1);
  caller.abort();
  assertEquals(await outcome(asked), "timeout");
  assertEquals(await outcome(wire.txt("b.example", { signal: caller.signal })), "timeout");
  assertEquals(server.questions.length, 1);
});

Deno.test("ask() bounds the questions that wait", async () => {
  const clock = new ManualClock();
  await using server = await startFakeDnsServer({ "TXT a.example": { fault: "silence" } });
  using wire = new Wire(server, clock);
  const taken = Array.from({ length: 512 + 4096 }, () => outcome(wire.txt("a.example")));
  assertEquals(await outcome(wire.txt("a.example")), "timeout");
  assertEquals(clock.pending, 512 + 4096 + 1);
  wire.close();
  assertEquals(new Set(await Promise.all(taken)), new Set(["unreachable"]));
});

Deno.test("ask() closes the connection when it is idle", async () => {
  const clock = new ManualClock();
  await using server = await startFakeDnsServer();
  using wire = new Wire(server, clock);
  await wire.txt("a.example");
  await clock.advance(19_999);
  await wire.txt("a.example");
  assertEquals(server.connections, 1);
  await clock.advance(20_000);
  assertEquals(clock.pending, 0);
  await wire.txt("a.example");
  assertEquals(server.connections, 2);
});

Deno.test("ask() fails at once when nobody listens", async () => {
  const server = await startFakeDnsServer();
  await server.close();
  using wire = new Wire(server);
  const replies = await Promise.all([wire.txt("a.example"), wire.txt("b.example")]);
  for (const reply of replies) {
    assertEquals(reply.kind === "failed" && reply.reason, "unreachable");
    assertMatch(reply.kind === "failed" ? reply.detail : "", /^ConnectionRefused: [^\n]+$/);
  }
});

Deno.test("ask() does not wait for ever for a connection", async () => {
  // A full backlog makes the kernel drop the SYN, as a firewall does.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const port = listener.addr.port;
  const filling = [await Deno.connect({ port }), await Deno.connect({ port })];
  const clock = new ManualClock();
  using wire = new Wire({ port }, clock);
  const early = wire.txt("a.example", { timeout: 1500 });
  const asked = wire.txt("a.example");
  await clock.advance(1500);
  const given = await early;
  assertEquals([given.kind, "silent" in given && given.silent], ["failed", true]);
  await clock.advance(500);
  assertEquals(await asked, {
    kind: "failed",
    reason: "unreachable",
    detail: "no connection within 2000 ms",
    silent: false,
  });
  for (const conn of filling) conn.close();
});

Deno.test("close() fails open and later questions and does not connect again", async () => {
  const clock = new ManualClock();
  await using server = await startFakeDnsServer({ "TXT a.example": { fault: "silence" } });
  const wire = new Wire(server, clock);
  const open = outcome(wire.txt("a.example"));
  await server.asked(1);
  wire.close();
  assertEquals(await open, "unreachable");
  assertEquals(await outcome(wire.txt("a.example")), "unreachable");
  assertEquals([server.connections, clock.pending], [1, 0]);
});
