import { assertEquals } from "@std/assert";
import { createMetrics } from "../../src/base/metrics.ts";
import { watchDnssec } from "../../src/dns/dnssec_watch.ts";
import type { ResolverState } from "../../src/dns/types.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const GOOD: ResolverState = {
  server: "192.0.2.1:53",
  udp: "answers",
  tcp: "answers",
  edns: true,
  validates: true,
};

/** How often a resolver is asked within two minutes of which this is known. */
async function rounds(state: ResolverState): Promise<number> {
  const clock = new ManualClock();
  let asked = 0;
  const watch = watchDnssec({
    clock,
    metrics: createMetrics(),
    dns: {
      probe: () => Promise.resolve({ kind: "validates" }),
      inspect() {
        asked++;
        return Promise.resolve([state]);
      },
      resolvers: () => [state],
      validates: () => state.validates,
    },
  });
  for (let second = 0; second < 120; second++) await clock.advance(1000);
  watch.stop();
  return asked;
}

Deno.test("watchDnssec() asks again soon while something is not known, or one way does not answer", async () => {
  assertEquals(await rounds(GOOD), 1);
  for (
    const change of [{ validates: undefined }, { udp: "no answer" }, { tcp: "no answer" }] as const
  ) {
    assertEquals(await rounds({ ...GOOD, ...change }) >= 4, true, JSON.stringify(change));
  }
  // Of its own accord it is asked one way only.
  assertEquals(await rounds({ ...GOOD, udp: "off" }), 1);
});
