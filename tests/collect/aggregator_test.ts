import { assertEquals } from "@std/assert";
import { createMetrics } from "../../src/base/metrics.ts";
import { Aggregator } from "../../src/collect/aggregator.ts";
import type { DomainCount } from "../../src/tlsrpt/session.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { bare, valueOf } from "./support.ts";

const DAY_MS = 86_400_000;

function setUp({ maxKeys }: { maxKeys?: number } = {}) {
  const clock = new ManualClock(Date.UTC(2026, 5, 15));
  const metrics = createMetrics();
  const batches: { day: number; counts: DomainCount[] }[] = [];
  const state = { works: true, flushes: 0 };
  const store = {
    count({ day, counts }: { day: number; counts: Iterable<DomainCount> }) {
      if (!state.works) return undefined;
      batches.push({ day, counts: [...counts] });
      return 0;
    },
    flush: () => void state.flushes++,
  };
  const options = { store, clock, metrics, ...(maxKeys !== undefined && { maxKeys }) };
  return { clock, metrics, batches, state, aggregator: new Aggregator(options) };
}

const DETAIL = { result: "certificate-expired", count: 1 } as const;

function failed(domain: string, mxHost: string): DomainCount {
  const policy = { type: "sts", domain, strings: [], mxHosts: [] } as const;
  const details = [{ ...DETAIL, mxHost }];
  return { domain, record: "v=TLSRPTv1;", policies: [{ policy, ok: 0, failed: 1, details }] };
}

Deno.test("Aggregator adds up, and hands over within a second", async () => {
  const { clock, batches, aggregator, metrics } = setUp();
  aggregator.add(bare("a.test"));
  aggregator.add(bare("a.test"));
  aggregator.add(failed("a.test", "mx1"));
  aggregator.add(failed("a.test", "mx1"));
  aggregator.add(failed("a.test", "mx2"));
  assertEquals(aggregator.size, 4);
  await clock.advance(1000);
  assertEquals(aggregator.size, 0);
  const [{ counts } = { counts: [] }] = batches;
  assertEquals(counts.length, 1);
  assertEquals(counts[0]!.record, "v=TLSRPTv1;");
  const [plain, sts] = counts[0]!.policies;
  assertEquals([plain!.ok, plain!.failed], [2, 0]);
  assertEquals([sts!.ok, sts!.failed], [0, 3]);
  assertEquals(sts!.details, [{ ...DETAIL, mxHost: "mx1", count: 2 }, {
    ...DETAIL,
    mxHost: "mx2",
  }]);
  assertEquals(valueOf(metrics, "mta_sts_report_sessions_total", "no-policy-found"), 2);
  aggregator.close();
});

Deno.test("Aggregator hands over in parts, with a pause between them", async () => {
  const { clock, batches, aggregator, state } = setUp();
  for (let index = 0; index < 600; index++) aggregator.add(bare(`d${index}.test`));
  await clock.advance(1000);
  assertEquals(batches.map(({ counts }) => counts.length), [250]);
  // What comes meanwhile is counted, too.
  aggregator.add(bare("d599.test"));
  await clock.advance(10);
  assertEquals(batches.map(({ counts }) => counts.length), [250, 250, 100]);
  assertEquals(batches[2]!.counts.at(-1)!.policies[0]!.ok, 2);
  assertEquals(state.flushes, 1);
  aggregator.close();
});

Deno.test("Aggregator hands over before the second is over when there are many", () => {
  const { batches, aggregator, metrics } = setUp({ maxKeys: 1000 });
  for (let index = 0; index < 5000; index++) aggregator.add(bare(`d${index}.test`));
  assertEquals(batches.length > 10, true);
  assertEquals(valueOf(metrics, "mta_sts_report_dropped_total"), 0);
  aggregator.close();
  assertEquals(batches.reduce((sum, { counts }) => sum + counts.length, 0), 5000);
});

Deno.test("Aggregator keeps what the store does not take, drops what is new beyond the bound, and counts on", async () => {
  const { clock, batches, aggregator, metrics, state } = setUp({ maxKeys: 600 });
  state.works = false;
  for (let index = 0; index < 700; index++) aggregator.add(bare(`d${index}.test`));
  aggregator.add(bare("d1.test"));
  aggregator.add(failed("d2.test", "mx"));
  assertEquals(aggregator.size, 600);
  assertEquals(valueOf(metrics, "mta_sts_report_dropped_total"), 101);
  await clock.advance(3000);
  assertEquals(batches, []);
  assertEquals(state.flushes > 0, true);
  state.works = true;
  await clock.advance(1010);
  assertEquals(aggregator.size, 0);
  const counts = batches.flatMap((batch) => batch.counts);
  assertEquals(counts.length, 600);
  const twice = counts.find(({ domain }) => domain === "d1.test")!;
  assertEquals(twice.policies[0]!.ok, 2);
  aggregator.close();
});

Deno.test("Aggregator counts by the UTC day, and never for a day that is closed", async () => {
  const { clock, batches, aggregator } = setUp();
  const today = Math.floor(clock.now() / DAY_MS);
  await clock.advance(DAY_MS - 500);
  aggregator.add(bare("a.test"));
  await clock.advance(500);
  aggregator.add(bare("a.test"));
  aggregator.flush();
  assertEquals(batches.map(({ day }) => day), [today, today + 1]);
  // As after a clock that went back: the file says that this day is over.
  assertEquals(aggregator.settle(today + 2), true);
  aggregator.add(bare("a.test"));
  assertEquals(aggregator.settle(today + 3), false);
  aggregator.close();
  assertEquals(batches.map(({ day }) => day), [today, today + 1, today + 2]);
});
