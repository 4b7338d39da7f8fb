import { assert, assertEquals } from "@std/assert";
import { createMemoryStore } from "../../src/cache/memory_store.ts";
import { failureOf, policyOf, SECOND, START, stored, textOf } from "./harness.ts";

Deno.test("createMemoryStore() holds no more than its bound, and keeps what is in use", () => {
  const store = createMemoryStore({ maxEntries: 100 });
  store.putPolicy(policyOf("used.example"));
  for (let index = 0; index < 1000; index++) {
    store.putPolicy(policyOf(`d${index}.example`));
    store.putFailure(failureOf(`d${index}.example`));
    store.putMx({ nextHop: `d${index}.example`, json: "{}", checkedAt: START });
    assert(stored(store, "used.example") !== undefined);
    assert(store.count() <= 100);
  }
  assertEquals(stored(store, "d0.example"), undefined);
  assertEquals(store.getFailure("d0.example"), undefined);
  assertEquals(store.getMx("d0.example"), undefined);
});

Deno.test("createMemoryStore() bounds what it holds in octets, whatever is published", () => {
  const bounds = { maxEntries: 20_000, policyOctets: 1_000_000, mxOctets: 1_000_000 };
  const store = createMemoryStore(bounds);
  const text = `${textOf(86_400)}note: ${"x".repeat(60_000)}\n`;
  for (let index = 0; index < 100; index++) {
    store.putPolicy(policyOf(`d${index}.example`, { text }));
    store.putMx({ nextHop: `d${index}.example`, json: "x".repeat(60_000), checkedAt: START });
  }
  assert(store.count() <= 1_000_000 / 60_000, `${store.count()}`);
  assert(stored(store, "d99.example") !== undefined);
  assertEquals(store.getMx("d50.example"), undefined);
});

Deno.test("createMemoryStore() says that there is no file", () => {
  assertEquals(createMemoryStore({ maxEntries: 10 }).health(), {
    kind: "memory",
    why: "configured",
  });
});

Deno.test("prune() drops what is expired (RFC 8461 §3.2)", () => {
  const store = createMemoryStore({ maxEntries: 10 });
  store.putPolicy(policyOf("short.example", { text: textOf(10) }));
  store.putPolicy(policyOf("long.example", { text: textOf(20) }));
  assertEquals(store.prune(START + 10 * SECOND), 1);
  assertEquals(store.count(), 1);
  assertEquals(stored(store, "short.example"), undefined);
});
