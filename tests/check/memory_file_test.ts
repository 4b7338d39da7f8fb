import { assertEquals } from "@std/assert";
import { loadMemory, saveMemory } from "../../src/check/memory_file.ts";
import { formatMemory, type Memory } from "../../src/check/memory.ts";
import type { DomainReport } from "../../src/check/report.ts";
import { createMemoryFiles } from "../publish/memory_files.ts";

const FILE = "/var/lib/misc/mta-sts.json";

/** The memory of some domains, each with its own time. */
function memoryOf(times: Readonly<Record<string, number>>): Memory {
  return new Map(
    Object.entries(times).map(([domain, modeSince]) => [domain, { modeSince, findings: [] }]),
  );
}

Deno.test("loadMemory() finds nothing without a file, and refuses a file that is not a memory", async () => {
  const files = createMemoryFiles();
  assertEquals(await loadMemory(FILE, files), { kind: "read", memory: new Map() });
  files.put(FILE, "{}");
  assertEquals(await loadMemory(FILE, files), {
    kind: "failed",
    detail: `${FILE} was not written by 'check --since'`,
    advice: "name another file, or remove this one",
  });
  files.put(FILE, " ".repeat(4 * 1024 * 1024 + 1));
  assertEquals(await loadMemory(FILE, files), {
    kind: "failed",
    detail: `${FILE} is too large`,
  });
});

Deno.test("saveMemory() keeps domains that were not checked, or of which nothing was seen", async () => {
  const memory = memoryOf({ "a.example": 1, "b.example": 1, "c.example": 1 });
  const report = (domain: string, undecided: boolean) =>
    ({ domain, undecided, remembered: { modeSince: 2, findings: [] } }) as unknown as DomainReport;
  const reports = [report("a.example", false), report("b.example", true)];
  const files = createMemoryFiles();
  assertEquals(await saveMemory(FILE, { memory, reports }, { files }), { kind: "written" });
  const expected = memoryOf({ "a.example": 2, "b.example": 1, "c.example": 1 });
  assertEquals(files.contents.get(FILE), formatMemory(expected));
  assertEquals(await loadMemory(FILE, files), { kind: "read", memory: expected });
  files.fault = "disk full";
  assertEquals(await saveMemory(FILE, { memory, reports }, { files }), {
    kind: "failed",
    detail: "disk full",
  });
});
