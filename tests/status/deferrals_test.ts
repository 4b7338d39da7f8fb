import { assertEquals } from "@std/assert";
import { createDeferrals } from "../../src/status/deferrals.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { HOUR, MINUTE } from "../fakes/world.ts";

const ZONE = { name: "default" };
const TEMP = { cause: "dane-dns", reason: "DNS servfail" } as const;

function hop(domain: string, port = 25) {
  return { domain, bracketed: false, port };
}

function setUp(maxEntries?: number) {
  const clock = new ManualClock();
  const deferrals = createDeferrals({ now: () => clock.now(), maxEntries });
  return { clock, deferrals };
}

Deno.test("createDeferrals() counts queries and remembers since when, with the last reason", async () => {
  const { clock, deferrals } = setUp();
  const start = clock.now();
  deferrals.note({ nextHop: hop("a.example"), zone: ZONE, temp: TEMP });
  await clock.advance(HOUR);
  const temp = { cause: "mx-addresses", reason: "no address" } as const;
  deferrals.note({ nextHop: hop("a.example"), zone: ZONE, temp });
  assertEquals(deferrals.list(10), [{
    domain: "a.example",
    nextHop: "a.example",
    zone: "default",
    ...temp,
    since: start,
    lastAt: start + HOUR,
    count: 2,
  }]);
  assertEquals([deferrals.count(), deferrals.since()], [1, start]);
});

Deno.test("createDeferrals() ends an entry with the next other answer for the same next hop and zone", () => {
  const { deferrals } = setUp();
  const relay = { name: "relay" };
  deferrals.note({ nextHop: hop("a.example"), zone: ZONE, temp: TEMP });
  deferrals.note({ nextHop: hop("a.example"), zone: relay, temp: TEMP });
  deferrals.note({ nextHop: hop("a.example", 587), zone: ZONE, temp: TEMP });
  deferrals.note({ nextHop: hop("b.example"), zone: ZONE });
  assertEquals([deferrals.of("a.example").length, deferrals.count()], [3, 1]);
  deferrals.note({ nextHop: hop("a.example"), zone: ZONE });
  assertEquals(deferrals.of("a.example").map(({ nextHop, zone }) => `${zone} ${nextHop}`), [
    "relay a.example",
    "default a.example:587",
  ]);
  deferrals.note({ nextHop: hop("a.example"), zone: relay });
  deferrals.note({ nextHop: hop("a.example", 587), zone: ZONE });
  assertEquals([deferrals.count(), deferrals.since()], [0, undefined]);
});

Deno.test("createDeferrals() ends an entry for which Postfix has not asked for two hours", async () => {
  const { clock, deferrals } = setUp();
  deferrals.note({ nextHop: hop("a.example"), zone: ZONE, temp: TEMP });
  await clock.advance(HOUR);
  deferrals.note({ nextHop: hop("b.example"), zone: ZONE, temp: TEMP });
  await clock.advance(HOUR - 1);
  assertEquals(deferrals.count(), 2);
  await clock.advance(1);
  assertEquals(deferrals.list(10).map(({ domain }) => domain), ["b.example"]);
  // Mail that comes later is deferred anew.
  deferrals.note({ nextHop: hop("a.example"), zone: ZONE, temp: TEMP });
  assertEquals(deferrals.of("a.example")[0]?.since, clock.now());
  assertEquals(deferrals.of("a.example")[0]?.count, 1);
});

Deno.test("createDeferrals() begins anew even if nobody has looked meanwhile", async () => {
  const { clock, deferrals } = setUp();
  deferrals.note({ nextHop: hop("a.example"), zone: ZONE, temp: TEMP });
  await clock.advance(3 * HOUR);
  deferrals.note({ nextHop: hop("a.example"), zone: ZONE, temp: TEMP });
  assertEquals(deferrals.of("a.example")[0]?.count, 1);
});

Deno.test("createDeferrals() is bounded: the one asked for longest ago makes room", async () => {
  const { clock, deferrals } = setUp(3);
  for (const domain of ["a", "b", "c", "a", "d"]) {
    deferrals.note({ nextHop: hop(`${domain}.example`), zone: ZONE, temp: TEMP });
    await clock.advance(MINUTE);
  }
  const held = deferrals.list(10).map(({ domain }) => domain);
  assertEquals(held, ["a.example", "c.example", "d.example"]);
  assertEquals(deferrals.list(1).length, 1);
});

Deno.test("createDeferrals() holds 2,000 next hops by default", () => {
  const { deferrals } = setUp();
  for (let i = 0; i < 2100; i++) {
    deferrals.note({ nextHop: hop(`d${i}.example`), zone: ZONE, temp: TEMP });
  }
  assertEquals(deferrals.count(), 2000);
});
