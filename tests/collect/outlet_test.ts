import { assertEquals } from "@std/assert";
import { createMetrics } from "../../src/base/metrics.ts";
import { readFeedLine } from "../../src/collect/feed.ts";
import { type OutletConn, startOutlet } from "../../src/collect/outlet.ts";
import { createResolverCounts } from "../../src/collect/resolver_counts.ts";
import type { HeldPolicy, ResolverEvent, UnusableTlsa } from "../../src/resolver/types.ts";
import { readPolicyFile } from "../../src/sts/policy.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createWorld, ZONE } from "../fakes/world.ts";
import { valueOf } from "./support.ts";

const TEXT = "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 86400\n";

const HELD: HeldPolicy = {
  domain: "a.test",
  id: "1",
  ...readPolicyFile(TEXT),
  fetchedAt: 0,
  refreshAt: 0,
  expiresAt: 0,
};

function fetchFailed(domain: string, detail = "HTTP status 404"): ResolverEvent {
  return {
    kind: "fetch",
    domain,
    id: "1",
    ms: 1,
    result: { kind: "failed", reason: "status", detail },
  };
}

function answered(domain: string): ResolverEvent {
  return {
    kind: "answer",
    domain,
    zone: ZONE,
    outcome: "fetch-failed",
    answer: { kind: "notfound" },
  };
}

Deno.test("createResolverCounts() counts an answer without a policy that could not be fetched", () => {
  const countOf = createResolverCounts(new Map());
  assertEquals(countOf(fetchFailed("a.test")), undefined);
  const policy = { type: "sts", domain: "a.test", strings: [], mxHosts: [] };
  const detail = { result: "sts-policy-fetch-error", count: 1, reason: "status-404" };
  assertEquals(countOf(answered("a.test")) as unknown, {
    domain: "a.test",
    record: undefined,
    policies: [{ policy, ok: 0, failed: 1, details: [detail] }],
  });
  // Nothing is known of its reason, as after a restart.
  assertEquals(countOf(answered("b.test"))?.policies[0]?.details, [
    { result: "sts-policy-fetch-error", count: 1 },
  ]);
});

Deno.test("createResolverCounts() names the result of each kind of failure", () => {
  const countOf = createResolverCounts(new Map());
  for (
    const [reason, result] of [
      ["certificate-name", "sts-webpki-invalid"],
      ["policy-syntax", "sts-policy-invalid"],
      ["timeout", "sts-policy-fetch-error"],
    ] as const
  ) {
    const failure = { kind: "failed", reason, detail: "x" } as const;
    countOf({ kind: "fetch", domain: "a.test", id: "1", ms: 1, result: failure });
    assertEquals(countOf(answered("a.test"))?.policies[0]?.details, [{ result, count: 1, reason }]);
  }
});

Deno.test("createResolverCounts() counts a failed refresh as a failure of the held policy, not as a session", () => {
  const countOf = createResolverCounts(new Map());
  countOf(fetchFailed("a.test"));
  const kept = (reason: "status" | "held-off" | "absent", held = HELD) =>
    countOf({ kind: "kept", held, outcome: "kept-fetch-failed", reason });
  const [count] = kept("status")!.policies;
  assertEquals(count!.policy.mxHosts, ["mx.a.test"]);
  assertEquals(count!.policy.strings.length, 4);
  assertEquals([count!.ok, count!.failed], [0, 0]);
  assertEquals(count!.details[0]?.reason, "status-404");
  assertEquals(kept("held-off"), undefined);
  assertEquals(kept("absent"), undefined);
  const none = { ...HELD, policy: { ...HELD.policy, mode: "none" as const } };
  assertEquals(kept("status", none), undefined);
});

/** An answer under the policy of a.test, which names mx.a.test. */
function enforced(mxHosts: string[], bracketed = false): ResolverEvent {
  return {
    kind: "answer",
    domain: "a.test",
    zone: ZONE,
    outcome: "fresh",
    answer: {
      kind: "secure",
      domain: "a.test",
      patterns: ["mx.a.test"],
      hosts: mxHosts.filter((host) => host === "mx.a.test"),
      policyStrings: HELD.strings,
    },
    bracketed,
    mxHosts,
  };
}

Deno.test("createResolverCounts() counts MX hosts outside the policy, each by its name", () => {
  const countOf = createResolverCounts(new Map());
  assertEquals(countOf(enforced(["mx.a.test", "x.b.test"])), undefined);
  const [count] = countOf(enforced(["x.b.test", "y.b.test"]))!.policies;
  assertEquals(count!.failed, 1);
  assertEquals(count!.details, [
    { result: "validation-failure", count: 1, mxHost: "x.b.test", reason: "mx-mismatch" },
    { result: "validation-failure", count: 1, mxHost: "y.b.test", reason: "mx-mismatch" },
  ]);
});

