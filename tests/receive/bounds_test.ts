/** Everything that a stranger can fill has a bound, and counts stay right at it. */

import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { DAY_MS } from "../../src/receive/days.ts";
import {
  BODY_MAX_OCTETS,
  MAX_DAY_PROBLEMS,
  UNSIGNED_BODY_MAX_OCTETS,
} from "../../src/receive/keep_report.ts";
import { BODY_DAYS, PRUNE_ROWS } from "../../src/receive/prune.ts";
import { COUNT_MAX, MAX_REPORT_PROBLEMS, OTHERS } from "../../src/receive/report_part.ts";
import { createRandom } from "../fakes/random.ts";
import { ALWAYS, countsOf, DAY, detailOf, reportOf, withStore } from "./support.ts";

function sum(rows: readonly { readonly count: number }[]): number {
  return rows.reduce((total, { count }) => total + count, 0);
}

Deno.test("failures beyond the bound of a report and of a day stand together by result", () =>
  withStore(({ store, path }) => {
    const details = Array.from({ length: 1000 }, (_, index) =>
      detailOf({
        mxHost: `mx${index}.a.test`,
        result: index % 2 === 0 ? "certificate-expired" : "tlsa-invalid",
        count: index === 500 ? 7 : 1,
      }));
    for (let report = 0; report < 10; report++) {
      store.add(reportOf({ reportId: `${report}`, failed: 1000, details }));
    }
    const problems = store.problems(ALWAYS);
    assertEquals(sum(problems), 10 * 1006);
    const kept = problems.filter(({ reason }) => reason !== OTHERS);
    assertEquals(kept.length, MAX_REPORT_PROBLEMS);
    assertEquals(kept[0]!.mx, "mx500.a.test");
    assertEquals(problems.length, MAX_REPORT_PROBLEMS + 2);
    const database = new DatabaseSync(path);
    const rows = database.prepare("SELECT count(*) AS count FROM problem").get()?.count as number;
    database.close();
    // Three reports fill the day, the others have a row for each result.
    assert(rows <= MAX_DAY_PROBLEMS + 20, `${rows} rows`);
  }));

Deno.test("a report cannot count more sessions than there are", () =>
  withStore(({ store }) => {
    for (let report = 0; report < 3; report++) {
      store.add(reportOf({ reportId: `${report}`, ok: Number.MAX_SAFE_INTEGER, failed: 1 }));
    }
    assertEquals(countsOf(store), [
      `a.test 2026-06-15 sender.test sts dkim ${3 * COUNT_MAX}+3`,
    ]);
  }));

Deno.test("when the words are used up, failures count without names, and known senders go on", () =>
  withStore(({ store }) => {
    const details = Array.from(
      { length: 50 },
      (_, index) => detailOf({ mxHost: `mx${index}.test` }),
    );
    assertEquals(store.add(reportOf({ details, failed: 50 })), "kept");
    assertEquals(store.problems(ALWAYS).map(({ mx }) => mx).filter((mx) => mx !== "").length, 28);
    assertEquals(sum(store.problems(ALWAYS)), 50);
    assertEquals(store.add(reportOf({ day: DAY + 1 })), "kept");
    let kept = 0;
    while (kept < 100 && store.add(reportOf({ submitter: `s${kept}.test` })) === "kept") kept++;
    assert(kept > 1 && kept < 100, `${kept} kept`);
    assertEquals(store.add(reportOf({ day: DAY + 2 })), "kept");
  }, { maxWords: 40 }));

Deno.test("unsigned reports leave words to signed ones", () =>
  withStore(({ store }) => {
    const unsigned = { authentication: "unsigned", way: "https" } as const;
    const details = Array.from({ length: 5 }, (_, index) => detailOf({ mxHost: `m${index}.test` }));
    let kept = 0;
    for (; kept < 200; kept++) {
      const report = reportOf({ submitter: `u${kept}.test`, failed: 5, details, ...unsigned });
      if (store.add(report) !== "kept") break;
    }
    assert(kept > 5 && kept <= 50, `${kept} kept`);
    for (let sender = 0; sender < 20; sender++) {
      const submitter = `signed${sender}.test`;
      const own = [detailOf({ mxHost: `mx.${submitter}` })];
      assertEquals(store.add(reportOf({ submitter, failed: 1, details: own })), "kept");
    }
    const named = store.problems(ALWAYS).filter(({ mx }) => mx.startsWith("mx.signed"));
    assertEquals(named.length > 3, true);
  }, { maxWords: 100 }));

Deno.test("unsigned failures of a domain and day share a bound, and are few in a report", () =>
  withStore(({ store }) => {
    const unsigned = { authentication: "unsigned", way: "https" } as const;
    const details = Array.from(
      { length: 100 },
      (_, index) => detailOf({ mxHost: `mx${index}.a.test`, reason: `r${index}` }),
    );
    for (let index = 0; index < 100; index++) {
      store.add(reportOf({ submitter: `u${index}.test`, failed: 100, details, ...unsigned }));
    }
    const rows = store.problems(ALWAYS);
    assert(rows.length <= MAX_DAY_PROBLEMS + 10, `${rows.length} rows`);
    assertEquals(
      sum(store.problems(ALWAYS).filter(({ submitter }) => submitter === "u0.test")),
      100,
    );
    assertEquals(store.outcomes(ALWAYS).length, 100);
    store.add(reportOf({ failed: 100, details }));
    assertEquals(
      store.problems(ALWAYS).filter(({ authentication }) => authentication === "dkim").length,
      100,
    );
  }));

