import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createAdjustableLog, createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createResponder, type ReadyReply } from "../../src/postfix/responder.ts";
import type { DomainException } from "../../src/resolver/exception.ts";
import { type AnswerChoice, createAnswerLog } from "../../src/status/answer_log.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createWorld, DAY, MINUTE, ZONE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";
import { received } from "../postfix/support.ts";

/** A world that Postfix asks, with the log of its answers. */
function answering(
  choice: AnswerChoice,
  options: { level?: "debug" | "info"; domains?: readonly DomainException[] } = {},
) {
  const { level = "info", domains = [] } = options;
  const world = createWorld({ settings: { domains } });
  const lines: string[] = [];
  const log = createLog({ level, format: "text", write: (line) => lines.push(line) });
  const answers = createAnswerLog({ log, clock: world.clock });
  const readyReplies = new Map<number, ReadyReply>();
  const zones = [ZONE, { ...ZONE, name: "strict", onDnsFailure: "defer" as const }];
  const respond = createResponder({
    resolve: (nextHop, zone) => world.resolver.resolve(nextHop, zone),
    zoneFor: (name) => zones.find((zone) => zone.name === name) ?? ZONE,
    clock: world.clock,
    log,
    metrics: createMetrics(),
    readyReplies,
    onReply: answers.follow(choice),
  });
  /** Asks, and returns the lines that came of it, without time and level. */
  async function ask(...keys: string[]): Promise<string[]> {
    for (const key of keys) {
      const text = key.includes(" ") ? key : `postfix ${key}`;
      await respond(received(text), world.clock.now());
    }
    return lines.splice(0).map((line) => line.replace(/^\S+ \w+ +/, "").trimEnd());
  }
  return { world, ask, lines };
}

/** After this, every ready reply is out of date. */
async function later(world: World): Promise<void> {
  await world.clock.advance(10 * MINUTE);
}

const TICKET: DomainException = {
  domain: "partner.example",
  policy: "ignore",
  mx: [],
  dane: undefined,
  until: Date.UTC(2027, 0, 1),
  reason: "their certificate",
};

Deno.test("log.answers: changes has the first answer for a domain and each different one", async () => {
  const { world, ask } = answering("changes");
  world.publish("example.com");
  assertEquals(await ask("example.com"), [
    'first answer domain=example.com zone=default reply="OK secure" outcome=fetched reason="mode enforce"',
  ]);
  assertEquals(await ask("example.com", "EXAMPLE.com"), []);
  await later(world);
  assertEquals(await ask("example.com"), [], "another outcome is the same answer");
  world.publish("example.com", { id: "2", mode: "testing" });
  await later(world);
  await ask("example.com");
  await later(world);
  assertEquals(await ask("example.com"), [
    "answer changed domain=example.com zone=default reply=NOTFOUND outcome=rechecking " +
    'reason="mode testing, nothing is enforced" before="OK secure"',
  ]);
});

Deno.test("log.answers: changes has the reason of each TEMP, and what Postfix really got", async () => {
  const { world, ask } = answering("changes");
  world.publish("example.com", { mx: ["elsewhere.example"] });
  assertEquals(await ask("example.com"), [
    "first answer domain=example.com zone=default reply=TEMP outcome=fetched " +
    'reason="no MX host of example.com matches its MTA-STS policy"',
  ]);
  world.dns.table["TXT _mta-sts.down.example"] = "servfail";
  assertEquals(await ask("strict down.example"), [
    "first answer domain=down.example zone=strict reply=TEMP outcome=dns-failure " +
    'reason="cannot learn the MTA-STS policy of down.example: DNS failure"',
  ]);
});

Deno.test("log.answers: changes keeps zones and next hops apart", async () => {
  const { world, ask } = answering("changes");
  world.publish("example.com");
  await ask("example.com");
  assertMatch(
    (await ask("strict example.com")).join(),
    /^first answer domain=example.com zone=str/,
  );
  const [line = ""] = await ask("example.com:587");
  assertStringIncludes(
    line,
    "first answer domain=example.com nexthop=example.com:587 zone=default",
  );
});

