/**
 * From octets to counts: admission, store, log and counters together.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { createLog } from "../../src/base/log.ts";
import type { KeyLookup } from "../../src/mail/dkim_verify.ts";
import { createAdmission } from "../../src/receive/admission.ts";
import { DAY_MS } from "../../src/receive/days.ts";
import { createInbox, type Inbox } from "../../src/receive/inbox.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";
import { bareArrival, keyLookup, mailArrival, NOW, reportWith } from "./report_mails.ts";
import { ALWAYS, countsOf, type StoreBench, withStore } from "./support.ts";

interface Bench extends StoreBench {
  readonly inbox: Inbox;
}

async function withInbox(
  test: (bench: Bench) => Promise<void>,
  records?: Readonly<Record<string, KeyLookup>>,
): Promise<void> {
  const { lookupKey } = await keyLookup(records);
  await withStore(async (bench) => {
    const { store, clock, metrics, lines } = bench;
    await clock.advance(NOW - clock.now());
    const now = () => clock.now();
    const inbox = createInbox({
      admit: createAdmission({
        rules: () => ({ domains: ["a.test"], unsigned: "mark", keepDays: 400 }),
        lookupKey,
        arrivals: (query) => store.arrivals(query),
        now,
      }),
      store,
      log: createLog({ level: "info", format: "json", write: (line) => lines.push(line) }),
      metrics,
      now,
    });
    await test({ ...bench, inbox });
  });
}

Deno.test("a report that comes by mail and over HTTPS counts once", async () => {
  await withInbox(async ({ inbox, store, metrics }) => {
    const counts = [
      "a.test 2026-11-27 sender.test sts dkim 10+2",
      "a.test 2026-11-27 sender.test dkim certificate-expired mx.a.test - - 2",
    ];
    assertEquals(await inbox(await mailArrival()), { kind: "kept" });
    assertEquals(countsOf(store), counts);
    assertEquals(await inbox(bareArrival(reportWith())), { kind: "duplicate" });
    assertEquals(await inbox(await mailArrival()), { kind: "duplicate" });
    assertEquals(countsOf(store), counts);
    const text = metrics.render();
    assertStringIncludes(text, 'mta_sts_received_reports_total{way="mail",result="kept"} 1');
    assertStringIncludes(text, 'mta_sts_received_reports_total{way="mail",result="duplicate"} 1');
    assertStringIncludes(text, 'mta_sts_received_reports_total{way="https",result="duplicate"} 1');
    assertStringIncludes(text, 'mta_sts_received_reports_total{way="https",result="unsigned"} 0');
  });
});

Deno.test("the order does not matter: what is signed counts as signed", async () => {
  await withInbox(async ({ inbox, store }) => {
    await inbox(bareArrival(reportWith()));
    assertStringIncludes(countsOf(store).join("\n"), "sts unsigned 10+2");
    await inbox(await mailArrival());
    assertEquals(countsOf(store).filter((line) => line.includes(" sts ")), [
      "a.test 2026-11-27 sender.test sts dkim 10+2",
    ]);
  });
});

Deno.test("nobody can count in the name of a submitter whose signature is not there", async () => {
  await withInbox(async ({ inbox, store }) => {
    await inbox(await mailArrival());
    const before = countsOf(store);
    const policies = [{ ...reportWith().policies[0]!, failed: 1_000_000 }];
    const forged = await mailArrival(reportWith({ policies }), { domain: "rival.test" });
    assertEquals((await inbox(forged)).kind, "refused");
    assertEquals(countsOf(store), before);
    await inbox(bareArrival(reportWith({ policies })));
    assertEquals(countsOf(store), before);
  });
});

Deno.test("a mail waits five days for DNS, and is then refused", async () => {
  const records = { "s1._domainkey.sender.test": { kind: "failed", detail: "timeout" } as const };
  await withInbox(async ({ inbox, clock, lines }) => {
    const mail = { ...await mailArrival(), triedSince: NOW };
    assertEquals((await inbox(mail)).kind, "later");
    await clock.advance(5 * DAY_MS - 1);
    assertEquals((await inbox(mail)).kind, "later");
    await clock.advance(1);
    assertEquals(await inbox(mail), {
      kind: "refused",
      refusal: "unsigned",
      text: "the key of sender.test cannot be looked up, and it came more than five days ago",
    });
    assertStringIncludes(lines.at(-1)!, '"refusal":"unsigned"');
  }, records);
});

Deno.test("a mail that came while nobody read is tried for a day before it is refused", async () => {
  const records = { "s1._domainkey.sender.test": { kind: "failed", detail: "timeout" } as const };
  await withInbox(async ({ inbox, clock }) => {
    const mail = await mailArrival();
    await clock.advance(6 * DAY_MS);
    assertEquals((await inbox(mail)).kind, "later");
    const again = { ...mail, triedSince: clock.now() };
    await clock.advance(DAY_MS - 1);
    assertEquals((await inbox(again)).kind, "later");
    await clock.advance(1);
    assertEquals((await inbox(again)).kind, "refused");
  }, records);
});

Deno.test("markup and line ends in every text change no line of the log", async () => {
  const evil = "<script>alert(1)</script>\r\n\u001b[31m\u202e\" onload=x '";
  const json = JSON.parse(writeReport(reportWith()));
  json["organization-name"] = evil;
  json["contact-info"] = `${evil}@sender.test`;
  json["report-id"] = evil;
  json.policies[0].policy["policy-string"] = [evil];
  json.policies[0].policy["mx-host"] = [evil];
  json.policies[0]["failure-details"] = [{
    "result-type": evil,
    "failure-reason-code": evil,
    "receiving-mx-hostname": evil,
    "receiving-mx-helo": evil,
    "additional-information": evil,
    "sending-mta-ip": evil,
    "receiving-ip": evil,
    "failed-session-count": 1,
  }];
  await withInbox(async ({ inbox, lines, store }) => {
    const before = lines.length;
    assertEquals(await inbox(bareArrival(JSON.stringify(json), { fileName: evil })), {
      kind: "kept",
    });
    const [line = "", ...more] = lines.slice(before);
    assertEquals(more, []);
    assert(/^[ -~]+\n?$/.test(line), line);
    assertEquals(store.problems(ALWAYS).length, 1);
    json.policies[0].policy["policy-domain"] = evil;
    const refused = await inbox(bareArrival(JSON.stringify(json)));
    assert(refused.kind === "refused" && refused.refusal === "foreign");
    assert(/^[ -~]*$/.test(refused.text), refused.text);
  });
});

Deno.test("reports at the limits take a bounded time", async () => {
  const detail = {
    "result-type": "certificate-expired",
    "receiving-mx-hostname": "mx.a.test",
    "sending-mta-ip": "192.0.2.1",
    "failed-session-count": 1,
  };
  const policy = (details: number) => ({
    policy: {
      "policy-type": "sts",
      "policy-domain": "a.test",
      "policy-string": ["version: STSv1"],
    },
    summary: { "total-successful-session-count": 1, "total-failure-session-count": 1 },
    "failure-details": Array(details).fill(detail),
  });
  const json = JSON.parse(writeReport(reportWith()));
  const files: [string, Uint8Array][] = [
    [
      "1,000 policies",
      gzipSync(JSON.stringify({ ...json, policies: Array(1000).fill(policy(10)) })),
    ],
    [
      "10,000 policies",
      gzipSync(JSON.stringify({ ...json, policies: Array(10_000).fill(policy(0)) })),
    ],
    ["30,000 details", gzipSync(JSON.stringify({ ...json, policies: [policy(30_000)] }))],
    ["200 MB of blanks", gzipSync(new Uint8Array(200_000_000).fill(0x20))],
    ["a million arrays", new TextEncoder().encode(`{"policies":[${"[],".repeat(1_000_000)}1]}`)],
  ];
  await withInbox(async ({ inbox }) => {
    for (const [name, octets] of files) {
      const began = performance.now();
      await inbox({ octets, way: "https", at: NOW });
      const took = performance.now() - began;
      assert(took < 10_000, `${name}: ${took} ms`);
    }
  });
});
