import { assert, assertEquals } from "@std/assert";
import { FETCH_FAILURES, type FetchFailure } from "../../src/sts/fetch_failure.ts";
import { tlsrptResult } from "../../src/tlsrpt/result_type.ts";

Deno.test("tlsrptResult() has a result type for each failure (RFC 8460 §4.3.2.2)", () => {
  const results = new Map<string, FetchFailure[]>();
  for (const failure of FETCH_FAILURES) {
    const result = tlsrptResult(failure);
    results.set(result, [...results.get(result) ?? [], failure]);
  }
  assertEquals(results.get("sts-policy-invalid"), ["media-type", "policy-syntax"]);
  assert(results.get("sts-webpki-invalid")?.every((failure) => failure.startsWith("certificate-")));
  assertEquals(results.get("sts-webpki-invalid")?.length, 7);
  assertEquals(results.get("sts-policy-fetch-error")?.length, 11);
});
