import { assertEquals, assertStrictEquals } from "@std/assert";
import type { DnsAnswer, DnsClient } from "../../src/dns/types.ts";
import { createLookAhead } from "../../src/https/look_ahead.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const HOST = "mta-sts.x.test";

function createWorld() {
  const clock = new ManualClock();
  const asked: { question: string; signal: AbortSignal | undefined }[] = [];
  const answer: DnsAnswer<string> = { kind: "nodata", secure: false, validated: false, ttl: 1 };
  const lookup = ((name, type, { signal } = {}) => {
    asked.push({ question: `${type} ${name}`, signal });
    return Promise.resolve(answer);
  }) as DnsClient["lookup"];
  const questions = () => asked.map(({ question }) => question);
  return { clock, asked, lookup, questions, ahead: createLookAhead({ lookup, clock }) };
}

Deno.test("createLookAhead() asks for both families, and hands the answers to one fetch", async () => {
  const { clock, lookup, questions, ahead } = createWorld();
  ahead.begin(HOST);
  ahead.begin(HOST);
  assertEquals(questions(), [`A ${HOST}`, `AAAA ${HOST}`]);
  const find = ahead.find(HOST);
  await Promise.all([find(HOST, "A"), find(HOST, "AAAA")]);
  assertEquals(questions().length, 2);
  assertStrictEquals(ahead.find(HOST), lookup, "the next fetch asks for itself");
  assertEquals(clock.pending, 0);
});

Deno.test("createLookAhead() drops answers that no fetch takes within a second", async () => {
  const { clock, asked, lookup, ahead } = createWorld();
  ahead.begin(HOST);
  await clock.advance(1000);
  assertStrictEquals(ahead.find(HOST), lookup);
  assertEquals(asked.map(({ signal }) => signal?.aborted), [true, true]);
});

Deno.test("createLookAhead() ends its look-ups with the fetch that takes them", () => {
  const { asked, ahead } = createWorld();
  ahead.begin(HOST);
  const controller = new AbortController();
  ahead.find(HOST)(HOST, "A", { signal: controller.signal });
  assertEquals(asked[0]?.signal?.aborted, false);
  controller.abort("given up");
  assertEquals(asked.map(({ signal }) => signal?.reason), ["given up", "given up"]);
});

Deno.test("createLookAhead() looks ahead for 256 hosts at a time", async () => {
  const { clock, questions, ahead } = createWorld();
  for (let number = 0; number < 300; number++) ahead.begin(`mta-sts.d${number}.test`);
  assertEquals(questions().length, 512);
  await clock.advance(1000);
});
