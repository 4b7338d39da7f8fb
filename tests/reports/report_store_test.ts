import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { FileFault } from "../../src/sqlite/fault.ts";
import { MAX_FAILURES, MAX_POLICIES } from "../../src/reports/statements.ts";
import { ReportView } from "../../src/reports/report_view.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";
import { bare, DAY, session, withStore } from "./support.ts";

const DETAIL = { result: "certificate-expired", count: 1, mxHost: "mx.a.test" } as const;
const RECORD = "v=TLSRPTv1; rua=mailto:r@a.test";

Deno.test("count() adds up by day, domain and policy, and keeps the record", () =>
  withStore(({ store }) => {
    const one = session("a.test", { record: RECORD });
    const other = session("a.test", { details: [DETAIL] });
    assertEquals(store.count({ day: DAY, counts: [one, bare("b.test")] }), 0);
    assertEquals(store.count({ day: DAY, counts: [other, one] }), 0);
    assertEquals(store.count({ day: DAY + 1, counts: [one] }), 0);
    const counted = store.report(DAY, "a.test");
    assertEquals(counted?.sessions, { ok: 2, failed: 1 });
    assertEquals(counted?.record, RECORD);
    assertEquals(counted?.report.policies, [{
      type: "sts",
      domain: "a.test",
      strings: one.policies[0]!.policy.strings,
      mxHosts: ["mx.a.test"],
      successful: 2,
      failed: 1,
      details: [DETAIL],
    }]);
    assertEquals(store.report(DAY, "b.test")?.report.policies[0]?.type, "no-policy-found");
    assertEquals(store.report(DAY + 1, "a.test")?.sessions, { ok: 1, failed: 0 });
    assertEquals(store.report(DAY, "c.test"), undefined);
  }));

Deno.test("a report has the same octets each time, also for another process", () =>
  withStore(({ store, open, path }) => {
    for (const mx of ["z", "m", "a"]) {
      const details = [DETAIL, { ...DETAIL, mxHost: "mx2.a.test" }];
      store.count({ day: DAY, counts: [session("a.test", { mx, details })] });
    }
    const text = writeReport(store.report(DAY, "a.test")!.report);
    store.close();
    assertEquals(writeReport(open().report(DAY, "a.test")!.report), text);
    const view = new ReportView(path);
    const sender = { organization: "Example", contact: "tls@example.com" };
    const seen = view.report({ day: DAY, domain: "a.test", sender })!;
    view.close();
    assertEquals(writeReport(seen.report), text);
  }));

Deno.test("the id of a report is a dot-atom of the day and of this file", async () => {
  const ids = new Set<string>();
  for (let round = 0; round < 2; round++) {
    await withStore(({ store }) => {
      store.count({ day: DAY, counts: [bare("a.test"), bare("b.test")] });
      for (const domain of ["a.test", "b.test"]) {
        const { reportId } = store.report(DAY, domain)!.report;
        assertMatch(reportId, /^20260615\.[0-9a-f]{16}$/);
        ids.add(reportId);
      }
    });
  }
  assertEquals(ids.size, 4);
});

Deno.test("policies and failures beyond the bounds of a day count without their text", () =>
  withStore(({ store }) => {
    for (let index = 0; index < MAX_POLICIES + 20; index++) {
      store.count({ day: DAY, counts: [session("a.test", { mx: `mx${index}` })] });
    }
    const { report, sessions } = store.report(DAY, "a.test")!;
    assertEquals(sessions, { ok: MAX_POLICIES + 20, failed: 0 });
    assertEquals(report.policies.length, MAX_POLICIES + 1);
    assertEquals(report.policies.find(({ strings }) => strings.length === 0)?.successful, 20);

    for (let index = 0; index < MAX_FAILURES + 30; index++) {
      const details = [{ ...DETAIL, mxHost: `mx${index}.b.test` }];
      store.count({ day: DAY, counts: [session("b.test", { details })] });
    }
    const [policy] = store.report(DAY, "b.test")!.report.policies;
    assertEquals(policy!.failed, MAX_FAILURES + 30);
    assertEquals(policy!.details.length, MAX_FAILURES + 1);
    const coarse = policy!.details.find(({ mxHost }) => mxHost === undefined);
    assertEquals(coarse, { result: "certificate-expired", count: 30 });
  }));

Deno.test("planSlice() takes a day's domains in order, and goes on where it was", () =>
  withStore(({ store, open }) => {
    const domains = ["c", "a", "e", "b", "d"].map((name) => `${name}.test`);
    store.count({ day: DAY, counts: domains.map(bare) });
    const planned: string[] = [];
    const options = {
      limit: 2,
      dueAt: (domain: string) => {
        planned.push(domain);
        return 1000 + planned.length;
      },
    };
    assertEquals(store.nextToClose(DAY), undefined);
    assertEquals(store.planSlice(store.nextToClose(DAY + 1)!, options), false);
    assertEquals(store.lastClosed(), DAY);
    store.close();
    const next = open();
    assertEquals(next.nextToClose(DAY + 1), { day: DAY, cursor: "b.test" });
    assertEquals(next.planSlice(next.nextToClose(DAY + 1)!, options), false);
    assertEquals(next.planSlice(next.nextToClose(DAY + 1)!, options), true);
    assertEquals(next.nextToClose(DAY + 1), undefined);
    assertEquals(planned, domains.toSorted());
    assertEquals(next.due(2000, 10).map(({ domain, uri }) => [domain, uri]), [
      ["a.test", undefined],
      ["b.test", undefined],
      ["c.test", undefined],
      ["d.test", undefined],
      ["e.test", undefined],
    ]);
    assertEquals(next.due(1002, 10).length, 2);
    assertEquals(next.due(2000, 3).length, 3);
  }));

