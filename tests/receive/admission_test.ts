/**
 * What is believed, and what is not.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { gunzipSync, gzipSync } from "node:zlib";
import type { KeyLookup } from "../../src/mail/dkim_verify.ts";
import {
  type AdmissionOptions,
  type AdmissionRules,
  createAdmission,
  NEW_SENDERS_A_DAY,
  REPORTS_A_DAY,
  UNSIGNED_A_DAY,
  UNSIGNED_OF_DOMAIN_A_DAY,
} from "../../src/receive/admission.ts";
import type { Admission, AdmittedReport, Arrival, ArrivalLoad } from "../../src/receive/types.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";
import {
  bareArrival,
  keyLookup,
  mailArrival,
  NOW,
  RANGE,
  reportWith,
  testKeys,
} from "./report_mails.ts";

interface Changed extends Partial<Omit<AdmissionOptions, "rules">> {
  readonly rules?: Partial<AdmissionRules>;
  readonly records?: Readonly<Record<string, KeyLookup>>;
}

async function admit(arrival: Arrival, changed: Changed = {}): Promise<Admission> {
  const { rules, records, ...options } = changed;
  const { lookupKey } = await keyLookup(records);
  const judge = createAdmission({
    rules: () => ({ domains: ["a.test"], unsigned: "mark", keepDays: 400, ...rules }),
    lookupKey,
    arrivals: () => undefined,
    now: () => NOW,
    ...options,
  });
  return await judge(arrival);
}

async function admitted(arrival: Arrival, changed: Changed = {}): Promise<AdmittedReport> {
  const admission = await admit(arrival, changed);
  assert(admission.kind === "admitted", JSON.stringify(admission));
  return admission.report;
}

/** The word and the text of a refusal. */
async function refusal(arrival: Arrival, changed: Changed = {}): Promise<string> {
  const admission = await admit(arrival, changed);
  if (admission.kind === "refused") {
    assertMatch(admission.text, /^[ -~]{1,200}$/);
    return `${admission.refusal}: ${admission.text}`;
  }
  return admission.kind === "later" ? `later: ${admission.text}` : "admitted";
}

function found(...records: string[]): KeyLookup {
  return { kind: "found", records };
}

Deno.test("a mail with a valid signature of its domain is believed", async () => {
  const { gzip, policies, deviations, ...report } = await admitted(await mailArrival());
  assertEquals(report, {
    submitter: "sender.test",
    organization: "Example Sender",
    contact: "tls@sender.test",
    reportId: "20261127.a.test",
    range: RANGE,
    authentication: "dkim",
    way: "mail",
    receivedAt: NOW,
  });
  assertEquals(policies.map(({ domain, policyDomain, failed }) => [domain, policyDomain, failed]), [
    ["a.test", "a.test", 2],
  ]);
  assertEquals(deviations, []);
  assertEquals(new TextDecoder().decode(gunzipSync(gzip)), writeReport(reportWith()));
});

Deno.test("a mail without a valid signature is not believed", async () => {
  const { other, rsa, small } = await testKeys();
  const forged = await mailArrival(reportWith(), { key: other });
  const forgedRecord = { "s1._domainkey.sender.test": found(`v=DKIM1; p=${rsa.published}`) };
  assertEquals(
    await refusal(forged, { records: forgedRecord }),
    "unsigned: the DKIM signature has a key for another algorithm",
  );
  const cases: [Parameters<typeof mailArrival>[1], string][] = [
    [{ key: small }, "does not match the header, or was made with another key"],
    [
      { after: (text) => text.replace("\r\n h=", "\r\n l=10; h=") },
      "covers only part of the body (l=)",
    ],
    [
      { after: (text) => text.replace("Content-Type: text", "Content-Type: Text") },
      "does not match the body, which was changed",
    ],
    [
      { after: (text) => text.replace("To: <tls@", "To: <x@") },
      "does not match the header, or was made with another key",
    ],
    [{ time: NOW + 2 * 3_600_000 }, "is dated in the future"],
    [{ selector: "gone" }, "has no key in DNS"],
  ];
  for (const [options, text] of cases) {
    const arrival = await mailArrival(reportWith(), options);
    assertEquals(await refusal(arrival), `unsigned: the DKIM signature ${text}`);
  }
  const unsigned = await mailArrival(reportWith(), {
    after: (text) => text.slice(text.indexOf("\r\nFrom:") + 2),
  });
  assertEquals(await refusal(unsigned), "unsigned: it has no DKIM signature");
});

