import { assert, assertEquals } from "@std/assert";
import { remedyOf } from "../../src/cli/report_advice.ts";
import type { Advice } from "../../src/tlsrpt/advice.ts";
import { explainFailure } from "../../src/tlsrpt/explain.ts";
import type { ReceivedDetail } from "../../src/tlsrpt/received.ts";
import { RESULT_TYPES } from "../../src/tlsrpt/result_type.ts";
import { FETCH_FAILURES } from "../../src/sts/fetch_failure.ts";
import { tlsrptResult } from "../../src/tlsrpt/result_type.ts";

Deno.test("each of the eleven results has a meaning and a remedy of its own", () => {
  const seen = RESULT_TYPES.map((result) => {
    const { meaning, advice } = explainFailure({ result });
    const remedy = remedyOf(advice, "a.test");
    for (const text of [meaning, remedy]) {
      assert(/^[A-Z][ -~]+\.( \(.*\))?$/.test(text.replaceAll("§", "")), text);
    }
    return { meaning, remedy };
  });
  assertEquals(new Set(seen.map(({ meaning }) => meaning)).size, 11);
  assertEquals(new Set(seen.map(({ remedy }) => remedy)).size, 11);
});

const REASONS: readonly [ReceivedDetail["result"], string, Advice][] = [
  ["validation-failure", "MX_HOSTS_MISMATCH", "mx-not-in-policy"],
  ["validation-failure", "mtasts-policy-mx-mismatch", "mx-not-in-policy"],
  ["validation-failure", "mx-mismatch", "mx-not-in-policy"],
  ["validation-failure", "something else", "tls-failed"],
  ["validation-failure", "certificate has expired", "certificate-expired"],
  ["validation-failure", "self-signed certificate in chain", "certificate-self-signed"],
  ["sts-policy-fetch-error", "bad https response code: 404", "https-status"],
  ["sts-policy-fetch-error", "status-301", "https-redirect"],
  ["sts-policy-fetch-error", "status-503", "https-status"],
  ["sts-policy-fetch-error", "connection timed out", "https-timeout"],
  ["sts-policy-fetch-error", "Connection refused", "host-unreachable"],
  ["sts-policy-fetch-error", "NXDOMAIN", "host-no-address"],
  ["sts-policy-fetch-error", "no reason that is known, 12345", "https-failed"],
  ["sts-policy-invalid", "wrong Content-Type", "https-media-type"],
  ["sts-webpki-invalid", "x509: certificate has expired", "certificate-expired"],
  ["sts-webpki-invalid", "hostname mismatch", "certificate-name"],
  ["certificate-not-trusted", "unable to get local issuer certificate", "certificate-chain"],
  ["certificate-host-mismatch", "MX_HOSTS_MISMATCH", "certificate-name"],
  ["starttls-not-supported", "454 4.7.0 TLS not available", "smtp-starttls-refused"],
  ["tlsa-invalid", "no usable TLSA records", "dane-unusable"],
  ["unknown", "mx-mismatch", "tls-failed"],
];

for (const [result, reason, advice] of REASONS) {
  Deno.test(`explainFailure(): ${result}, ${reason}`, () => {
    assertEquals(explainFailure({ result, reason }).advice, advice);
  });
}

Deno.test("explainFailure() finds the fault in TLSA records if the session was under them", () => {
  const failure = { result: "certificate-not-trusted", reason: "self-signed" } as const;
  assertEquals(explainFailure({ ...failure, policy: "tlsa" }).advice, "dane-mismatch");
  assertEquals(explainFailure({ ...failure, policy: "sts" }).advice, "certificate-self-signed");
  const expired = explainFailure({ result: "certificate-expired", policy: "tlsa" });
  assertEquals(expired.advice, "certificate-expired");
});

Deno.test("explainFailure() knows every reason of this program, and only for its results", () => {
  for (const reason of FETCH_FAILURES) {
    const { advice } = explainFailure({ result: tlsrptResult(reason), reason });
    assert(remedyOf(advice, undefined).length > 10, reason);
  }
  assertEquals(
    explainFailure({ result: "dane-required", reason: "timeout" }).advice,
    "dane-partial",
  );
});

Deno.test("remedyOf() names the domain where it is known", () => {
  assertEquals(remedyOf("https-status", "a.test").includes("mta-sts.a.test"), true);
  assertEquals(remedyOf("https-status", undefined).includes("mta-sts.<domain>"), true);
});
