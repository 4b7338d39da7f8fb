import { assertEquals } from "@std/assert";
import { type Dropped, PendingWrites, type WriteTarget } from "../../src/cache/pending_writes.ts";
import type { StoredMx, StoredPolicy } from "../../src/cache/types.ts";
import { failureOf, policyOf, START } from "./harness.ts";

/** Octets an entry without text is counted with. */
const ENTRY = 300;

/** Pending writes with room for `entries` entries without text, and what they have dropped. */
function pendingFor(entries: number): { pending: PendingWrites; dropped: Dropped[] } {
  const dropped: Dropped[] = [];
  const pending = new PendingWrites((what) => dropped.push(what), entries * ENTRY);
  return { pending, dropped };
}

/** A policy whose text takes so many octets. */
function sized(domain: string, octets: number): StoredPolicy {
  return { ...policyOf(domain), text: "x".repeat(octets), strings: [] };
}

function mxOf(nextHop: string): StoredMx {
  return { nextHop, json: "", checkedAt: START };
}

/** A target that notes what it is told. */
function recorder(): { calls: string[]; target: WriteTarget } {
  const calls: string[] = [];
  return {
    calls,
    target: {
      remove: (domain) => calls.push(`remove ${domain}`),
      putPolicy: ({ domain }) => calls.push(`policy ${domain}`),
      markPolicy: (domain, mark) => calls.push(`mark ${domain} ${JSON.stringify(mark)}`),
      clearFailure: (domain) => calls.push(`clear ${domain}`),
      putFailure: ({ domain }) => calls.push(`failure ${domain}`),
      putMx: ({ nextHop }) => calls.push(`mx ${nextHop}`),
    },
  };
}

Deno.test("PendingWrites.writeTo() writes removals first and forgets nothing by itself", () => {
  const { pending } = pendingFor(100);
  pending.putPolicy(policyOf("gone.example"));
  pending.remove("gone.example");
  pending.remove("back.example");
  pending.putPolicy(policyOf("back.example"));
  pending.mark("used.example", { lastUsedAt: 5 });
  pending.mark("used.example", { refreshAt: 6 });
  pending.putFailure(failureOf("f.example"));
  pending.clearFailure("c.example");
  pending.putMx(mxOf("[m.example]:587"));
  for (let round = 0; round < 2; round++) {
    const { calls, target } = recorder();
    pending.writeTo(target);
    assertEquals(calls, [
      "remove gone.example",
      "remove back.example",
      "policy back.example",
      'mark used.example {"lastUsedAt":5,"refreshAt":6}',
      "failure f.example",
      "clear c.example",
      "mx [m.example]:587",
    ]);
    assertEquals(pending.size, calls.length);
  }
  pending.clear();
  const { calls, target } = recorder();
  pending.writeTo(target);
  assertEquals(calls, []);
  assertEquals(pending.size, 0);
});

Deno.test("PendingWrites tells what is gone from what it does not know", () => {
  const { pending } = pendingFor(100);
  pending.remove("gone.example");
  pending.clearFailure("cleared.example");
  assertEquals(pending.getPolicy("gone.example"), null);
  assertEquals(pending.getFailure("gone.example"), null);
  assertEquals(pending.getFailure("cleared.example"), null);
  assertEquals(pending.getMx("[gone.example]:25"), null);
  assertEquals(pending.getPolicy("other.example"), undefined);
  assertEquals(pending.getFailure("other.example"), undefined);
  assertEquals(pending.getMx("other.example"), undefined);
  assertEquals(pending.removed(), ["gone.example"]);
  pending.putPolicy(policyOf("gone.example"));
  assertEquals(pending.removed(), []);
});

Deno.test("PendingWrites drops marks before results, and policies last, the oldest first", () => {
  const { pending, dropped } = pendingFor(5);
  pending.putMx(mxOf("m.example"));
  pending.mark("a.example", { lastUsedAt: 1 });
  pending.clearFailure("f.example");
  for (const domain of ["p1.example", "p2.example"]) pending.putPolicy(sized(domain, 0));
  assertEquals(dropped, []);
  for (let index = 3; index <= 6; index++) {
    pending.putPolicy(sized(`p${index}.example`, 0));
  }
  assertEquals(dropped, ["marks", "results", "results", "policies"]);
  assertEquals(pending.getPolicy("p1.example"), undefined);
  assertEquals(pending.getPolicy("p2.example")?.domain, "p2.example");
  assertEquals(pending.size, 5);
});

Deno.test("PendingWrites counts the octets of what it holds, not of what it held", () => {
  const { pending, dropped } = pendingFor(4);
  for (let round = 0; round < 10; round++) {
    pending.putPolicy(sized("a.example", 2 * ENTRY));
    pending.mark("a.example", { lastUsedAt: round });
  }
  assertEquals(dropped, []);
  pending.dropMark("a.example");
  pending.remove("a.example");
  for (let index = 0; index < 3; index++) pending.clearFailure(`f${index}.example`);
  assertEquals(dropped, []);
  pending.clearFailure("f3.example");
  assertEquals(dropped, ["results"]);
});

Deno.test("PendingWrites keeps removals however many there are", () => {
  const { pending } = pendingFor(5);
  for (let index = 0; index < 20; index++) pending.remove(`d${index}.example`);
  pending.mark("a.example", { lastUsedAt: 1 });
  assertEquals(pending.removed().length, 20);
  assertEquals(pending.size, 20);
});

Deno.test("PendingWrites.clearResults() forgets what writeResultsTo() writes, and gives its room back", () => {
  const { pending, dropped } = pendingFor(4);
  pending.putPolicy(sized("p.example", 0));
  pending.mark("p.example", { lastUsedAt: 1 });
  pending.clearFailure("f.example");
  pending.putMx(mxOf("m.example"));
  assertEquals(pending.results, 2);
  const { calls, target } = recorder();
  pending.writeResultsTo(target);
  assertEquals(calls, ["clear f.example", "mx m.example"]);
  pending.clearResults();
  assertEquals([pending.results, pending.size], [0, 2]);
  for (const name of ["x", "y"]) pending.putMx(mxOf(`${name}.example`));
  assertEquals(dropped, []);
});
