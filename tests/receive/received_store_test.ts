import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { FileFault } from "../../src/sqlite/fault.ts";
import { DAY_MS } from "../../src/receive/days.ts";
import { ReceivedFileView } from "../../src/receive/received_file_view.ts";
import { Deviations } from "../../src/tlsrpt/deviation.ts";
import { countsOf, DAY, detailOf, policyOf, reportOf, withStore } from "./support.ts";

Deno.test("add() keeps counts, failures and the report, also for another process", () =>
  withStore(({ store, path }) => {
    const deviations = new Deviations();
    deviations.add("mx-host-string");
    deviations.add("range-to-midnight");
    const details = [
      detailOf({ count: 2 }),
      detailOf({ count: 3, sendingIp: "192.0.2.200" }),
      detailOf({ result: "validation-failure", reason: "MX_HOSTS_MISMATCH", mxHost: "mx2.a.test" }),
      detailOf({ result: "unknown", written: "odd-word", sendingIp: "2001:db8:1:2::3" }),
    ];
    const report = reportOf({ failed: 4, details, deviations: deviations.list() });
    assertEquals(store.add(report), "kept");
    assertEquals(store.add(reportOf({ domain: "b.test", submitter: "other.test" })), "kept");
    const expected = [
      "a.test 2026-06-15 sender.test sts dkim 10+4",
      "b.test 2026-06-15 other.test sts dkim 10+0",
      "a.test 2026-06-15 sender.test dkim certificate-expired mx.a.test - 192.0.2.0/24 5",
      "a.test 2026-06-15 sender.test dkim unknown mx.a.test odd-word 2001:db8:1::/48 1",
      "a.test 2026-06-15 sender.test dkim validation-failure mx2.a.test MX_HOSTS_MISMATCH 192.0.2.0/24 1",
    ];
    const view = new ReceivedFileView(path);
    for (const each of [store, view]) {
      assertEquals(countsOf(each), expected);
      assertEquals(each.domains(), ["a.test", "b.test"]);
      assertEquals(each.days("a.test"), { first: "2026-06-15", last: "2026-06-15" });
      assertEquals(each.days("c.test"), undefined);
      const [kept] = each.reports("a.test", 5);
      const { gzip, policies: _, deviations: __, ...rest } = report;
      assertEquals(kept, {
        id: 1,
        ...rest,
        deviations: ["range-to-midnight", "mx-host-string"],
        changed: false,
        counts: true,
      });
      assertEquals(each.body(kept!.id), new Uint8Array(gzip));
      assertEquals(each.body(999), undefined);
    }
    view.close();
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
  }));

Deno.test("rows come in the order of domain, day and submitter, within the days asked for", () =>
  withStore(({ store }) => {
    for (const submitter of ["z.test", "m.test", "a.test"]) {
      for (const domain of ["q.test", "d.test"]) {
        for (const day of [DAY + 1, DAY - 1, DAY]) store.add(reportOf({ submitter, domain, day }));
      }
    }
    const rows = store.outcomes({ since: "2026-06-15", until: "2026-06-16" });
    assertEquals(rows.map(({ domain, day, submitter }) => `${domain} ${day} ${submitter}`), [
      "d.test 2026-06-15 a.test",
      "d.test 2026-06-15 m.test",
      "d.test 2026-06-15 z.test",
      "d.test 2026-06-16 a.test",
      "d.test 2026-06-16 m.test",
      "d.test 2026-06-16 z.test",
      "q.test 2026-06-15 a.test",
      "q.test 2026-06-15 m.test",
      "q.test 2026-06-15 z.test",
      "q.test 2026-06-16 a.test",
      "q.test 2026-06-16 m.test",
      "q.test 2026-06-16 z.test",
    ]);
    assertEquals(store.days("q.test"), { first: "2026-06-14", last: "2026-06-16" });
    const one = { since: "2026-06-14", until: "2026-06-14", domain: "q.test" };
    assertEquals(store.outcomes(one).length, 3);
    assertEquals(store.outcomes({ ...one, domain: "c.test" }), []);
    assertEquals(store.outcomes({ ...one, since: "yesterday" }), []);
    assertEquals(store.reports("q.test", 4).map(({ submitter }) => submitter), [
      "a.test",
      "m.test",
      "z.test",
      "a.test",
    ]);
  }));

Deno.test("a report about several domains of ours counts for each, and its body is kept once", () =>
  withStore(({ store, path }) => {
    const policies = [
      policyOf({ domain: "a.test", ok: 3 }),
      policyOf({ domain: "b.test", ok: 4, failed: 1 }),
      policyOf({ domain: "a.test", type: "tlsa", policyDomain: "mx.a.test", ok: 5 }),
      policyOf({ domain: "a.test", type: "no-policy-found", ok: 6 }),
    ];
    const report = reportOf({ policies });
    assertEquals(store.add(report), "kept");
    assertEquals(store.add(report), "duplicate");
    assertEquals(countsOf(store), [
      "a.test 2026-06-15 sender.test sts dkim 3+0",
      "a.test 2026-06-15 sender.test tlsa dkim 5+0",
      "a.test 2026-06-15 sender.test no-policy-found dkim 6+0",
      "b.test 2026-06-15 sender.test sts dkim 4+1",
    ]);
    const ids = ["a.test", "b.test"].map((domain) => store.reports(domain, 1)[0]!.id);
    assertEquals(ids.map((id) => store.body(id)), [
      new Uint8Array(report.gzip),
      new Uint8Array(report.gzip),
    ]);
    const database = new DatabaseSync(path);
    const sql = "SELECT count(body) AS bodies FROM report";
    assertEquals(database.prepare(sql).get()?.bodies, 1);
    database.close();
  }));