Deno.test("createResolverCounts() names the hosts of the next hop that was asked for, ten at most", () => {
  const countOf = createResolverCounts(new Map());
  const hostsOf = (event: ResolverEvent) =>
    countOf(event)?.policies[0]?.details.map(({ mxHost }) => mxHost);
  assertEquals(hostsOf(enforced(["x.b.test"])), ["x.b.test"]);
  assertEquals(hostsOf(enforced(["y.b.test"])), ["y.b.test"]);
  const many = Array.from({ length: 12 }, (_, index) => `m${index}.b.test`);
  assertEquals(hostsOf(enforced(many)), many.slice(0, 10));
});

Deno.test("createResolverCounts() leaves out a host in brackets, which the operator chose", () => {
  const countOf = createResolverCounts(new Map());
  assertEquals(countOf(enforced(["a.test"], true)), undefined);
});

Deno.test("createResolverCounts() keeps the next hops of a domain apart", async () => {
  const world = createWorld();
  world.publish("a.test", { mx: ["mail.a.test"] });
  world.dns.table["MX a.test"] = [{ preference: 10, exchange: "x.b.test" }];
  world.dns.table["A a.test"] = "bogus";
  const countOf = createResolverCounts(new Map());
  const ask = async (bracketed: boolean) => {
    world.events.length = 0;
    await world.resolver.resolve({ domain: "a.test", bracketed, port: 25 }, ZONE);
    return world.events.map(countOf).filter((count) => count !== undefined)
      .flatMap(({ policies }) => policies).flatMap(({ details }) => details)
      .map(({ result, mxHost }) => [result, mxHost]);
  };
  const mismatch = ["validation-failure", "x.b.test"];
  assertEquals(await ask(false), [mismatch]);
  assertEquals(await ask(true), [["dnssec-invalid", undefined]]);
  world.dns.table["A a.test"] = ["192.0.2.1"];
  await world.clock.advance(600_000);
  assertEquals(await ask(true), []);
  assertEquals(await ask(false), [mismatch]);
});

Deno.test("createResolverCounts() counts a deferral for bogus records, and none for passing failures", () => {
  const countOf = createResolverCounts(new Map());
  const deferred = (mxFailure: "bogus" | "timeout"): ResolverEvent => ({
    kind: "answer",
    domain: "a.test",
    zone: ZONE,
    outcome: "fresh",
    answer: { kind: "temp", reason: "x", cause: "dane-dns" },
    mxFailure,
  });
  assertEquals(countOf(deferred("timeout")), undefined);
  assertEquals(countOf(deferred("bogus"))?.policies[0], {
    policy: { type: "tlsa", domain: "a.test", strings: [], mxHosts: [] },
    ok: 0,
    failed: 1,
    details: [{ result: "dnssec-invalid", count: 1 }],
  });
});

Deno.test("createResolverCounts() counts TLSA records none of which is usable, once for each look at DNS", () => {
  const countOf = createResolverCounts(new Map());
  const looked = (nextHop: string, unusable: readonly UnusableTlsa[]): ResolverEvent => ({
    kind: "mx",
    nextHop,
    ms: 1,
    result: {
      kind: "known",
      view: {
        nextHop,
        dane: "absent",
        hosts: ["mx.a.test"],
        daneHosts: [],
        skipped: [],
        validated: true,
        checkedAt: 0,
        freshUntil: 0,
      },
      unusable,
    },
  });
  const record = (usage: number, length: number) => ({
    usage,
    selector: 1,
    matchingType: 1,
    data: new Uint8Array(length).fill(0xab),
  });
  const host = { host: "mx.a.test", base: "real.b.test", records: [record(3, 2), record(1, 2)] };
  const policyAt = (domain: string, strings: string[]) => ({
    policy: { type: "tlsa", domain, strings, mxHosts: [] },
    ok: 0,
    failed: 0,
    details: [{ result: "tlsa-invalid", count: 1, mxHost: "mx.a.test" }],
  });
  for (const nextHop of ["a.test", "[a.test]:587"]) {
    assertEquals(countOf(looked(nextHop, [host])) as unknown, {
      domain: "a.test",
      record: undefined,
      policies: [policyAt("real.b.test", ["1 1 1 ABAB", "3 1 1 ABAB"])],
    });
  }
  assertEquals(countOf(looked("a.test", [])), undefined);
  // The answer that follows counts nothing of it.
  assertEquals(countOf({ ...answered("a.test"), outcome: "fresh" } as ResolverEvent), undefined);
  // Ten hosts are named, and records that are too long are left out.
  const long = { ...host, records: Array(100).fill(record(3, 65_000)) };
  const many = countOf(looked("a.test", Array(100).fill(long)));
  assertEquals(many?.policies as unknown, Array(10).fill(policyAt("real.b.test", [])));
});