Deno.test("a large body is not kept, its counts are", () =>
  withStore(({ store }) => {
    const gzip = createRandom(1).bytes(BODY_MAX_OCTETS + 1);
    assertEquals(store.add(reportOf({ gzip })), "kept");
    assertEquals(store.body(store.reports("a.test", 1)[0]!.id), undefined);
    assertEquals(countsOf(store).length, 1);
    const unsigned = { authentication: "unsigned", submitter: "u.test", domain: "b.test" } as const;
    store.add(reportOf({ gzip: gzip.subarray(0, UNSIGNED_BODY_MAX_OCTETS + 1), ...unsigned }));
    store.add(
      reportOf({ gzip: gzip.subarray(0, UNSIGNED_BODY_MAX_OCTETS), reportId: "2", ...unsigned }),
    );
    const bodies = store.reports("b.test", 2).map(({ id }) => store.body(id)?.length);
    assertEquals(bodies, [UNSIGNED_BODY_MAX_OCTETS, undefined]);
  }));

Deno.test("at the bound of the file nothing new is kept, a signed one still replaces, and pruning helps", () =>
  withStore(({ store, path, clock }) => {
    const random = createRandom(2);
    const first = reportOf({ authentication: "unsigned" });
    store.add(first);
    let kept = 1;
    for (; kept < 300; kept++) {
      const gzip = random.bytes(8000);
      if (store.add(reportOf({ reportId: `${kept}`, gzip, receivedAt: clock.now() })) === "full") {
        break;
      }
    }
    // Bodies go first, long before counts.
    const sized = store.reports("a.test", 300).filter(({ id }) => store.body(id) !== undefined);
    assert(sized.length > 20 && sized.length < 120, `${sized.length} bodies`);
    assertEquals(store.isFull(), false);
    for (; kept < 60_000; kept++) {
      if (store.add(reportOf({ reportId: `${kept}`, gzip: new Uint8Array() })) === "full") break;
    }
    assertEquals(store.isFull(), true);
    assertEquals(store.error, undefined);
    assertEquals(
      store.outcomes(ALWAYS)[0]!.successful + store.outcomes(ALWAYS)[1]!.successful,
      10 * kept,
    );
    assertEquals(store.add(reportOf({ submitter: "new.test" })), "full");
    assertEquals(store.add({ ...first, authentication: "dkim" }), "duplicate");
    assertEquals(store.outcomes(ALWAYS).length, 1);
    assert(Deno.statSync(path).size < 6 * 1024 * 1024);
    const later = clock.now() + (BODY_DAYS + 1) * DAY_MS;
    while (store.prune(later) > 0);
    assertEquals(store.isFull(), false);
    assertEquals(store.add(reportOf({ submitter: "new.test" })), "kept");
  }, { maxFileOctets: 5 * 1024 * 1024 }));

Deno.test("prune() drops bodies after a month and counts after their days, in slices; then words", () =>
  withStore(({ store, path, clock }) => {
    const reports = PRUNE_ROWS + 200;
    for (let index = 0; index < reports; index++) {
      const domain = `d${index % 50}.test`;
      const details = [detailOf({ mxHost: `mx.${domain}` })];
      store.add(reportOf({ domain, reportId: `${index}`, failed: 1, details }));
    }
    store.add(reportOf({ domain: "late.test", day: DAY + 20 }));
    const counts = countsOf(store);
    assertEquals(store.prune(clock.now()), 0);
    const month = clock.now() + BODY_DAYS * DAY_MS;
    assertEquals(store.prune(month + 1), PRUNE_ROWS + 3, "a slice, and what came on two days");
    assertEquals(store.prune(month + 1), 200);
    assertEquals(store.prune(month + 1), 0);
    assertEquals(store.reports("d1.test", 100), []);
    assertEquals(countsOf(store), counts);

    const year = clock.now() + 400 * DAY_MS;
    let slices = 0;
    for (; store.prune(year) > 0; slices++) assert(slices < 50);
    assert(slices === 2);
    assertEquals(countsOf(store), ["late.test 2026-07-05 sender.test sts dkim 10+0"]);
    assertEquals(store.domains(), ["late.test"]);
    const words = () => {
      const database = new DatabaseSync(path);
      const rows = database.prepare("SELECT text FROM word ORDER BY text").all();
      database.close();
      return rows.map(({ text }) => text);
    };
    assert(words().includes("mx.d1.test"), "words stay some days longer");
    while (store.prune(year + 12 * DAY_MS) > 0);
    assertEquals(words().filter((word) => `${word}`.startsWith("mx.d")), []);
    assertEquals(countsOf(store).length, 1);
    while (store.prune(year + 60 * DAY_MS) > 0);
    assertEquals(words(), []);
  }));
