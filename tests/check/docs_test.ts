import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { FINDING_KINDS } from "../../src/check/finding.ts";
import type { FindingKind } from "../../src/check/finding_kind.ts";
import { MANUAL, SCHEMA, updateManual, updateSchema } from "./docs.ts";

Deno.test("docs/check.md lists every finding as it is (deno run -A tests/check/docs.ts)", () => {
  const text = Deno.readTextFileSync(MANUAL);
  assertEquals(updateManual(text), text);
});

Deno.test("docs/check.schema.json names every finding (deno run -A tests/check/docs.ts)", () => {
  const text = Deno.readTextFileSync(SCHEMA);
  assertEquals(JSON.parse(updateSchema(text)), JSON.parse(text));
});

Deno.test("FINDING_KINDS give each fault its reason with the RFC, and what to do", () => {
  for (const [id, kind] of Object.entries<FindingKind>(FINDING_KINDS)) {
    assertMatch(id, /^[a-z0-9]+(?:-[a-z0-9]+)*$/);
    assertNotEquals(kind.title, "");
    if (kind.severity !== "warning" && kind.severity !== "error") continue;
    if (!id.startsWith("dns-")) assertMatch(kind.why, /\(.*RFC [0-9]+.*\)|RFC [0-9]+/, id);
    assertNotEquals(kind.fix, "", id);
  }
});