Deno.test("a key must allow TLS reports, and be large enough", async () => {
  const { rsa, small } = await testKeys();
  const name = "s1._domainkey.sender.test";
  const withRecord = async (record: string, key = rsa) =>
    await refusal(await mailArrival(reportWith(), { key }), { records: { [name]: found(record) } });
  assertEquals(await withRecord(`v=DKIM1; s=*; p=${rsa.published}`), "admitted");
  assertEquals(await withRecord(`v=DKIM1; s=tlsrpt; p=${rsa.published}`), "admitted");
  assertEquals(
    await withRecord(`v=DKIM1; s=email; p=${rsa.published}`),
    "unsigned: the DKIM signature has a key for another service",
  );
  assertEquals(
    await withRecord("v=DKIM1; p="),
    "unsigned: the DKIM signature has a key that was revoked",
  );
  // RFC 8301 §3.2 wants 1024 bits, which large senders have (Q14).
  assertEquals(await withRecord(`p=${small.published}`, small), "admitted");
});

Deno.test("a mail signed by another domain than that of From is not believed", async () => {
  const { rsa } = await testKeys();
  const records = {
    "s1._domainkey.rival.test": found(`p=${rsa.published}`),
    "s1._domainkey.test": found(`p=${rsa.published}`),
    "s1._domainkey.mail.sender.test": found(`p=${rsa.published}`),
  };
  const signedBy = async (domain: string, contact = "tls@sender.test") =>
    await refusal(await mailArrival(reportWith({ contact }), { domain }), { records });
  const text = "unsigned: no DKIM signature is from the domain in From";
  assertEquals(await signedBy("rival.test"), text);
  assertEquals(await signedBy("test"), text);
  assertEquals(await signedBy("mail.sender.test"), text);
  assertEquals(await signedBy("sender.test", "tls@mail.sender.test"), "admitted");
  assertEquals(await signedBy("sender.test", "tls@rival-sender.test"), text);
});

