import { assert, assertEquals } from "@std/assert";
import type { RecentEvents } from "../../src/status/recent_events.ts";
import { createTestSite } from "./support.ts";
import { sharedPolicy } from "../fakes/fake_exchange.ts";
import { HOUR, MINUTE } from "../fakes/world.ts";

/** The steps of a domain, the latest first, without their times. */
function stepsOf({ events }: { events: RecentEvents }, domain: string): string[] {
  return events.steps(domain).map(({ what, detail, count }) =>
    `${what} (${detail})${count > 1 ? ` x${count}` : ""}`
  );
}

Deno.test("createRecentEvents() tells the story of a domain, equal steps as one", async () => {
  const site = await createTestSite();
  const { world, clock } = site;
  world.publish("example.com");
  for (let i = 0; i < 10; i++) {
    await world.outcome("example.com");
    await clock.advance(6 * MINUTE);
  }
  assertEquals(stepsOf(site, "example.com"), [
    "Answered: enforce (rechecking: the cached policy is in use; a new check runs in the background) x9",
    "MX hosts looked up (example.com: DANE insecure; mx.example.com) x10",
    "TXT record found (id 1) x10",
    "Answered: enforce (fetched: the policy was fetched)",
    "Policy took effect (mode enforce, id 1)",
    "Policy fetched (mode enforce, id 1)",
  ]);
});

Deno.test("a policy of another host ends the problem of a fetch, and names the host", async () => {
  const { world, clock, events } = await createTestSite();
  world.publish("example.com");
  delete world.hosts["example.com"];
  await world.outcome("example.com");
  assertEquals(events.problem("example.com")?.what, "Policy not fetched");
  const { policy, strings, text } = sharedPolicy("example.com", { fetchedAt: clock.now() });
  const times = { fetchedAt: clock.now(), expiresAt: clock.now() + HOUR, refreshAt: clock.now() };
  const held = { domain: "example.com", id: "2", policy, strings, text, ...times };
  for (const isSigned of [true, false]) {
    events.note({ kind: "shared", held, previous: undefined, host: "mx2.example", isSigned });
  }
  assertEquals(events.problem("example.com"), undefined);
  events.note({ kind: "purged", domain: "example.com" });
  assertEquals(stepsOf({ events }, "example.com").slice(0, 3), [
    "Forgotten: purged at another host ()",
    "Policy of the fleet taken, unsigned (mode enforce, id 2, fetched by mx2.example)",
    "Policy of the fleet taken (mode enforce, id 2, fetched by mx2.example)",
  ]);
});

Deno.test("problem() lasts until a later step on its topic", async () => {
  const site = await createTestSite();
  const { world, clock, events } = site;
  world.publish("example.com");
  await world.outcome("example.com");
  const problem = () => {
    const found = events.problem("example.com");
    return found && `${found.what}: ${found.detail}`;
  };
  assertEquals(problem(), undefined);

  world.dns.table["TXT _mta-sts.example.com"] = "servfail";
  await clock.advance(6 * MINUTE);
  await world.outcome("example.com");
  await clock.advance(0);
  assertEquals(problem(), "Cached policy kept: servfail");

  world.publish("example.com", { id: "2" });
  world.hosts["example.com"] = { kind: "failed", reason: "status", detail: "HTTP status 500" };
  await clock.advance(HOUR);
  await world.outcome("example.com");
  await clock.advance(0);
  assertEquals(problem(), "Cached policy kept: status");

  world.publish("example.com", { id: "3" });
  await clock.advance(HOUR);
  await world.outcome("example.com");
  await clock.advance(0);
  assertEquals(problem(), undefined);
});

Deno.test("createRecentEvents() is bounded in domains, steps and length", async () => {
  const site = await createTestSite();
  const { world, events } = site;
  const failure = (detail: string) => ({ kind: "failed", reason: "tls", detail }) as const;
  for (let i = 0; i < 50; i++) {
    const result = failure(`${i} ${"x".repeat(1000)}`);
    events.note({ kind: "fetch", domain: "example.com", id: "1", result, ms: 1 });
  }
  const steps = events.steps("example.com");
  assertEquals(steps.length, 12);
  assert(steps[0]!.detail.startsWith("tls: 49 x"));
  assert(steps.every(({ detail }) => detail.length === 301));
  for (let i = 0; i < 2500; i++) {
    await world.outcome(`d${i}.example`);
    await world.clock.advance(1);
  }
  const kept = Array.from({ length: 2500 }, (_, i) => events.steps(`d${i}.example`).length);
  assertEquals(kept.filter((count) => count > 0).length <= 2000, true);
  assertEquals(events.steps("d2499.example").length > 0, true);
});

Deno.test("createRecentEvents() files MX lookups under the domain of the next hop", async () => {
  const site = await createTestSite();
  const failed = { kind: "failed", reason: "timeout", detail: "no answer" } as const;
  site.events.note({ kind: "mx", nextHop: "[mail.example.com]:587", result: failed, ms: 1 });
  assertEquals(stepsOf(site, "mail.example.com"), [
    "MX lookup failed ([mail.example.com]:587: timeout: no answer)",
  ]);
});