Deno.test("a delivery is planned, tried again and ended; nothing comes back", () =>
  withStore(({ store, clock }) => {
    const now = clock.now();
    store.count({ day: DAY, counts: [bare("a.test"), bare("b.test")] });
    store.planSlice({ day: DAY, cursor: "" }, { limit: 10, dueAt: () => now });
    store.plan(DAY, "b.test", [], now);
    const [mail, post] = ["mailto:r@Mail.example", "https://h.example/"];
    store.plan(DAY, "a.test", [mail!, post!], now);
    // A second plan, after a crash between the lookup and this, changes nothing.
    store.plan(DAY, "a.test", ["mailto:other@a.test"], now);
    assertEquals(store.due(now, 10).map(({ uri }) => uri).sort(), [post, mail]);

    const row = { day: DAY, domain: "a.test" };
    store.settle({ ...row, uri: mail! }, { state: "due", dueAt: now + 300_000, error: "busy" });
    assertEquals(store.due(now, 10).map(({ uri }) => uri), [post]);
    const [again] = store.due(now + 300_000, 10).filter(({ uri }) => uri === mail);
    assertEquals(again, { day: DAY, domain: "a.test", uri: mail, attempts: 1, firstAt: now });
    store.settle({ ...row, uri: mail! }, { state: "sent" });
    store.settle({ ...row, uri: mail! }, { state: "sent" });
    store.settle({ ...row, uri: post! }, { state: "refused", error: "404" });
    store.settle({ ...row, uri: post! }, { state: "due", dueAt: now, error: "late" });
    assertEquals(store.due(now + 1e9, 10), []);
    assertEquals(store.deliveries(), new Map([["sent", 1], ["refused", 1]]));
    assertEquals(store.mailsTo(DAY, "mail.example"), 1);
    assertEquals(store.mailsTo(DAY, "h.example"), 0);
    assertEquals(store.firstDue(), undefined);
  }));

Deno.test("prune() forgets what is older, a bounded number of rows at a time", () =>
  withStore(({ store }) => {
    const many = Array.from({ length: 1200 }, (_, index) => session(`d${index}.test`));
    store.count({ day: DAY - 10, counts: many });
    store.count({ day: DAY, counts: [session("d1.test", { record: RECORD })] });
    store.planSlice({ day: DAY - 10, cursor: "" }, { limit: 2000, dueAt: () => 0 });
    let rounds = 0;
    while (store.prune(DAY - 7) > 0) rounds++;
    assert(rounds >= 3, `${rounds}`);
    assertEquals(store.days(), [{ day: DAY, state: "open" }]);
    assertEquals(store.report(DAY - 10, "d2.test"), undefined);
    assertEquals(store.due(1e15, 10), []);
    assertEquals(store.report(DAY, "d1.test")?.sessions, { ok: 1, failed: 0 });
  }));

Deno.test("a file at its bound goes on with what it knows, and drops what is new", () =>
  withStore(({ store }) => {
    store.count({ day: DAY, counts: [session("known.test")] });
    let dropped = 0;
    for (let batch = 0; !store.isFull(); batch++) {
      const counts = Array.from({ length: 500 }, (_, index) => session(`d${batch}-${index}.test`));
      dropped += store.count({ day: DAY, counts }) ?? 0;
    }
    assertEquals(dropped, 0);
    assertEquals(store.count({ day: DAY, counts: [session("known.test")] }), 0);
    assertEquals(store.count({ day: DAY, counts: [session("new.test")] }), 1);
    assertEquals(store.report(DAY, "known.test")?.sessions, { ok: 2, failed: 0 });
    assertEquals(store.report(DAY, "new.test"), undefined);
    assertEquals(store.error, undefined);
  }, { maxFileOctets: 5 * 1024 * 1024 }));

Deno.test("a damaged file is set aside and begun anew, and is said loudly", () =>
  withStore(({ store, path, open, lines }) => {
    store.count({ day: DAY, counts: [session("a.test")] });
    store.close();
    Deno.writeTextFileSync(path, "this is no database, but it is as long as a page ".repeat(200));
    const next = open();
    assertEquals(next.report(DAY, "a.test"), undefined);
    assertEquals(next.count({ day: DAY, counts: [session("a.test")] }), 0);
    assert(lines.some((line) => line.includes("report file corrupt, set aside")), lines.join());
  }));

Deno.test("a file that others can write counts nothing, and throws where a loss would do harm", () =>
  withStore(({ store, path, open }) => {
    store.count({ day: DAY, counts: [session("a.test")] });
    store.close();
    Deno.chmodSync(path, 0o622);
    const other = open();
    assertEquals(other.count({ day: DAY, counts: [session("a.test")] }), undefined);
    assertThrows(() => other.report(DAY, "a.test"), FileFault);
    assertThrows(() => other.due(0, 1), FileFault);
    assertThrows(() => other.plan(DAY, "a.test", [], 0), FileFault);
    const row = { day: DAY, domain: "a.test", uri: "" };
    assertThrows(() => other.settle(row, { state: "sent" }), FileFault);
    assert(other.error?.includes("can be written by others"));
  }));

Deno.test("a batch that fails half-way counts nothing, and then counts once", () =>
  withStore(({ store }) => {
    const failing = {
      *[Symbol.iterator]() {
        yield session("a.test");
        throw new Error("no more");
      },
    };
    assertEquals(store.count({ day: DAY, counts: failing }), undefined);
    store.flush();
    assertEquals(store.count({ day: DAY, counts: [session("a.test")] }), 0);
    assertEquals(store.report(DAY, "a.test")?.sessions, { ok: 1, failed: 0 });
  }));
