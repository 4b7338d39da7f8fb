import { assertEquals } from "@std/assert";
import type { StoreHealth } from "../../src/cache/types.ts";
import type { DnssecProbe, ResolverState } from "../../src/dns/types.ts";
import { createHealth } from "../../src/status/health.ts";
import { createDeferrals } from "../../src/status/deferrals.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const VALIDATES: DnssecProbe = { kind: "validates" };

function setUp() {
  const clock = new ManualClock();
  const parts = {
    wall: () => clock.now(),
    doubted: 0,
    sockets: 2,
    store: { kind: "ok" } as StoreHealth,
    probe: (): Promise<DnssecProbe> => Promise.resolve(VALIDATES),
    validates: undefined as boolean | undefined,
    resolvers: [] as ResolverState[],
    probes: 0,
    refusal: undefined as { at: number; message: string } | undefined,
  };
  const deferrals = createDeferrals({ now: () => clock.now() });
  const health = createHealth({
    clock,
    wall: () => parts.wall(),
    doubted: () => parts.doubted,
    sockets: () => parts.sockets,
    store: { health: () => parts.store },
    deferrals,
    refusal: () => parts.refusal,
    probe() {
      parts.probes++;
      return parts.probe();
    },
    validates: () => parts.validates,
    resolvers: () => parts.resolvers,
  });
  /** The status, and what is wrong. */
  async function ask(): Promise<[string, ...string[]]> {
    const { status, checks } = await health();
    const wrong = checks.filter((check) => check.status !== "ok");
    return [status, ...wrong.map(({ name, status, detail }) => `${name} ${status}: ${detail}`)];
  }
  return { clock, parts, deferrals, health, ask };
}

Deno.test("createHealth() is ready when all is well", async () => {
  const { ask, health, parts } = setUp();
  assertEquals(await ask(), ["ready"]);
  parts.store = { kind: "memory", why: "configured" };
  assertEquals((await health()).checks.map(({ name, detail }) => `${name}: ${detail}`), [
    "listening: 2 sockets",
    "deferred: no domain",
    "config: in use as last read",
    "dns: the resolver answers",
    "clock: plausible",
    "cache: in memory only, as configured",
    "dnssec: the resolver validates",
  ]);
});

Deno.test("createHealth() says of each resolver which ways lead to it, and of five at most", async () => {
  const { health, parts } = setUp();
  const known = { udp: "answers", tcp: "no answer", edns: true, validates: true } as const;
  parts.resolvers = [
    { server: "192.0.2.1:53", ...known },
    { server: "192.0.2.2:53", udp: "no answer", tcp: "answers", edns: false, validates: false },
    { server: "192.0.2.3:53", udp: "off", tcp: "unknown", edns: true, validates: undefined },
    ...[4, 5, 6, 7].map((n) => ({ server: `192.0.2.${n}:53`, ...known })),
  ];
  const dns = (await health()).checks.find(({ name }) => name === "dns");
  assertEquals([dns?.status, ...dns?.detail.split("; ") ?? []], [
    "warning",
    "192.0.2.1:53 does not answer over TCP",
    "192.0.2.2:53 does not answer over UDP",
    "192.0.2.4:53 does not answer over TCP",
    "192.0.2.5:53 does not answer over TCP",
    "192.0.2.6:53 does not answer over TCP",
    "the resolver answers",
    "192.0.2.1:53: UDP answers, TCP does not answer, EDNS, validates",
    "192.0.2.2:53: UDP does not answer, TCP answers, no EDNS (asked without it, also for the AD bit), does not validate",
    "192.0.2.3:53: UDP switched off by use-vc, TCP not tried, validation unknown",
    "192.0.2.4:53: UDP answers, TCP does not answer, EDNS, validates",
    "192.0.2.5:53: UDP answers, TCP does not answer, EDNS, validates",
    "and 2 more",
  ]);
});

Deno.test("createHealth() is unready when no queries are accepted", async () => {
  const { ask, parts } = setUp();
  parts.sockets = 0;
  assertEquals(await ask(), ["unready", "listening failed: queries are not accepted"]);
});

Deno.test("createHealth() is unready when the resolver does not answer", async () => {
  const { ask, parts } = setUp();
  parts.probe = () =>
    Promise.resolve({ kind: "unknown", reason: "unreachable", detail: "refused" });
  parts.validates = true;
  assertEquals(await ask(), ["unready", "dns failed: unreachable: refused"]);
});

