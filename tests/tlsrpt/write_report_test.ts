import { assertEquals } from "@std/assert";
import type { Report } from "../../src/tlsrpt/report.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";

const BEGIN = Date.UTC(2026, 10, 27);

const REPORT: Report = {
  organization: "Example",
  contact: "tls@example.com",
  reportId: "20261127.0123456789abcdef",
  begin: BEGIN,
  end: BEGIN + 86_399_000,
  domain: "example.net",
  policies: [
    {
      type: "sts",
      domain: "example.net",
      strings: ["version: STSv1", "mode: enforce", "mx: mx.example.net", "max_age: 86400"],
      mxHosts: ["mx.example.net"],
      successful: 12,
      failed: 3,
      details: [
        {
          result: "certificate-host-mismatch",
          count: 2,
          sendingIp: "192.0.2.1",
          mxHost: "mx.example.net",
          mxHelo: "mx.example.org",
          receivingIp: "192.0.2.2",
          additional: "https://example.com/why",
          reason: "X",
        },
        { result: "sts-policy-fetch-error", count: 1 },
      ],
    },
    {
      type: "no-policy-found",
      domain: "example.net",
      strings: [],
      mxHosts: [],
      successful: 1,
      failed: 0,
      details: [],
    },
  ],
};

Deno.test("writeReport() writes every key that receivers insist on (RFC 8460 §4.4)", () => {
  assertEquals(JSON.parse(writeReport(REPORT)), {
    "organization-name": "Example",
    "date-range": {
      "start-datetime": "2026-11-27T00:00:00Z",
      "end-datetime": "2026-11-27T23:59:59Z",
    },
    "contact-info": "tls@example.com",
    "report-id": "20261127.0123456789abcdef",
    policies: [
      {
        policy: {
          "policy-type": "sts",
          "policy-string": [
            "version: STSv1",
            "mode: enforce",
            "mx: mx.example.net",
            "max_age: 86400",
          ],
          "policy-domain": "example.net",
          "mx-host": ["mx.example.net"],
        },
        summary: { "total-successful-session-count": 12, "total-failure-session-count": 3 },
        "failure-details": [
          {
            "result-type": "certificate-host-mismatch",
            "sending-mta-ip": "192.0.2.1",
            "receiving-mx-hostname": "mx.example.net",
            "receiving-mx-helo": "mx.example.org",
            "receiving-ip": "192.0.2.2",
            "failed-session-count": 2,
            "additional-information": "https://example.com/why",
            "failure-reason-code": "X",
          },
          { "result-type": "sts-policy-fetch-error", "failed-session-count": 1 },
        ],
      },
      {
        policy: {
          "policy-type": "no-policy-found",
          "policy-string": [],
          "policy-domain": "example.net",
          "mx-host": [],
        },
        summary: { "total-successful-session-count": 1, "total-failure-session-count": 0 },
        "failure-details": [],
      },
    ],
  });
});

Deno.test("writeReport() writes I-JSON: no lone surrogate, no integer beyond 2^53 (RFC 8460 §4, RFC 7493 §2)", () => {
  const policy = { ...REPORT.policies[1]!, successful: 2 ** 60 };
  const text = writeReport({ ...REPORT, organization: "a\ud800b", policies: [policy] });
  const { "organization-name": name, policies: [written] } = JSON.parse(text);
  assertEquals(name, "a\ufffdb");
  assertEquals(written.summary["total-successful-session-count"], Number.MAX_SAFE_INTEGER);
});

Deno.test("writeReport() gives the same octets for the same report", () => {
  assertEquals(writeReport(structuredClone(REPORT)), writeReport(REPORT));
});
