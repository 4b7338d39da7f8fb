import { assertEquals, assertStringIncludes } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createObserver } from "../../src/status/observer.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createWorld, DAY, HOUR, MINUTE, ZONE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

/** A world whose events are observed, with the log and one counter to look at. */
function observed(maxAge: number) {
  const world = createWorld();
  world.publish("example.com", { maxAge });
  const lines: string[] = [];
  const metrics = createMetrics();
  const log = createLog({ level: "info", format: "text", write: (line) => lines.push(line) });
  const observe = createObserver({
    log,
    metrics,
    warnings: createWarnings({ log, clock: world.clock }),
    now: () => world.clock.now(),
    refreshInterval: DAY,
    failures: { dns: [], fetch: [] },
  });
  async function ask(): Promise<string> {
    await world.resolve("example.com");
    await world.clock.advance(MINUTE);
    world.events.splice(0).forEach(observe);
    return lines.splice(0).join("");
  }
  const overdue = () => metrics.samples("mta_sts_policies_overdue_total");
  return { world, ask, overdue };
}

function hideRecord(world: World): void {
  world.dns.table["TXT _mta-sts.example.com"] = "servfail";
  delete world.hosts["example.com"];
}

Deno.test("createObserver() tells when a policy is found, changed and downgraded", async () => {
  const { world, ask } = observed(604_800);
  assertStringIncludes(await ask(), "INFO  policy found domain=example.com id=1 mode=enforce");
  world.publish("example.com", { id: "2", mx: ["mx2.example.com"] });
  await world.clock.advance(5 * MINUTE);
  assertStringIncludes(await ask(), "INFO  policy changed domain=example.com id=2");
  world.publish("example.com", { id: "3", mode: "testing" });
  await world.clock.advance(5 * MINUTE);
  const line = await ask();
  assertStringIncludes(line, "WARN  policy downgraded domain=example.com id=3 mode=testing");
  assertStringIncludes(line, "from=enforce");
});

Deno.test("createObserver() warns of a policy that stays in use, and of one overdue (RFC 8461 §10.2)", async () => {
  const { world, ask, overdue } = observed(30 * 86_400);
  await ask();
  hideRecord(world);
  await world.clock.advance(HOUR);
  assertStringIncludes(await ask(), "WARN  policy kept domain=example.com reason=servfail");
  await world.clock.advance(2 * DAY);
  const line = await ask();
  assertStringIncludes(line, "WARN  policy not refreshed domain=example.com reason=connect");
  assertStringIncludes(line, "hours=49");
  assertEquals(overdue().map(({ value }) => value), [1]);
});

Deno.test("createObserver() warns of a policy about to expire without a fetch (RFC 8461 §3.3)", async () => {
  const { world, ask } = observed(86_400);
  await ask();
  hideRecord(world);
  await world.clock.advance(0.7 * DAY);
  assertStringIncludes(await ask(), "policy kept domain=example.com");
  await world.clock.advance(0.1 * DAY);
  assertStringIncludes(await ask(), "policy not refreshed domain=example.com");
});

Deno.test("createObserver() says nothing when a policy of mode none is gone (RFC 8461 §8.3)", async () => {
  const { world, ask } = observed(604_800);
  world.publish("example.com", { mode: "none" });
  await ask();
  world.dns.table["TXT _mta-sts.example.com"] = "nxdomain";
  await world.clock.advance(HOUR);
  assertEquals(await ask(), "");
});

Deno.test("createObserver() says once an hour that the cache cannot be read, for all domains", () => {
  const lines: string[] = [];
  const metrics = createMetrics();
  const clock = new ManualClock();
  const log = createLog({ level: "info", format: "text", write: (line) => lines.push(line) });
  const observe = createObserver({
    log,
    metrics,
    warnings: createWarnings({ log, clock }),
    now: () => clock.now(),
    refreshInterval: DAY,
    failures: { dns: [], fetch: [] },
  });
  const storeFault = "cache file unusable (busy)";
  for (const domain of ["a.example", "b.example"]) {
    observe({
      kind: "answer",
      domain,
      zone: ZONE,
      outcome: "cache-unusable",
      answer: { kind: "notfound" },
      storeFault,
    });
  }
  assertEquals(lines.length, 1);
  assertStringIncludes(lines[0]!, "WARN  answered without the cache domain=a.example");
  assertStringIncludes(lines[0]!, `reason="${storeFault}"`);
  const answer = { kind: "temp", reason: storeFault, cause: "cache-unusable" } as const;
  const outcome = "cache-unusable";
  observe({ kind: "answer", domain: "c.example", zone: ZONE, outcome, answer, storeFault });
  const causes = metrics.samples("mta_sts_deferrals_total").filter(({ value }) => value > 0);
  assertEquals(causes, [{ labels: { cause: "cache-unusable" }, value: 1 }]);
});

Deno.test("createObserver() names hosts and patterns if no MX host matches, a few of them, quoted", async () => {
  const { world, ask } = observed(604_800);
  const hosts = Array.from({ length: 7 }, (_, index) => `mx${index}.other.example`);
  world.dns.table["MX example.com"] = hosts.map((exchange) => ({ preference: 10, exchange }));
  assertStringIncludes(
    await ask(),
    "WARN  no mx host matches the policy domain=example.com " +
      'hosts="mx0.other.example mx1.other.example mx2.other.example mx3.other.example ' +
      'mx4.other.example and 2 more" patterns=mx.example.com\n',
  );
});