Deno.test("createHealth() does not wait for the resolver longer than 2.5 seconds", async () => {
  const { ask, clock, parts } = setUp();
  const held = Promise.withResolvers<DnssecProbe>();
  parts.probe = () => held.promise;
  const asked = ask();
  await clock.advance(2500);
  assertEquals((await asked)[1], "dns failed: timeout: no answer within 2500 ms");
  held.resolve(VALIDATES);
  await clock.advance(10_000);
  assertEquals(await ask(), ["ready"]);
  assertEquals(clock.pending, 0);
});

Deno.test("createHealth() asks the resolver every ten seconds, however often it is asked", async () => {
  const { ask, clock, parts } = setUp();
  await Promise.all([ask(), ask(), ask()]);
  await clock.advance(9_999);
  await ask();
  assertEquals(parts.probes, 1);
  await clock.advance(1);
  await ask();
  assertEquals(parts.probes, 2);
});

Deno.test("createHealth() is degraded without DNSSEC, which is needed for DANE only", async () => {
  const { ask, parts } = setUp();
  parts.probe = () => Promise.resolve({ kind: "does-not-validate", detail: "no AD bit for ns:." });
  assertEquals(await ask(), [
    "degraded",
    "dnssec warning: the resolver does not validate, so DANE is not checked: no AD bit for ns:.",
  ]);
});

Deno.test("createHealth() is degraded while the cache file is unusable", async () => {
  const { ask, parts } = setUp();
  parts.store = { kind: "degraded", error: "/x/cache.db: disk full" };
  assertEquals(await ask(), ["degraded", "cache warning: /x/cache.db: disk full"]);
});

Deno.test("createHealth() is unready when the clock shows a time before the program", async () => {
  const { ask, parts } = setUp();
  parts.wall = () => Date.UTC(1970, 0, 1);
  assertEquals(await ask(), [
    "unready",
    "clock failed: the clock shows 1970-01-01T00:00:00.000Z, before this program was written",
  ]);
});

Deno.test("createHealth() is degraded when the clock was set back", async () => {
  const { ask, clock, parts } = setUp();
  await clock.advance(3_600_000);
  parts.wall = () => clock.now() - 300_000;
  assertEquals(await ask(), ["ready"]);
  parts.wall = () => clock.now() - 301_000;
  assertEquals(await ask(), [
    "degraded",
    "clock warning: the clock was set back by 301 s; policies keep their age",
  ]);
});

Deno.test("createHealth() is degraded while a jump of the clock is not believed", async () => {
  const { ask, parts } = setUp();
  parts.doubted = 31_536_000_400;
  assertEquals(await ask(), [
    "degraded",
    "clock warning: the clock jumped ahead by 31536000 s; nothing expires because of it unless the jump lasts",
  ]);
});

const ZONE = { name: "default" };
const hopOf = (domain: string) => ({ domain, bracketed: false, port: 25 });

Deno.test("createHealth() is degraded while mail is deferred, and says how much, since when and why", async () => {
  const { ask, clock, deferrals } = setUp();
  for (const domain of ["a", "b", "c", "d", "e"]) {
    const reason = `cannot check ${domain}.example for DANE: DNS servfail`;
    const nextHop = hopOf(`${domain}.example`);
    deferrals.note({ nextHop, zone: ZONE, temp: { cause: "dane-dns", reason } });
    await clock.advance(60_000);
  }
  assertEquals(await ask(), [
    "degraded",
    "deferred warning: mail to 5 domains waits, the longest since 2026-01-01 00:00 UTC: " +
    "cannot check a.example for DANE: DNS servfail; cannot check b.example for DANE: DNS servfail; " +
    "cannot check c.example for DANE: DNS servfail; and 2 more",
  ]);
  for (const domain of ["a", "b", "c", "d", "e"]) {
    deferrals.note({ nextHop: hopOf(`${domain}.example`), zone: ZONE });
  }
  assertEquals(await ask(), ["ready"]);
});

Deno.test("createHealth() is degraded after a refused reload, until one takes effect", async () => {
  const { ask, parts } = setUp();
  parts.refusal = {
    at: Date.UTC(2026, 0, 2, 3, 4),
    message: "x.yml:3: unknown key 'lissten'\nand more",
  };
  assertEquals(await ask(), [
    "degraded",
    "config warning: the reload at 2026-01-02 03:04 UTC was refused, the configuration before stays: " +
    "x.yml:3: unknown key 'lissten'; and more",
  ]);
  parts.refusal = undefined;
  assertEquals(await ask(), ["ready"]);
});
