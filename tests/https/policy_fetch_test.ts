import { assert, assertEquals, assertMatch } from "@std/assert";
import type { FetchTrace } from "../../src/https/types.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createFakeDns, type FakeReply } from "../fakes/fake_dns.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";
import { type Answer, respond, startPolicyHosts } from "../fakes/policy_host.ts";
import { createTestFetcher, describe } from "./harness.ts";

const HOST = "mta-sts.x.test";

/** Fetches from a host that would answer, with these DNS replies. */
async function fetchWith(table: Record<string, FakeReply>) {
  await using hosts = startPolicyHosts();
  hosts.add("x.test", { policy: "hi" });
  const dns = createFakeDns(table);
  const trace: FetchTrace = { url: "", addresses: [], refused: [] };
  const fetchPolicy = createTestFetcher({ hosts, lookup: dns.lookup });
  const outcome = await fetchPolicy("x.test", { trace });
  assertEquals(dns.questions.toSorted(), [`A ${HOST}`, `AAAA ${HOST}`]);
  assertEquals(hosts.requests.length, outcome.kind === "fetched" ? 1 : 0);
  return { outcome, trace, text: describe(outcome) };
}

Deno.test("fetchPolicy() is content with addresses of one family", async () => {
  const tables: Record<string, FakeReply>[] = [
    { [`A ${HOST}`]: ["9.9.9.9"] },
    { [`A ${HOST}`]: ["9.9.9.9"], [`AAAA ${HOST}`]: "nodata" },
    { [`A ${HOST}`]: ["9.9.9.9"], [`AAAA ${HOST}`]: "servfail" },
    { [`A ${HOST}`]: "nodata", [`AAAA ${HOST}`]: ["2620:fe::fe"] },
    { [`A ${HOST}`]: "timeout", [`AAAA ${HOST}`]: ["2620:fe::fe"] },
  ];
  for (const table of tables) assertEquals((await fetchWith(table)).text, "fetched 2");
});

Deno.test("fetchPolicy() tells a host without addresses from a failure of DNS", async () => {
  for (const absent of ["nodata", "nxdomain"] as const) {
    const { text } = await fetchWith({ [`A ${HOST}`]: absent, [`AAAA ${HOST}`]: absent });
    assertEquals(text, `no-address: ${HOST} has no address`);
  }
  const tables: Record<string, FakeReply>[] = [
    { [`A ${HOST}`]: "bogus", [`AAAA ${HOST}`]: "bogus" },
    { [`A ${HOST}`]: "nodata", [`AAAA ${HOST}`]: "bogus" },
    { [`A ${HOST}`]: "bogus", [`AAAA ${HOST}`]: "nxdomain" },
  ];
  for (const table of tables) {
    const { outcome } = await fetchWith(table);
    assert(outcome.kind === "failed");
    assertEquals([outcome.reason, outcome.dns], ["dns", "bogus"]);
    assertEquals(outcome.detail, `no address of ${HOST}: as the table has it`);
  }
});

Deno.test("fetchPolicy() goes to no host with addresses of our own network alone", async () => {
  const { text, trace } = await fetchWith({
    [`A ${HOST}`]: ["10.0.0.1", "127.0.0.1"],
    [`AAAA ${HOST}`]: ["fd00::1"],
  });
  const told = "10.0.0.1 (private), 127.0.0.1 (loopback), fd00::1 (unique-local)";
  assertEquals(text, `address-refused: ${HOST} has an address that is not public: ${told}`);
  assertEquals(trace.addresses, []);
  assertEquals(trace.refused.map(({ range }) => range), ["private", "loopback", "unique-local"]);
  assertEquals(trace.status, undefined);
});

Deno.test("fetchPolicy() refuses a host with an address of our own side beside a public one", async () => {
  const own = {
    "10.0.0.1": "private",
    "127.0.0.1": "loopback",
    "0.0.0.0": "unspecified",
    "169.254.169.254": "link-local",
    "100.64.0.1": "carrier-grade-nat",
    "64:ff9b::10.0.0.1": "nat64 of private",
    "fd00::1": "unique-local",
    "::1": "loopback",
    "fe80::1": "link-local",
    "fec0::1": "deprecated-site-local",
    "::ffff:127.0.0.1": "ipv4-mapped",
  };
  for (const [address, range] of Object.entries(own)) {
    const isIpv6 = address.includes(":");
    const { text, trace } = await fetchWith({
      [`A ${HOST}`]: isIpv6 ? ["9.9.9.9"] : ["9.9.9.9", address],
      [`AAAA ${HOST}`]: isIpv6 ? [address, "2620:fe::fe"] : ["2620:fe::fe"],
    });
    const told = `${address} (${range})`;
    assertEquals(text, `address-refused: ${HOST} has an address that is not public: ${told}`);
    assertEquals(trace.addresses, ["9.9.9.9", "2620:fe::fe"]);
    assertEquals(trace.connected, undefined);
  }
});

