/** One report counts once, however often, by whichever way and in whatever order it comes. */

import { assert, assertEquals } from "@std/assert";
import { DAY_MS } from "../../src/receive/days.ts";
import type { AdmittedReport } from "../../src/receive/types.ts";
import { createRandom, type Random } from "../fakes/random.ts";
import { countsOf, DAY, detailOf, policyOf, reportOf, withStore } from "./support.ts";

const SIGNED = reportOf({ failed: 2, details: [detailOf({ count: 2 })] });
const UNSIGNED = { ...SIGNED, authentication: "unsigned", way: "https" } as const;

Deno.test("the same report by mail and HTTPS counts once, and as signed", async () => {
  for (const order of [[SIGNED, UNSIGNED], [UNSIGNED, SIGNED], [UNSIGNED, UNSIGNED, SIGNED]]) {
    await withStore(({ store }) => {
      const keepings = order.map((report) => store.add(report));
      assertEquals(keepings, ["kept", ...order.slice(1).map(() => "duplicate")]);
      assertEquals(countsOf(store), [
        "a.test 2026-06-15 sender.test sts dkim 10+2",
        "a.test 2026-06-15 sender.test dkim certificate-expired mx.a.test - 192.0.2.0/24 2",
      ]);
      const [kept, ...more] = store.reports("a.test", 5);
      assertEquals([kept!.authentication, kept!.changed, kept!.counts], ["dkim", false, true]);
      assertEquals(more, []);
    });
  }
});

Deno.test("who guesses an id replaces nothing that is signed, before or after", async () => {
  const forged = reportOf({ authentication: "unsigned", way: "https", failed: 1_000_000 });
  for (const order of [[SIGNED, forged], [forged, SIGNED], [forged, UNSIGNED, SIGNED, forged]]) {
    await withStore(({ store }) => {
      assertEquals(store.add(order[0]!), "kept");
      assertEquals(store.add(order[1]!), "changed");
      for (const report of order.slice(2)) store.add(report);
      assertEquals(countsOf(store), [
        "a.test 2026-06-15 sender.test sts dkim 10+2",
        "a.test 2026-06-15 sender.test dkim certificate-expired mx.a.test - 192.0.2.0/24 2",
      ]);
      const reports = store.reports("a.test", 5);
      assertEquals(reports.map(({ changed }) => changed), [true, true]);
      assertEquals(
        new Set(reports.map(({ counts, authentication }) => `${counts} ${authentication}`)),
        new Set(["true dkim", "false unsigned"]),
      );
    });
  }
});

Deno.test("of two signed versions, the one with more failed sessions counts, whichever came first", async () => {
  const good = reportOf({ ok: 100, failed: 0 });
  const bad = reportOf({ ok: 50, failed: 3 });
  for (const order of [[good, bad], [bad, good], [bad, good, good, bad]]) {
    await withStore(({ store }) => {
      for (const report of order) store.add(report);
      assertEquals(countsOf(store), ["a.test 2026-06-15 sender.test sts dkim 50+3"]);
      assertEquals(store.reports("a.test", 5).length, 2);
    });
  }
});

Deno.test("of versions with the same sums the same one counts, whichever came first", async () => {
  const versions = ["mx1.test", "mx2.test", "mx3.test"].map((mxHost) =>
    reportOf({ failed: 1, details: [detailOf({ mxHost })] })
  );
  const seen = new Set<string>();
  for (const order of [versions, versions.toReversed()]) {
    await withStore(({ store }) => {
      for (const report of order) store.add(report);
      seen.add(countsOf(store).join("\n"));
    });
  }
  assertEquals(seen.size, 1);
});

Deno.test("a version with another end of its range is the same report, not a second one", () =>
  withStore(({ store }) => {
    const begin = DAY * DAY_MS + 13 * 3_600_000;
    store.add(reportOf({ range: { begin, end: begin + 3_600_000 } }));
    assertEquals(store.add(reportOf({ range: { begin, end: begin + DAY_MS } })), "changed");
    assertEquals(countsOf(store).length, 1);
  }));

Deno.test("another begin, id, submitter or domain is another report", () =>
  withStore(({ store }) => {
    const { range } = SIGNED;
    const others = [
      SIGNED,
      reportOf({ range: { ...range, begin: range.begin + 1000 } }),
      reportOf({ reportId: "x" }),
      reportOf({ submitter: "other.test" }),
      reportOf({ domain: "b.test", reportId: SIGNED.reportId }),
    ];
    assertEquals(others.map((report) => store.add(report)), others.map(() => "kept"));
  }));

/** Versions of a few reports, signed and not, with the same and other content. */
function inventReports(random: Random): AdmittedReport[] {
  return Array.from({ length: 12 }, (): AdmittedReport => {
    const policies = Array.from({ length: 1 + random.int(3) }, () =>
      policyOf({
        domain: random.pick(["a.test", "*.b.test"]),
        type: random.pick(["sts", "tlsa", "no-policy-found", "unknown"]),
        policyDomain: random.pick(["a.test", "mx.a.test"]),
        ok: random.int(3),
        failed: random.int(3),
        details: Array.from({ length: random.int(4) }, () =>
          detailOf({
            count: random.int(3),
            mxHost: random.pick(["mx1.test", "mx2.test"]),
            result: random.pick(["certificate-expired", "unknown"]),
          })),
      }));
    const begin = DAY * DAY_MS + random.int(3) * 6 * 3_600_000;
    return reportOf({
      reportId: random.pick(["one", "two"]),
      submitter: random.pick(["s.test", "t.test"]),
      authentication: random.pick(["dkim", "unsigned"]),
      range: { begin, end: begin + random.pick([3_600_000, DAY_MS, 7 * DAY_MS]) },
      policies,
    });
  });
}

function shuffle<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.int(left.length), 1)[0]!);
}

Deno.test("reports in any order and any number give the same counts", async () => {
  let replaced = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const random = createRandom(seed);
    const reports = inventReports(random);
    const seen = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const repeated = round === 0 ? reports : [...reports, ...reports.slice(random.int(12))];
      await withStore(({ store }) => {
        for (const report of shuffle(random, repeated)) {
          if (store.add(report) === "changed") replaced++;
        }
        // What is marked may differ, what counts may not.
        seen.add(countsOf(store).join("\n"));
      });
    }
    assertEquals(seen.size, 1, `seed ${seed}`);
  }
  assert(replaced > 80, `only ${replaced} versions`);
});
