import { assertEquals, assertNotEquals } from "@std/assert";
import type { SessionPolicy } from "../../src/tlsrpt/session.ts";
import { failureKey, policyKey, readFailureKey } from "../../src/tlsrpt/session_key.ts";

const POLICY: SessionPolicy = {
  type: "sts",
  domain: "a.test",
  strings: ["version: STSv1", "mode: enforce", "mx: a", "mx: b"],
  mxHosts: ["a", "b"],
};

Deno.test("policyKey() is the same whatever the order of lines", () => {
  const other = { ...POLICY, strings: POLICY.strings.toReversed(), mxHosts: ["b", "a"] };
  assertEquals(policyKey(other), policyKey(POLICY));
  assertNotEquals(policyKey({ ...POLICY, domain: "b.test" }), policyKey(POLICY));
  assertNotEquals(policyKey({ ...POLICY, mxHosts: ["a"] }), policyKey(POLICY));
  assertNotEquals(policyKey({ ...POLICY, type: "tlsa" }), policyKey(POLICY));
});

Deno.test("readFailureKey() gives back what failureKey() was made of", () => {
  for (
    const failure of [
      { result: "certificate-expired" as const },
      { result: "validation-failure" as const, reason: "x" },
      {
        result: "certificate-host-mismatch" as const,
        sendingIp: "192.0.2.1",
        mxHost: "mx.a.test",
        mxHelo: "mx",
        receivingIp: "192.0.2.2",
        additional: "https://a.test/",
        reason: "y",
      },
    ]
  ) assertEquals(readFailureKey(failureKey(failure)), failure);
});

Deno.test("readFailureKey() takes no text that is no key", () => {
  for (const text of ["", "{}", "null", "[]", '["x"]', "[1]"]) {
    assertEquals(readFailureKey(text), undefined, text);
  }
});