Deno.test("fetchPolicy() leaves out addresses where nobody is", async () => {
  // A network's own DNS64 (RFC 8215) makes such an address for every host with IPv4 alone.
  for (const address of ["64:ff9b:1::9.9.9.9", "2001:db8::1", "ff02::1"]) {
    const { text, trace } = await fetchWith({
      [`A ${HOST}`]: ["9.9.9.9"],
      [`AAAA ${HOST}`]: [address],
    });
    assertEquals(text, "fetched 2");
    assertEquals(trace.connected, "9.9.9.9");
    assertEquals(trace.refused.map((each) => each.address), [address]);
  }
  const { text } = await fetchWith({ [`A ${HOST}`]: ["192.0.2.1"] });
  const told = "192.0.2.1 (reserved)";
  assertEquals(text, `address-refused: ${HOST} has no acceptable address: ${told}`);
});

Deno.test("fetchPolicy() looks at a bounded number of addresses", async () => {
  const many = Array.from({ length: 4000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const { text, trace } = await fetchWith({ [`A ${HOST}`]: [...many, "9.9.9.9"] });
  assertMatch(text, /^address-refused: /);
  assertEquals(trace.refused.length, 16);
});

Deno.test("fetchPolicy() counts DNS into its deadline", async () => {
  const clock = new ManualClock();
  await using hosts = startPolicyHosts();
  const dns = createFakeDns({ [`A ${HOST}`]: new Promise(() => {}) });
  const fetchPolicy = createTestFetcher({
    hosts,
    lookup: dns.lookup,
    clock,
    timeout: 10_000,
  });
  const trace: FetchTrace = { url: "", addresses: [], refused: [] };
  const fetching = fetchPolicy("x.test", { trace });
  await clock.advance(9_999);
  assertEquals(trace.elapsed, undefined);
  await clock.advance(1);
  assertEquals(
    describe(await fetching),
    "timeout: deadline of 10 s passed while waiting for DNS",
  );
  assertEquals(trace.elapsed, 10_000);
  assertEquals(clock.pending, 0);
});

/** An answer that waits to be let go. Use it after the hosts, which wait for it when they end. */
function createGate(): Disposable & { answer: Answer; arrived: Promise<void>; open(): void } {
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  return {
    arrived: arrived.promise,
    open: gate.resolve,
    [Symbol.dispose]: gate.resolve,
    answer: async (conn, head) => {
      arrived.resolve();
      await gate.promise;
      await respond("hi")(conn, head);
    },
  };
}

Deno.test("fetchPolicy() makes so many requests to an address at once, whatever the domain", async () => {
  await using hosts = startPolicyHosts();
  using gate = createGate();
  hosts.add("x.test", { answer: gate.answer });
  hosts.add("y.test", { policy: "hi" });
  const fetchPolicy = createTestFetcher({ hosts, perAddress: 1 });
  const first = fetchPolicy("x.test");
  await gate.arrived;
  const second = fetchPolicy("y.test");
  await settle();
  assertEquals(hosts.connects, [`${HOST}:443`]);
  gate.open();
  assertEquals(describe(await first), "fetched 2");
  assertEquals(describe(await second), "fetched 2");
});

Deno.test("fetchPolicy() counts the wait for a free place into its deadline", async () => {
  const clock = new ManualClock();
  await using hosts = startPolicyHosts();
  using gate = createGate();
  hosts.add("x.test", { answer: gate.answer });
  hosts.add("y.test", { policy: "hi" });
  const options = { hosts, clock, concurrency: 1, timeout: 10_000 };
  const fetchPolicy = createTestFetcher(options);
  const first = fetchPolicy("x.test");
  await gate.arrived;
  await clock.advance(1);
  const trace: FetchTrace = { url: "", addresses: [], refused: [] };
  const second = fetchPolicy("y.test", { trace });
  await clock.advance(1_999);
  assertEquals(
    describe(await first),
    "timeout: another fetch needed the place while waiting for an answer",
  );
  // Now the place is free, and eight seconds and a millisecond are left.
  await clock.advance(8_000);
  assertEquals(trace.elapsed, undefined);
  await clock.advance(1);
  assertEquals(
    describe(await second),
    "timeout: deadline of 10 s passed while waiting for a connection",
  );
  assertEquals(trace.elapsed, 10_000);
  assertEquals(clock.pending, 0);
});

Deno.test("fetchPolicy() gives its place to another after two seconds, in the middle of a body too", async () => {
  const clock = new ManualClock();
  await using hosts = startPolicyHosts();
  using gate = createGate();
  hosts.add("x.test", {
    answer: async (conn, head) => {
      const begun = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nhi";
      await conn.write(new TextEncoder().encode(begun));
      await gate.answer(conn, head);
    },
  });
  hosts.add("y.test", { policy: "hi" });
  const fetchPolicy = createTestFetcher({ hosts, clock, concurrency: 1 });
  const first = fetchPolicy("x.test");
  await gate.arrived;
  const second = fetchPolicy("y.test");
  await clock.advance(2_000);
  assertEquals(describe(await second), "fetched 2");
  assertMatch(describe(await first), /^timeout: another fetch needed the place while waiting for /);
});

Deno.test("fetchPolicy() has fetches from one host take turns", async () => {
  await using hosts = startPolicyHosts();
  using gate = createGate();
  hosts.add("x.test", { answer: gate.answer });
  const fetchPolicy = createTestFetcher({ hosts });
  const first = fetchPolicy("x.test");
  const second = fetchPolicy("x.test");
  const controller = new AbortController();
  const third = fetchPolicy("x.test", { signal: controller.signal });
  await gate.arrived;
  controller.abort();
  assertEquals(describe(await third), "timeout: given up while waiting for a free place");
  assertEquals(hosts.connects.length, 1);
  gate.open();
  assertEquals([describe(await first), describe(await second)], ["fetched 2", "fetched 2"]);
  assertEquals(hosts.connects.length, 2);
});

Deno.test("fetchPolicy() ends when its caller gives up", async () => {
  await using hosts = startPolicyHosts();
  using gate = createGate();
  hosts.add("x.test", { answer: gate.answer });
  const fetchPolicy = createTestFetcher({ hosts, concurrency: 1 });
  const controller = new AbortController();
  const { signal } = controller;
  const first = fetchPolicy("x.test", { signal });
  await gate.arrived;
  const second = fetchPolicy("y.test", { signal });
  await settle();
  controller.abort();
  assertEquals(describe(await first), "timeout: given up while waiting for an answer");
  assertEquals(describe(await second), "timeout: given up while waiting for a free place");
  const third = await fetchPolicy("x.test", { signal });
  assertEquals(describe(third), "timeout: given up while waiting for DNS");
});

Deno.test("fetchPolicy() counts outcomes, times and requests under way", async () => {
  const metrics = createMetrics();
  await using hosts = startPolicyHosts();
  using gate = createGate();
  hosts.add("x.test", { answer: gate.answer });
  hosts.add("y.test", { answer: respond("", { status: "404 Not Found" }) });
  const fetchPolicy = createTestFetcher({ hosts, metrics });
  const before = metrics.render();
  assertMatch(before, /^mta_sts_policy_fetches_total\{result="fetched"\} 0$/m);
  assertMatch(before, /^mta_sts_policy_fetches_total\{result="media-type"\} 0$/m);
  // Who parses the text counts what is wrong with it.
  assert(!before.includes("policy-syntax"));
  const fetching = fetchPolicy("x.test");
  await gate.arrived;
  assertMatch(metrics.render(), /^mta_sts_policy_fetches_running 1$/m);
  gate.open();
  await fetching;
  await fetchPolicy("y.test");
  await fetchPolicy("y.test");
  const after = metrics.render();
  assertMatch(after, /^mta_sts_policy_fetches_total\{result="fetched"\} 1$/m);
  assertMatch(after, /^mta_sts_policy_fetches_total\{result="status"\} 2$/m);
  assertMatch(after, /^mta_sts_policy_fetch_seconds_count 3$/m);
  assertMatch(after, /^mta_sts_policy_fetches_running 0$/m);
});
