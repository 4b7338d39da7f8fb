import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import type { DomainException } from "../../src/resolver/exception.ts";
import { isInForce } from "../../src/resolver/exceptions.ts";
import type { ResolverEvent } from "../../src/resolver/types.ts";
import { createExceptionWatch } from "../../src/status/exception_watch.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { DAY, HOUR, MINUTE, ZONE } from "../fakes/world.ts";
import { createTestSite, elementsOf, put } from "./support.ts";

const START = Date.UTC(2026, 0, 1);

function exception(domain: string, given: Partial<DomainException> = {}): DomainException {
  return {
    domain,
    policy: "ignore",
    mx: [],
    dane: undefined,
    until: START + 10 * DAY,
    reason: "ticket 4711",
    ...given,
  };
}

/** A watch with its log and metrics. */
function watching() {
  const clock = new ManualClock(START);
  const metrics = createMetrics();
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", write: (line) => lines.push(line) });
  const hasEnded = (each: DomainException) => !isInForce(each, clock.proven());
  const watch = createExceptionWatch({ log, metrics, clock, hasEnded });
  return {
    clock,
    watch,
    /** The lines since the last call, without their times. */
    logged: () => lines.splice(0).map((line) => line.replace(/^\S+ /, "").trimEnd()),
    count: (name: string) =>
      Object.fromEntries(
        metrics.samples(name).map(({ labels, value }) => [Object.values(labels)[0], value]),
      ),
    metrics,
  };
}

function answered(given: DomainException | undefined): ResolverEvent {
  return {
    kind: "answer",
    domain: "a.example",
    zone: ZONE,
    outcome: "exception-ignore",
    answer: { kind: "notfound" },
    exception: given,
  };
}

Deno.test("an exception is logged when it comes into force, is first applied, and ends", async () => {
  const { clock, watch, logged } = watching();
  const one = exception("a.example");
  watch.use([one]);
  const fields =
    'domain=a.example exception="policy: ignore" until=2026-01-10 reason="ticket 4711"';
  assertEquals(logged(), [`INFO  exception in force ${fields}`]);
  for (let i = 0; i < 3; i++) watch.note(answered(one));
  watch.note(answered(undefined));
  assertEquals(logged(), [`INFO  exception first applied ${fields} for=a.example zone=default`]);
  await clock.advance(10 * DAY - MINUTE);
  assertEquals(logged(), []);
  await clock.advance(MINUTE);
  assertEquals(logged(), [`WARN  exception has ended ${fields}`]);
  watch.stop();
});

Deno.test("an exception that has ended warns once a day, for a week", async () => {
  const { clock, watch, logged } = watching();
  watch.use([
    exception("a.example", { until: START }),
    exception("b.example", {
      until: START - 8 * DAY,
    }),
  ]);
  assertEquals(logged().length, 1, "at the start too, but not after a week");
  for (let day = 1; day < 7; day++) {
    await clock.advance(DAY);
    assertEquals(logged().length, 1, `day ${day}`);
  }
  await clock.advance(30 * DAY);
  assertEquals(logged(), []);
  watch.stop();
});

Deno.test("a reload keeps what was counted for an exception that has not changed", () => {
  const { watch, logged } = watching();
  const one = exception("a.example");
  watch.use([one, exception("b.example")]);
  watch.note(answered(one));
  logged();
  const same = exception("a.example");
  const other = exception("b.example", { reason: "another ticket" });
  watch.use([same, other]);
  assertEquals(logged().map((line) => line.split(" exception=")[0]), [
    "INFO  exception in force domain=b.example",
    "INFO  exception removed domain=b.example",
  ]);
  watch.note(answered(same));
  watch.note(answered(one));
  assertEquals(watch.list().map(({ count, lastAt }) => [count, lastAt]), [[2, START], [
    0,
    undefined,
  ]]);
  assertEquals(logged(), []);
  watch.stop();
});

