import { assert, assertEquals, assertThrows } from "@std/assert";
import { GenerationalMap } from "../../src/base/generational_map.ts";
import { createRandom } from "../fakes/random.ts";

Deno.test("GenerationalMap agrees with a plain map in all it still holds, within its bound", () => {
  const random = createRandom(8461);
  for (const bound of [1, 2, 3, 10, 64]) {
    const map = new GenerationalMap<number>(bound);
    const model = new Map<string, number>();
    for (let step = 0; step < 20_000; step++) {
      const key = `key${random.int(bound * 3)}`;
      switch (random.int(4)) {
        case 0:
          map.set(key, step);
          model.set(key, step);
          assertEquals(map.get(key), step, "what was set last is held");
          break;
        case 1:
          map.delete(key);
          model.delete(key);
          assertEquals(map.get(key), undefined, "what was deleted is gone");
          break;
        default: {
          const value = map.get(key);
          assert(value === undefined || value === model.get(key), "a value is never stale");
        }
      }
      assert(map.size <= Math.max(2, bound), `${map.size} entries, bound ${bound}`);
    }
    assertEquals([...map.values()].length, map.size, "no entry is in both generations");
    for (const value of map.values()) assert([...model.values()].includes(value));
  }
});

Deno.test("GenerationalMap drops nothing while it has room", () => {
  const map = new GenerationalMap<number>(10);
  for (let i = 0; i < 10; i++) map.set(`key${i}`, i);
  assertEquals([...map.values()].sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("GenerationalMap keeps an entry in use while a thousand others pass", () => {
  const map = new GenerationalMap<number>(10);
  map.set("used", -1);
  for (let i = 0; i < 1000; i++) {
    map.set(`passing${i}`, i);
    if (i % 3 === 0) assertEquals(map.get("used"), -1);
  }
  assertEquals(map.get("used"), -1);
  assertEquals(map.get("passing0"), undefined);
});

Deno.test("GenerationalMap.set() replaces a value in the old generation", () => {
  const map = new GenerationalMap<string>(4);
  map.set("key", "first");
  map.set("other", "x");
  map.set("third", "x");
  map.set("key", "second");
  assertEquals(map.get("key"), "second");
  assertEquals([...map.values()].filter((value) => value === "first"), []);
});

Deno.test("GenerationalMap.clear() drops everything", () => {
  const map = new GenerationalMap<number>(4);
  for (let i = 0; i < 4; i++) map.set(`key${i}`, i);
  map.clear();
  assertEquals(map.size, 0);
  assertEquals(map.get("key3"), undefined);
});

Deno.test("GenerationalMap refuses a bound that is no positive integer", () => {
  for (const bound of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => new GenerationalMap(bound), RangeError);
  }
});

Deno.test("GenerationalMap holds no more octets than its bound, and counts them exactly", () => {
  const random = createRandom(8461);
  const octetsOf = (value: { size: number }) => value.size;
  const map = new GenerationalMap<{ size: number }>(50, { octets: 1000, octetsOf });
  for (let step = 0; step < 20_000; step++) {
    const key = `key${random.int(100)}`;
    if (random.int(5) === 0) map.delete(key);
    else if (random.int(3) === 0) map.get(key);
    else map.set(key, { size: random.int(100) });
    const sum = [...map.values()].reduce((total, { size }) => total + size, 0);
    assertEquals(map.octets, sum);
    assert(sum <= 1000, `${sum} octets`);
  }
});

Deno.test("GenerationalMap keeps a value larger than its bound, alone in its generation", () => {
  const map = new GenerationalMap<string>(50, { octets: 10, octetsOf: (value) => value.length });
  map.set("a", "small");
  map.set("b", "x".repeat(30));
  assertEquals(map.get("b")?.length, 30);
  map.set("c", "y");
  map.set("d", "z".repeat(6));
  assertEquals([map.size, map.octets], [2, 7], "it leaves with its generation");
});

Deno.test("GenerationalMap tells what it drops for want of room, and nothing else", () => {
  const dropped: number[] = [];
  const map = new GenerationalMap<number>(4, { onDrop: (value) => dropped.push(value) });
  for (const value of [1, 2, 3]) map.set(`k${value}`, value);
  map.set("k3", 33);
  map.delete("k2");
  map.get("k1");
  assertEquals(dropped, []);
  assertEquals([...map.entries()].sort(), [["k1", 1], ["k3", 33]]);
  map.set("k4", 4);
  map.set("k5", 5);
  map.set("k6", 6);
  assertEquals(dropped, [33, 1]);
  map.clear();
  assertEquals(dropped, [33, 1]);
});