Deno.test("a domain that is added to the configuration later gets its part of a report that comes again", () =>
  withStore(({ store }) => {
    const a = policyOf({ domain: "a.test", ok: 3 });
    store.add(reportOf({ policies: [a] }));
    assertEquals(store.add(reportOf({ policies: [a, policyOf({ domain: "b.test" })] })), "kept");
    assertEquals(countsOf(store), [
      "a.test 2026-06-15 sender.test sts dkim 3+0",
      "b.test 2026-06-15 sender.test sts dkim 0+0",
    ]);
  }));

Deno.test("one report-id for many names below an entry are many reports", () =>
  withStore(({ store }) => {
    for (const name of ["x", "y", "x"]) {
      const policies = [policyOf({ domain: "*.a.test", policyDomain: `${name}.a.test`, ok: 2 })];
      store.add(reportOf({ reportId: "2026-06-15", policies }));
    }
    assertEquals(countsOf(store), ["*.a.test 2026-06-15 sender.test sts dkim 4+0"]);
  }));

Deno.test("arrivals() counts what came from a submitter on a day, but not the operator's files", () =>
  withStore(({ store }) => {
    const receivedAt = DAY * DAY_MS + 1;
    store.add(reportOf({ receivedAt }));
    store.add(reportOf({ receivedAt, way: "https" }));
    store.add(reportOf({ receivedAt, way: "file" }));
    store.add(reportOf({ receivedAt: receivedAt + DAY_MS }));
    const load = (submitter: string) =>
      store.arrivals({ submitter, domains: ["a.test"], at: receivedAt });
    assertEquals(load("sender.test").ofSubmitter, 2);
    assertEquals(load("other.test").ofSubmitter, 0);
  }));

Deno.test("arrivals() counts what is unsigned, and senders that are signed for the first time", () =>
  withStore(({ store, open }) => {
    const at = DAY * DAY_MS + 1;
    const add = (parts: Parameters<typeof reportOf>[0]) =>
      store.add(reportOf({ receivedAt: at, ...parts }));
    const load = (submitter: string, domains: string[], day = 0) =>
      open().arrivals({ submitter, domains, at: at + day * DAY_MS });
    const unsigned = { authentication: "unsigned", way: "https" } as const;
    add({ reportId: "0", submitter: "x0.test", domain: "a.test", ...unsigned });
    for (let number = 1; number < 4; number++) {
      add({ reportId: `${number}`, submitter: `x${number}.test`, domain: "a.test", ...unsigned });
    }
    add({ reportId: "4", domain: "b.test", ...unsigned });
    add({ reportId: "5", domain: "b.test", ...unsigned });
    add({ reportId: "6", domain: "b.test", ...unsigned, way: "file" });
    const of = (submitter: string, domains: string[]) => {
      const { unsigned, unsignedOfDomain, isNew, newSenders } = load(submitter, domains);
      return { unsigned, unsignedOfDomain, isNew, newSenders };
    };
    assertEquals(of("x1.test", ["c.test"]), {
      unsigned: 6,
      unsignedOfDomain: 0,
      isNew: true,
      newSenders: 0,
    });
    assertEquals(of("x1.test", ["b.test", "a.test"]).unsignedOfDomain, 4);
    add({ reportId: "7", submitter: "x1.test" });
    add({ reportId: "8", submitter: "x1.test" });
    add({ reportId: "9", submitter: "x2.test", way: "file" });
    assertEquals(of("x1.test", []), {
      unsigned: 6,
      unsignedOfDomain: 0,
      isNew: false,
      newSenders: 1,
    });
    assertEquals(of("x2.test", []).isNew, false);
    const next = load("x1.test", ["a.test"], 1);
    assertEquals([next.unsigned, next.unsignedOfDomain, next.isNew, next.newSenders], [
      ...[0, 0, false, 0],
    ]);
    while (store.prune(at + 3 * DAY_MS) > 0);
    assertEquals(load("x1.test", ["a.test"]).unsigned, 0);
  }));

Deno.test("texts of strangers neither end a statement nor a row", () =>
  withStore(({ store }) => {
    const nasty = "'; DROP TABLE report; --\0\u202e<script>\u{1f4a9}";
    const reason = nasty.repeat(50);
    const details = [detailOf({ mxHost: nasty, reason, count: 2 ** 53 - 1, sendingIp: "no" })];
    const report = reportOf({ organization: nasty, contact: nasty, reportId: nasty, details });
    assertEquals(store.add({ ...report, range: { begin: -1e17, end: 1e17 } }), "kept");
    assertEquals(store.add({ ...report, range: { begin: 1e17, end: -1e17 } }), "kept");
    const [problem] = store.problems({ since: "1970-01-01", until: "9999-12-31" });
    assertEquals(problem!.count, 1e9);
    assert(problem!.mx.startsWith("'; DROP TABLE report; --??<script>"));
    assertEquals(problem!.reason.length, 255);
    assertEquals(store.reports("a.test", 9).length, 2);
    assertEquals(store.reports("a.test", 9)[0]!.organization, nasty.replace("\0", "?"));
  }));

Deno.test("a file of another program, and one of a later version, are left alone", () =>
  withStore(({ store, path, open }) => {
    store.close();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    const later = open();
    assert(later.error?.includes("written by a later version"));
    assertEquals(later.add(reportOf()), "full");
    assertThrows(() => later.outcomes({ since: "2026-06-15", until: "2026-06-15" }), FileFault);
    assertThrows(() => new ReceivedFileView(path), FileFault, "later version");
  }));
