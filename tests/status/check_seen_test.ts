/**
 * Where `check` sees something; `tests/cli/check_now_test.ts` has what it sees.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { compareNow, type SeenFinding, type SeenNow } from "../../src/status/check_seen.ts";

function seen(...findings: Pick<SeenFinding, "id" | "subject" | "severity">[]): SeenNow {
  const host = (name: string) => ({ name, covered: true, tlsaRecords: 0 });
  return {
    at: 0,
    undecided: false,
    findings: findings.map((one) => ({ group: "mx", seen: "", title: "", fix: "", ...one })),
    mxHosts: [host("mx.a.test"), host("mx.a.test.example")],
  };
}

const EXPIRED = { id: "certificate-expired", severity: "error" } as const;
const OK = { id: "mx-ok", severity: "ok" } as const;
const REPORTED = { result: "certificate-expired", advice: "certificate-expired" } as const;

Deno.test("compareNow() does not take a host for another whose name begins alike", () => {
  const now = seen(
    { ...OK, subject: "mx.a.test [192.0.2.1]" },
    { ...EXPIRED, subject: "mx.a.test.example [192.0.2.2]" },
  );
  assertEquals(compareNow({ ...REPORTED, mx: "mx.a.test" }, now).kind, "gone");
  assertEquals(compareNow({ ...REPORTED, mx: "mx.a.test.example" }, now).kind, "still");
});

Deno.test("compareNow() wants every host to work if the report names none", () => {
  const one = seen({ ...OK, subject: "mx.a.test [192.0.2.1]" });
  assertEquals(compareNow({ ...REPORTED, mx: "" }, one).kind, "unknown");
  const both = seen(
    { ...OK, subject: "mx.a.test [192.0.2.1]" },
    { ...OK, subject: "mx.a.test.example [192.0.2.2]" },
  );
  assertEquals(compareNow({ ...REPORTED, mx: "" }, both).kind, "gone");
});