Deno.test("a long list of exceptions does not flood the log", async () => {
  const { clock, watch, logged } = watching();
  watch.use(Array.from({ length: 60 }, (_, index) => exception(`d${index}.example`)));
  const lines = logged();
  assertEquals(lines.length, 51);
  assertEquals(lines.at(-1), "INFO  exception in force, and more count=10");
  await clock.advance(10 * DAY);
  assertEquals(logged().length, 51);
  watch.stop();
});

Deno.test("the metrics of exceptions have finite labels, and the next end", async () => {
  const { clock, watch, count, metrics } = watching();
  const nextEnd = () => /^\S+next_end_timestamp_seconds (\S+)$/m.exec(metrics.render())![1];
  assertEquals([count("mta_sts_exceptions"), nextEnd()], [{ active: 0, ended: 0 }, "NaN"]);
  const enforce = exception("b.example", { policy: "enforce", mx: ["mx.b.example"], dane: "off" });
  const dane = exception("c.example", { policy: undefined, dane: "off", until: START + HOUR });
  watch.use([exception("a.example"), enforce, dane]);
  assertEquals(count("mta_sts_exceptions"), { active: 3, ended: 0 });
  assertEquals(nextEnd(), String((START + HOUR) / 1000));
  for (const each of [enforce, dane, dane]) watch.note(answered(each));
  assertEquals(count("mta_sts_exception_answers_total"), { ignore: 0, enforce: 1, "dane-off": 2 });
  await clock.advance(HOUR);
  assertEquals(count("mta_sts_exceptions"), { active: 2, ended: 1 });
  assertEquals(nextEnd(), String((START + 10 * DAY) / 1000));
  watch.stop();
});

Deno.test("the status page has the exceptions, and the page of a domain its own", async () => {
  const domains = [
    exception("*.corp.example", { policy: undefined, dane: "off", until: START + HOUR }),
    exception("partner.example", { reason: '<b>"their" certificate</b>' }),
  ];
  const { world, store, clock, get } = await createTestSite({ domains });
  put(store, "partner.example");
  for (let i = 0; i < 2; i++) await world.reply("partner.example");
  await clock.advance(HOUR);
  const { body } = await get("/");
  assert(elementsOf(body).includes("table"));
  const text = body.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
  assertStringIncludes(
    text,
    "partner.example policy: ignore 2026-01-10, in 9 d 2 times, last 60 min ago " +
      "&lt;b&gt;&quot;their&quot; certificate&lt;/b&gt;",
  );
  assertStringIncludes(text, "*.corp.example dane: off ended now never ticket 4711");
  assertStringIncludes(text, "Working, but check Exceptions");
  assertStringIncludes((await get("/domain/partner.example")).body, "<dt>Exception</dt>");
  assertEquals((await get("/domain/a.corp.example")).body.includes("<dt>Exception</dt>"), false);
});

Deno.test("health says for a week that an exception has ended", async () => {
  const domains = [
    ...["a", "b", "c", "d"].map((name) => exception(`${name}.example`, { until: START + HOUR })),
    exception("e.example"),
  ];
  const { clock, get } = await createTestSite({ domains });
  const check = async () => {
    const { checks } = JSON.parse((await get("/readyz")).body);
    return checks.find(({ name }: { name: string }) => name === "exceptions");
  };
  assertEquals(await check(), { name: "exceptions", status: "ok", detail: "5 in force" });
  await clock.advance(HOUR);
  assertEquals(await check(), {
    name: "exceptions",
    status: "warning",
    detail: "exceptions have ended: a.example on 2026-01-01T01:00:00Z, " +
      "b.example on 2026-01-01T01:00:00Z, c.example on 2026-01-01T01:00:00Z, and 1 more",
  });
  await clock.advance(7 * DAY);
  assertEquals((await check()).status, "ok");
});

Deno.test("a site without exceptions shows nothing of them", async () => {
  const { get } = await createTestSite();
  assertEquals((await get("/")).body.includes("Exceptions"), false);
  assertEquals((await get("/readyz")).body.includes("exception"), false);
});