/** A report daemon whose state the test decides. */
function setUp() {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const state = { isThere: true, isStopped: false, text: "", connects: 0 };
  const connect = (): Promise<OutletConn> => {
    state.connects++;
    if (!state.isThere) return Promise.reject(new Deno.errors.ConnectionRefused());
    let release = (_error: Error) => {};
    return Promise.resolve({
      write(bytes) {
        if (!state.isThere) return Promise.reject(new Deno.errors.BrokenPipe());
        if (state.isStopped) return new Promise((_, reject) => release = reject);
        state.text += new TextDecoder().decode(bytes);
        return Promise.resolve(bytes.length);
      },
      close: () => release(new Deno.errors.Interrupted()),
    });
  };
  return { clock, metrics, state, outlet: startOutlet({ connect, clock, metrics }) };
}

const lost = (metrics: Parameters<typeof valueOf>[0]) =>
  valueOf(metrics, "mta_sts_report_feed_dropped_total");

Deno.test("the outlet tells in batches, over one connection, and nothing if there is nothing", async () => {
  const { clock, metrics, state, outlet } = setUp();
  await clock.advance(60_000);
  assertEquals(state.connects, 0);
  for (let round = 0; round < 3; round++) outlet.note(answered("a.test"));
  await clock.advance(5000);
  outlet.note(answered("b.test"));
  await clock.advance(5000);
  const counts = state.text.trimEnd().split("\n").map(readFeedLine);
  assertEquals(counts.map((count) => count?.domain), ["a.test", "b.test"]);
  assertEquals(counts[0]?.policies[0]?.failed, 3);
  assertEquals([state.connects, lost(metrics)], [1, 0]);
  outlet.close();
  assertEquals(clock.pending, 0);
});

Deno.test("the outlet holds what it has while the report daemon is away, within a bound", async () => {
  const { clock, metrics, state, outlet } = setUp();
  state.isThere = false;
  // Two keys each: the policy, and the failure.
  for (let index = 0; index < 6000; index++) outlet.note(answered(`d${index}.test`));
  assertEquals(lost(metrics), 1000);
  await clock.advance(600_000);
  assertEquals(lost(metrics), 1000);
  state.isThere = true;
  await clock.advance(5000);
  assertEquals(state.text.trimEnd().split("\n").length, 5000);
  outlet.close();
});

Deno.test("the outlet gives up on a report daemon that does not read, counts the loss, and tries again", async () => {
  const { clock, metrics, state, outlet } = setUp();
  state.isStopped = true;
  outlet.note(answered("a.test"));
  await clock.advance(5000);
  outlet.note(answered("b.test"));
  await clock.advance(14_999);
  assertEquals(lost(metrics), 2);
  state.isStopped = false;
  await clock.advance(5000);
  assertEquals(state.text.trimEnd().split("\n").map((line) => readFeedLine(line)?.domain), [
    "b.test",
  ]);
  assertEquals([state.connects, lost(metrics)], [2, 2]);
  outlet.close();
});

Deno.test("the outlet loses nothing to a report daemon that is restarted", async () => {
  const { clock, metrics, state, outlet } = setUp();
  outlet.note(answered("a.test"));
  await clock.advance(5000);
  outlet.note(answered("b.test"));
  state.isThere = false;
  await clock.advance(5000);
  state.isThere = true;
  outlet.note(answered("b.test"));
  await clock.advance(5000);
  const counts = state.text.trimEnd().split("\n").map(readFeedLine);
  assertEquals(counts.map((count) => [count?.domain, count?.policies[0]?.failed]), [
    ["a.test", 1],
    ["b.test", 2],
  ]);
  assertEquals(lost(metrics), 0);
  outlet.close();
});

Deno.test("startOutlet() holds few long policies while the report daemon is away", async () => {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const outlet = startOutlet({ connect: () => Promise.reject(new Error("away")), clock, metrics });
  const long = readPolicyFile(TEXT + `x-long: ${"y".repeat(60_000)}\n`);
  for (let index = 0; index < 200; index++) {
    const held = { ...HELD, ...long, domain: `d${index}.test` };
    outlet.note({ kind: "kept", held, outcome: "kept-fetch-failed", reason: "status" });
  }
  await clock.advance(5000);
  // Some 5 MB of text are held.
  const dropped = valueOf(metrics, "mta_sts_report_feed_dropped_total") ?? 0;
  assertEquals(200 - dropped, Math.floor(10_000 / 119));
  outlet.close();
});
