import { assertEquals } from "@std/assert";
import { settleEntries } from "../../src/fleet/settle_entries.ts";
import type { EntryKind } from "../../src/fleet/types.ts";

const entry = (kind: EntryKind, name: string, at: number) => ({
  kind,
  name,
  at,
  sealed: `${kind}${name}${at}`,
  expiresAt: 100,
});

Deno.test("settleEntries() leaves out what another entry of the publication ends", () => {
  const settled = (...entries: ReturnType<typeof entry>[]) =>
    settleEntries(entries).map(({ sealed }) => sealed);
  assertEquals(settled(), []);
  assertEquals(settled(entry("p", "b", 1), entry("p", "a", 1), entry("f", "b", 2)), [
    "fb2",
    "pa1",
    "pb1",
  ]);
  assertEquals(settled(entry("p", "a", 2), entry("p", "a", 1)), ["pa2"]);
  assertEquals(settled(entry("p", "a", 2), entry("f", "a", 2), entry("f", "b", 1)), ["fb1", "pa2"]);
  assertEquals(
    settled(entry("t", "a", 2), entry("p", "a", 2), entry("f", "a", 1), entry("x", "a", 3)),
    ["ta2", "xa3"],
  );
  assertEquals(settled(entry("t", "a", 2), entry("p", "a", 3)), ["pa3", "ta2"]);
});
