/**
 * The readers of TLS reports: datagrams of any local program, records and URIs of any domain, lines of the feed, and
 * reports of others. What passes is written as a report, which must fit the schema.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import { formatFeedLine, readFeedLine } from "../../src/collect/feed.ts";
import { readDatagram } from "../../src/tlsrpt/datagram.ts";
import { parseTlsrptRecords } from "../../src/tlsrpt/record.ts";
import { parseRua } from "../../src/tlsrpt/rua.ts";
import type { DomainCount } from "../../src/tlsrpt/session.ts";
import { failureKey, policyKey, readFailureKey } from "../../src/tlsrpt/session_key.ts";
import { readStoredPolicy, storePolicy } from "../../src/reports/policy_row.ts";
import { violations } from "../check/json_schema.ts";
import schema from "../../docs/report.schema.json" with { type: "json" };
import { formatReceivedJson } from "../../src/cli/received_json.ts";
import { readReceived } from "../../src/cli/received_file.ts";
import { formatReceived } from "../../src/cli/received_text.ts";
import { reportOf } from "../fakes/counted_report.ts";
import { composeReport } from "../mail/report_mails.ts";
import receivedSchema from "../../docs/received-report.schema.json" with { type: "json" };
import received from "../vectors/tlsrpt_received.json" with { type: "json" };
import datagrams from "../vectors/tlsrpt_datagrams.json" with { type: "json" };
import type { Target } from "./targets.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const fromUtf8 = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** What was counted can be stored, read again and written. */
function assertReportable(counted: DomainCount): void {
  const { domain, policies } = counted;
  for (const { policy, details } of policies) {
    const { type } = policy;
    const stored = readStoredPolicy({ type, json: storePolicy(policy, domain) }, domain);
    assert(stored !== undefined);
    assertEquals(policyKey(stored), policyKey(policy));
    for (const { count: _, ...failure } of details) {
      assertEquals(readFailureKey(failureKey(failure)), failure);
    }
  }
  assertEquals(violations(reportOf(counted), schema), []);
}

const datagram: Target = {
  name: "tlsrpt_datagram",
  corpus: datagrams.map(utf8),
  run(bytes) {
    const reading = readDatagram(bytes);
    if (reading.kind === "refused") return reading.fault;
    assertReportable(reading.count);
    return `read ${reading.count.policies.length} ${reading.count.policies[0]!.failed}`;
  },
};

const feedLine: Target = {
  name: "tlsrpt_feed",
  corpus: datagrams.flatMap((text) => {
    const reading = readDatagram(utf8(text));
    return reading.kind === "read" ? [utf8(formatFeedLine(reading.count).slice(0, -1))] : [];
  }),
  run(bytes) {
    const count = readFeedLine(fromUtf8(bytes));
    if (count === undefined) return "refused";
    assertReportable(count);
    assertEquals(readFeedLine(formatFeedLine(count).slice(0, -1)), count);
    return `read ${count.policies.length}`;
  },
};

const record: Target = {
  name: "tlsrpt_record",
  corpus: [
    "v=TLSRPTv1; rua=mailto:a%2Bb@example.com?subject=x , https://example.com/r[1-5];",
    "v=TLSRPTv1 ; ext=1; rua=MAILTO:a@b\u00fccher.example",
    "v=TLSRPTv1;rua=https://user@10.0.0.1:8443/#x,mailto:a@[192.0.2.1]",
  ].map(utf8),
  run(bytes) {
    const reading = parseTlsrptRecords(fromUtf8(bytes).split("\n"));
    if (reading.kind !== "found") return reading.kind;
    const kinds = reading.rua.map((uri) => {
      const destination = parseRua(uri);
      if (destination.kind === "invalid") return destination.reason;
      assert(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(destination.host), destination.host);
      const text = destination.kind === "mailto" ? destination.address : destination.url;
      assert(/^[!-~]+$/.test(text) && text.length < 2000, text);
      if (destination.kind === "mailto") assert(text.endsWith(`@${destination.host}`));
      else assertEquals(new URL(text).hostname, destination.host);
      return destination.kind;
    });
    return kinds.slice(0, 3).join();
  },
};

/** Reports of others, in all containers: whatever comes is read or refused, and printed harmlessly. */
const receivedReport: Target = {
  name: "tlsrpt_received",
  corpus: received.flatMap(({ text }) => [
    utf8(text),
    new Uint8Array(gzipSync(text)),
    composeReport(text),
  ]),
  async run(bytes) {
    const file = await readReceived("x.json", bytes);
    const json = formatReceivedJson(file);
    assertEquals(violations(JSON.parse(json), receivedSchema), []);
    for (const printed of [json, formatReceived(file)]) {
      assert(!/[^\P{C}\n]/u.test(printed), JSON.stringify(printed));
    }
    if (file.kind === "refused") return file.fault;
    return `${file.kind} ${file.deviations.map(({ code }) => code).slice(0, 2).join()}`;
  },
};

/** All targets about TLS reports. */
export const TLSRPT_TARGETS: readonly Target[] = [datagram, feedLine, record, receivedReport];
