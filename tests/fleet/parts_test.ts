import { assert, assertEquals } from "@std/assert";
import type { Circuit, Outcome } from "../../src/fleet/circuit.ts";
import { Outbox } from "../../src/fleet/outbox.ts";
import { ReadBatch } from "../../src/fleet/read_batch.ts";
import type { Engine, EntryKey } from "../../src/fleet/types.ts";
import { settle } from "../fakes/manual_clock.ts";
import { ownPolicy } from "./hosts.ts";

/** A circuit whose calls the test answers; each read is answered with the names of its keys. */
function createCalls() {
  const waiting: (() => void)[] = [];
  const sizes: number[] = [];
  const read = (keys: readonly EntryKey[]) => {
    sizes.push(keys.length);
    return new Promise<readonly string[]>((resolve) =>
      waiting.push(() => resolve(keys.map(({ name }) => name)))
    );
  };
  const call: Circuit["call"] = async <T>(_: string, run: (engine: Engine) => Promise<T>) => {
    const outcome: Outcome<T> = { kind: "ok", value: await run({ read } as unknown as Engine) };
    return outcome;
  };
  return { call, waiting, sizes };
}

function keysOf(name: string, count = 3): EntryKey[] {
  return Array.from({ length: count }, (_, index) => ({ kind: "p", name: `${name}-${index}` }));
}

Deno.test("reads of one turn share calls of 100 keys, two at a time, and each gets its own answer", async () => {
  const calls = createCalls();
  const reads = new ReadBatch(calls);
  const names = Array.from({ length: 100 }, (_, index) => `d${index}`);
  const all = Promise.all(names.map((name) => reads.read(keysOf(name))));
  await settle();
  assertEquals(calls.sizes, [99, 99]);
  // What is asked meanwhile goes into the calls to come.
  const later = reads.read(keysOf("later", 1));
  while (calls.waiting.length > 0) {
    calls.waiting.shift()!();
    await settle();
  }
  assertEquals(calls.sizes, [99, 99, 99, 4]);
  for (const [index, outcome] of (await all).entries()) {
    const texts = keysOf(names[index]!).map(({ name }) => name);
    assertEquals(outcome, { kind: "ok", value: texts });
  }
  assertEquals(await later, { kind: "ok", value: ["later-0"] });
});

Deno.test("a read with more keys than a call has a call of its own", async () => {
  const calls = createCalls();
  const reads = new ReadBatch(calls);
  const all = [reads.read(keysOf("big", 101)), reads.read(keysOf("small"))];
  await settle();
  assertEquals(calls.sizes, [101, 3]);
  for (const answer of calls.waiting) answer();
  assertEquals((await Promise.all(all)).map(({ kind }) => kind), ["ok", "ok"]);
});

Deno.test("more than 10,000 keys do not wait for a call", async () => {
  const calls = createCalls();
  const reads = new ReadBatch(calls);
  const all = Array.from({ length: 200 }, (_, index) => reads.read(keysOf(`d${index}`, 100)));
  // The first two are on their way once this turn has ended.
  assertEquals(
    (await Promise.all(all.slice(100))).map(({ kind }) => kind),
    Array(100).fill("skipped"),
  );
  assertEquals(calls.sizes, [100, 100]);
  for (let left = 100; left > 0; left--) {
    calls.waiting.shift()!();
    await settle();
  }
  assertEquals(
    (await Promise.all(all.slice(0, 100))).map(({ kind }) => kind),
    Array(100).fill("ok"),
  );
});

Deno.test("the outbox keeps the newest fact of a kind and name, and forgets what was purged", () => {
  const outbox = new Outbox();
  const add = (domain: string, fetchedAt: number) =>
    outbox.add({ kind: "p", policy: ownPolicy(domain, { fetchedAt }) });
  add("a.example", 1000);
  add("a.example", 3000);
  add("a.example", 2000);
  add("b.example", 1000);
  outbox.add({ kind: "t", domain: "b.example", at: 1500 });
  outbox.purge("a.example", 2999);
  outbox.purge("b.example", 1000);
  assertEquals(outbox.status.entries, 2);
  const [first, second, ...others] = outbox.take(10, 1e6);
  assert(first?.kind === "p" && first.policy.fetchedAt === 3000);
  assertEquals([second?.kind, others, outbox.status.octets], ["t", [], 0]);
});
