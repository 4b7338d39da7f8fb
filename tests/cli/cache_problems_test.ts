import { assertEquals, assertThrows } from "@std/assert";
import { formatProblems } from "../../src/cli/cache_problems.ts";
import { CONTROL_MAX_OCTETS, createControl } from "../../src/daemon/control.ts";
import { encodeUtf8 } from "../../src/postfix/octets.ts";
import { createMemoryStore } from "../../src/cache/memory_store.ts";
import { createDeferrals } from "../../src/status/deferrals.ts";
import { createProblems } from "../../src/status/problems.ts";
import { failureOf } from "../cache/harness.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { HOUR } from "../fakes/world.ts";

function setUp() {
  const clock = new ManualClock();
  const now = () => clock.now();
  const store = createMemoryStore({ maxEntries: 1000 });
  const deferrals = createDeferrals({ now });
  const problems = createProblems({ deferrals, store, now });
  const control = createControl({ store, problems });
  /** The reply to `problems`, without its frame. */
  async function ask(): Promise<string> {
    const reply = new TextDecoder().decode(await control(encodeUtf8("problems "), now()));
    return reply.replace(/^[0-9]+:/, "").slice(0, -1);
  }
  return { clock, store, deferrals, ask };
}

Deno.test("formatProblems() prints domain, reason, times and remedy of each problem", async () => {
  const { clock, store, deferrals, ask } = setUp();
  assertEquals(formatProblems(await ask()), "");
  const nextHop = { domain: "a.example", bracketed: false, port: 587 };
  const temp = { cause: "dane-dns", reason: "cannot check a.example for DANE: DNS bogus" } as const;
  deferrals.note({ nextHop, zone: { name: "default" }, temp });
  await clock.advance(HOUR);
  deferrals.note({ nextHop, zone: { name: "default" }, temp });
  store.putFailure(failureOf("b.example", { detail: "it \u202e\u0085ended" }));
  const text = formatProblems(await ask());
  assertEquals(text.split("\n").map((line) => line.slice(0, 74)), [
    "Deferred now: 1 domain",
    "  a.example, next hop a.example:587, zone default",
    "    cannot check a.example for DANE: DNS bogus",
    "    since 2026-01-01 00:00 UTC, 2 queries, last 2026-01-01 01:00 UTC",
    "    Look up MX a.example, and A and TLSA of its MX hosts. If only this dom",
    "",
    "Policies that cannot be fetched",
    "  b.example",
    String.raw`    certificate-expired: "it \u202e\u0085ended"`,
    text.split("\n")[9]!.slice(0, 74),
    "    The policy host needs a new certificate: tell the postmaster of b.exam",
    "",
    "",
  ]);
  assertThrows(() => formatProblems("TEMP unknown command"), Error, "unknown command");
});

Deno.test("the reply to 'problems' is bounded, whatever the names and details", async () => {
  const { store, deferrals, ask } = setUp();
  const label = "a".repeat(60);
  for (let i = 0; i < 150; i++) {
    const domain = `d${i}.${label}.${label}.${label}.example`;
    const nextHop = { domain, bracketed: false, port: 25 };
    deferrals.note({ nextHop, zone: { name: "z" }, temp: { cause: "bug", reason: domain } });
    store.putFailure(failureOf(domain, { detail: "\u202e".repeat(2000) }));
  }
  const reply = await ask();
  const { deferred_domains, deferred, unfetched } = JSON.parse(reply.replace(/^OK /, ""));
  assertEquals(deferred_domains, 150);
  assertEquals([deferred.length, unfetched.length], [100, 100]);
  assertEquals(reply.length < CONTROL_MAX_OCTETS, true);
});
