import { assertEquals } from "@std/assert";
import { findDangers } from "../../src/publish/dangers.ts";
import type { Policy } from "../../src/sts/policy.ts";

const CURRENT: Policy = { mode: "enforce", mx: ["mx1.a.example"], maxAge: 1209600 };

/** The first words of each danger. */
function dangers(
  current: Partial<Policy>,
  next: Partial<Policy>,
  mxHosts: readonly string[] | undefined = ["mx1.a.example"],
): string[] {
  const before = { ...CURRENT, ...current };
  return findDangers({ current: before, next: { ...before, ...next }, mxHosts })
    .map(({ problem }) => problem.split(/[:,;]/)[0] ?? "");
}

Deno.test("findDangers() finds none in the usual steps", () => {
  assertEquals(dangers({ mode: "testing" }, { mode: "enforce" }), []);
  assertEquals(dangers({}, { mode: "testing" }), []);
  assertEquals(dangers({}, { maxAge: 31557600 }), []);
  assertEquals(dangers({}, { mx: ["mx1.a.example", "mx2.a.example"] }), []);
  assertEquals(dangers({}, { mx: ["*.a.example"] }), []);
  assertEquals(dangers({ mode: "testing" }, { mode: "none", maxAge: 86400 }), []);
  assertEquals(dangers({ mode: "testing" }, { maxAge: 86400 }), []);
});

Deno.test("findDangers() finds MX hosts that are in DNS and no longer in the policy (RFC 8461 §4.1)", () => {
  assertEquals(dangers({}, { mx: ["mx2.a.example"] }), [
    "the MX host mx1.a.example is still in DNS and no mx of the new policy covers it (§4.1)",
  ]);
  assertEquals(dangers({}, { mx: ["mx2.a.example"] }, ["mx2.a.example"]), []);
  assertEquals(dangers({}, { mx: ["*.example"] }), [
    "the MX host mx1.a.example is still in DNS and no mx of the new policy covers it (§4.1)",
  ]);
});

Deno.test("findDangers() wants the MX records to be known", () => {
  assertEquals(findDangers({ current: CURRENT, next: CURRENT, mxHosts: undefined }).length, 1);
  const none: Policy = { ...CURRENT, mode: "none", maxAge: 86400 };
  assertEquals(findDangers({ current: none, next: none, mxHosts: undefined }), []);
});

Deno.test("findDangers() finds steps that skip testing, and an early end of protection (RFC 8461 §8.3, §10.2)", () => {
  assertEquals(dangers({ mode: "none" }, { mode: "enforce" }), ["enforce would follow none"]);
  assertEquals(dangers({}, { mode: "none", maxAge: 86400 }), ["none would follow enforce"]);
  assertEquals(dangers({ mode: "testing" }, { mode: "none" }), [
    "a policy of mode none needs a small max_age",
  ]);
  assertEquals(dangers({}, { maxAge: 86400 }), ["max_age falls from 1209600 to 86400"]);
});