Deno.test("log.answers: changes is silent about domains without a policy, until they have one", async () => {
  const { world, ask } = answering("changes");
  world.dns.table["TXT _mta-sts.down.example"] = "servfail";
  assertEquals(await ask("none.example", "down.example", "[192.0.2.1]", ".example.com", "x"), []);
  await later(world);
  world.publish("none.example");
  assertStringIncludes((await ask("none.example")).join(), 'reply="OK secure"');
  world.resolver.purge("none.example");
  delete world.dns.table["TXT _mta-sts.none.example"];
  await later(world);
  assertEquals(await ask("none.example"), [
    "answer changed domain=none.example zone=default reply=NOTFOUND outcome=no-record " +
    'reason="no policy: there is no usable TXT record (RFC 8461 §3.1)" before="OK secure"',
  ]);
});

Deno.test("log.answers: changes names the exception", async () => {
  const { world, ask } = answering("changes", { domains: [TICKET] });
  world.publish("partner.example");
  assertEquals(await ask("partner.example"), [
    "first answer domain=partner.example zone=default reply=NOTFOUND outcome=exception-ignore " +
    'reason="an exception of the configuration says that no policy counts" ' +
    'exception="partner.example: policy: ignore: their certificate"',
  ]);
  await world.clock.advance(TICKET.until - world.clock.now());
  assertMatch((await ask("partner.example")).join(), /^answer changed .*before=NOTFOUND$/);
});

Deno.test("log.answers: changes writes the others at level debug", async () => {
  const { ask } = answering("changes", { level: "debug" });
  assertEquals((await ask("none.example")).filter((line) => line.startsWith("answered")), [
    "answered domain=none.example zone=default reply=NOTFOUND outcome=no-record " +
    'reason="no policy: there is no usable TXT record (RFC 8461 §3.1)"',
  ]);
});

Deno.test("log.answers: changes is bounded, and says what it left out", async () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", write: (line) => lines.push(line) });
  const note = createAnswerLog({ log, clock }).follow("changes");
  const askAll = () => {
    for (let index = 0; index < 1100; index++) {
      const domain = `d${index}.example`;
      const resolved = { outcome: "fetched", mode: "enforce" } as const;
      note({ key: domain, domain, zone: ZONE, text: `OK secure match=mx.${domain}`, resolved });
    }
    return lines.splice(0).length;
  };
  assertEquals(askAll(), 1000);
  await clock.advance(MINUTE);
  assertStringIncludes(lines.splice(0).join(), "answers not logged, too many changes count=100\n");
  // What was left out is logged when it is asked for again: a minute has earned 30 lines.
  assertEquals(askAll(), 30);
  await clock.advance(10 * MINUTE);
  assertEquals(lines.splice(0).length, 1);
  assertEquals(askAll(), 70);
  await clock.advance(DAY);
  assertEquals([askAll(), clock.pending], [0, 0]);
});

Deno.test("log.answers: all has one line an answer, keys that are no domain included", async () => {
  const { world, ask } = answering("all");
  world.publish("example.com");
  assertEquals((await ask("example.com", "none.example")).map((line) => line.slice(0, 45)), [
    "answered domain=example.com zone=default repl",
    "answered domain=none.example zone=default rep",
  ]);
  assertEquals(await ask("\xff\x1b.example"), [
    'answered domain="\ufffd\\u001b.example" zone=default reply=NOTFOUND ' +
    'reason="not a domain that can have a policy"',
  ]);
});

Deno.test("log.answers: none has nothing", async () => {
  const { world, ask } = answering("none");
  world.publish("example.com");
  assertEquals(await ask("example.com", "none.example"), []);
});

Deno.test("log.answers: the level at the time of the answer counts, since a reload changes it after the choice", () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createAdjustableLog({ level: "warn", format: "text", write });
  const answers = createAnswerLog({ log, clock: new ManualClock() });
  const [changes, all] = [answers.follow("changes"), answers.follow("all")];
  const resolved = { outcome: "fetched", mode: "enforce" } as const;
  const reply = { key: "a.example", domain: "a.example", zone: ZONE, text: "OK secure", resolved };
  changes(reply);
  all(reply);
  assertEquals(lines.length, 0);
  log.adjust({ level: "info", format: "text" });
  changes(reply);
  all(reply);
  assertEquals(lines.map((line) => / (first answer|answered) /.exec(line)?.[1]), [
    "first answer",
    "answered",
  ]);
});