Deno.test("a mail that was signed is not believed under another From", async () => {
  const after = (text: string) => `From: <tls@rival.test>\r\n${text}`;
  const text = "unsigned: it has no From with exactly one address";
  assertEquals(await refusal(await mailArrival(reportWith(), { after })), text);
  const replaced = await mailArrival(reportWith(), {
    after: (text) => text.replace(/From: "[^\r]*/, "From: <tls@rival.test>"),
  });
  assertEquals(await refusal(replaced), "unsigned: no DKIM signature is from the domain in From");
});

Deno.test("a mail waits while DNS does not give the key, and DNS is asked for nothing else", async () => {
  const { lookupKey, names } = await keyLookup({
    "s1._domainkey.sender.test": { kind: "failed", detail: "timeout: no answer" },
  });
  assertEquals(
    await refusal(await mailArrival(), { lookupKey }),
    "later: the key of sender.test cannot be looked up",
  );
  assertEquals(names, ["s1._domainkey.sender.test"]);
  await refusal(await mailArrival(reportWith(), { domain: "rival.test" }), { lookupKey });
  await refusal(await mailArrival(), { lookupKey, rules: { domains: ["b.test"] } });
  assertEquals(names.length, 1);
});

Deno.test("a mail inside a signed mail is not believed", async () => {
  // What somebody sent to sender.test, and its mail server returned.
  const inner = await mailArrival(reportWith({ organization: "Forged" }));
  const text = new TextDecoder().decode(inner.octets).replaceAll("\n", "\r\n");
  const bounce = await mailArrival(reportWith(), {
    before: ({ headers }) => ({
      headers: headers.map(([name, value]) =>
        name === "Content-Type"
          ? [name, ' multipart/report; report-type=delivery-status; boundary="out"']
          : [name, value]
      ),
      body: [
        "--out",
        "Content-Type: text/plain",
        "",
        "This is the mail system.",
        "--out",
        "Content-Type: message/rfc822",
        "",
        `${text}--out--`,
        "",
      ].join("\r\n"),
    }),
  });
  assertEquals(await refusal(bounce), "unreadable: the mail has no report in it");
});

Deno.test("a Content-Type that is not signed cannot change what a body means", async () => {
  const { rsa } = await testKeys();
  // As the signers do that leave Content-Type out.
  const unsignedType = { before: dropType, after: addType };
  let type = "";
  function dropType<T extends { headers: readonly (readonly [string, string])[] }>(message: T): T {
    type = message.headers.find(([name]) => name === "Content-Type")![1];
    return { ...message, headers: message.headers.filter(([name]) => name !== "Content-Type") };
  }
  function addType(text: string): string {
    return `Content-Type: ${type}\r\n${text}`;
  }
  assertEquals(await refusal(await mailArrival(reportWith(), unsignedType)), "admitted");
  const other = await mailArrival(reportWith(), {
    before: (message) => {
      const { headers, body } = dropType(message);
      return { headers, body: `--outer\r\n\r\n${body}` };
    },
    after: addType,
  });
  assertEquals(
    await refusal(other),
    "unsigned: its signature does not cover the fields that say how the body is read",
  );
  assertEquals(rsa.type, "rsa");
});

Deno.test("what has no signature is marked, or refused", async () => {
  const report = await admitted(bareArrival(reportWith()));
  assertEquals([report.authentication, report.submitter, report.way], [
    "unsigned",
    "sender.test",
    "https",
  ]);
  const rules = { unsigned: "refuse" } as const;
  assertEquals(
    await refusal(bareArrival(reportWith()), { rules }),
    "unsigned-refused: reports without a signature are not taken",
  );
  assertEquals(await refusal(await mailArrival(), { rules }), "admitted");
  for (const contact of ["", "nobody", "a@localhost", "x@[192.0.2.1]"]) {
    assertEquals(
      await refusal(bareArrival(reportWith({ contact }))),
      "unidentified: its contact-info is not a mail address",
    );
  }
});

Deno.test("a report comes the way that it can come", async () => {
  const { octets } = await mailArrival();
  assertEquals(
    await refusal({ octets, way: "https", at: NOW }),
    "unreadable: it is neither JSON nor gzip",
  );
  assertEquals(
    await refusal(bareArrival(reportWith(), { way: "mail" })),
    "unreadable: it is not a mail",
  );
  assertEquals(await refusal({ octets, way: "file", at: NOW }), "admitted");
});

Deno.test("a report needs an id and a range, of a time that is kept", async () => {
  const json = (changed: object) =>
    bareArrival(JSON.stringify({ ...JSON.parse(writeReport(reportWith())), ...changed }));
  const range = (begin: number, end: number) =>
    json({
      "date-range": {
        "start-datetime": new Date(begin).toISOString(),
        "end-datetime": new Date(end).toISOString(),
      },
    });
  const day = 86_400_000;
  assertEquals(await refusal(json({ "report-id": "" })), "unidentified: it has no report-id");
  assertEquals(await refusal(json({ "date-range": 1 })), "unidentified: it has no date-range");
  assertEquals(await refusal(range(NOW, NOW + day)), "admitted");
  assertEquals(
    await refusal(range(NOW + day, NOW + 2 * day)),
    "out-of-range: it is about the future",
  );
  assertEquals(await refusal(range(NOW - 399 * day, NOW - 398 * day)), "admitted");
  assertEquals(
    await refusal(range(NOW - 401 * day, NOW - 400 * day)),
    "out-of-range: it is older than 400 days (received.keep_days)",
  );
  assertEquals(
    await refusal(range(NOW, 0)),
    "out-of-range: it is older than 400 days (received.keep_days)",
  );
});

Deno.test("only the body says what a report is about", async () => {
  const fileName = "sender.test!a.test!1!2.json";
  const other = reportWith({ policies: [{ ...reportWith().policies[0]!, domain: "b.test" }] });
  assertEquals(
    await refusal(bareArrival(other, { fileName })),
    'foreign: it is about "b.test", which is not in received.domains',
  );
  assertEquals(
    await refusal(bareArrival(reportWith({ policies: [] }), { fileName })),
    "foreign: it is about no domain, which is not in received.domains",
  );
});

/** What came on the day of a report of sender.test. */
function loadOf(load: Partial<ArrivalLoad>): Pick<AdmissionOptions, "arrivals"> {
  return {
    arrivals(query) {
      assertEquals(query, { submitter: "sender.test", domains: ["a.test"], at: NOW });
      const none = { ofSubmitter: 0, unsigned: 0, unsignedOfDomain: 0, newSenders: 0 };
      return { ...none, isNew: true, ...load };
    },
  };
}

Deno.test("a submitter has its share of a day, and nobody else can use it up", async () => {
  const full = loadOf({ ofSubmitter: REPORTS_A_DAY });
  assertEquals(
    await refusal(bareArrival(reportWith()), full),
    "too-many: sender.test has sent 1000 reports today",
  );
  assertEquals(await refusal(await mailArrival(), full), "admitted");
  assertEquals(
    await refusal(await mailArrival(), loadOf({ ofSubmitter: 2 * REPORTS_A_DAY })),
    "too-many: sender.test has sent 2000 reports today",
  );
  assertEquals(await refusal(bareArrival(reportWith(), { way: "file" }), full), "admitted");
});

Deno.test("unsigned reports have their share of a day, and take none of what is signed", async () => {
  const cases: [Partial<ArrivalLoad>, string][] = [
    [{ unsignedOfDomain: UNSIGNED_OF_DOMAIN_A_DAY - 1, unsigned: UNSIGNED_A_DAY - 1 }, "admitted"],
    [
      { unsignedOfDomain: UNSIGNED_OF_DOMAIN_A_DAY },
      "too-many: 200 unsigned reports about the domain came today",
    ],
    [{ unsigned: UNSIGNED_A_DAY }, "too-many: 5000 unsigned reports came today"],
  ];
  for (const [load, expected] of cases) {
    assertEquals(await refusal(bareArrival(reportWith()), loadOf(load)), expected);
    assertEquals(await refusal(await mailArrival(), loadOf(load)), "admitted");
    const file = bareArrival(reportWith(), { way: "file" });
    assertEquals(await refusal(file, loadOf(load)), "admitted");
  }
});

Deno.test("new senders have their share of a day, and known ones go on", async () => {
  const load = { newSenders: NEW_SENDERS_A_DAY };
  assertEquals(
    await refusal(await mailArrival(), loadOf(load)),
    "too-many: 500 senders reported for the first time today",
  );
  assertEquals(await refusal(await mailArrival(), loadOf({ ...load, isNew: false })), "admitted");
  assertEquals(await refusal(bareArrival(reportWith()), loadOf(load)), "admitted");
});

Deno.test("the same report has the same octets however it came", async () => {
  const mail = await admitted(await mailArrival());
  const plain = await admitted(bareArrival(reportWith()));
  const octets = gzipSync(writeReport(reportWith()), { level: 1 });
  const packed = await admitted({ octets, way: "https", at: NOW });
  assertEquals(mail.gzip, plain.gzip);
  assertEquals(packed.gzip, plain.gzip);
});

Deno.test("bombs are refused with a reason, in little time", async () => {
  const bomb = gzipSync(new Uint8Array(200 * 1024 * 1024));
  const cases: [Uint8Array, string][] = [
    [bomb, "it has more than 1 MiB of gzip or 5 MiB of JSON"],
    [new TextEncoder().encode("[".repeat(2_000_000)), "its JSON has more than 32 levels"],
    [
      new Uint8Array(6 * 1024 * 1024).fill(0x20).fill(0x7b, 0, 1),
      "it has more than 1 MiB of gzip or 5 MiB of JSON",
    ],
    [gzipSync(bomb), "it is not JSON, or damaged"],
  ];
  for (const [octets, text] of cases) {
    const began = performance.now();
    assertEquals(await refusal({ octets, way: "https", at: NOW }), `unreadable: ${text}`);
    assert(performance.now() - began < 5000, text);
  }
});
