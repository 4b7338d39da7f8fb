import { assertEquals } from "@std/assert";
import { createRandom } from "../fakes/random.ts";
import { minimize, mutate } from "./mutate.ts";
import { explain, type Target, TARGETS } from "./targets.ts";

const CASES = new URL("./cases/", import.meta.url);

/** Inputs for each target in every run of the tests; `deno task fuzz` is for more. */
const QUICK_RUNS = 150;

for (const target of TARGETS) {
  Deno.test(`fuzz: ${target.name} keeps its promises, for good inputs and some others`, async () => {
    const random = createRandom(8461);
    for (const input of target.corpus) {
      assertEquals((await explain(target, input)).problem, undefined, input.toHex());
    }
    for (let left = QUICK_RUNS; left > 0; left--) {
      const input = mutate(random.pick(target.corpus), { random, corpus: target.corpus });
      assertEquals((await explain(target, input)).problem, undefined, input.toHex());
    }
  });
}

for (const { name } of Deno.readDirSync(CASES)) {
  const [targetName = "", , ending] = name.split(".");
  if (ending !== "hex") continue;
  Deno.test(`fuzz: the case ${name} is repaired`, async () => {
    const target = TARGETS.find((candidate) => candidate.name === targetName);
    if (target === undefined) throw new Error(`No target is called ${targetName}`);
    const text = await Deno.readTextFile(new URL(name, CASES));
    const input = Uint8Array.fromHex(text.slice(0, text.indexOf("\n")));
    assertEquals((await explain(target, input)).problem, undefined);
  });
}

/** A reader that fails with every input that has an `x` and a `y`. */
const BROKEN: Target = {
  name: "broken",
  corpus: [new TextEncoder().encode("ab")],
  run(bytes) {
    const text = new TextDecoder().decode(bytes);
    if (text.includes("x") && text.includes("y")) throw new TypeError("x and y");
    return text.slice(0, 1);
  },
};

Deno.test("explain() tells an error from an outcome, and minimize() leaves out what does not matter", async () => {
  assertEquals(await explain(BROKEN, BROKEN.corpus[0]!), { problem: undefined, outcome: "a" });
  const input = new TextEncoder().encode(`aaaaax${"b".repeat(1000)}ycc`);
  const { problem } = await explain(BROKEN, input);
  assertEquals(problem?.split("\n", 1), ["TypeError: x and y"]);
  const fails = async (bytes: Uint8Array) => (await explain(BROKEN, bytes)).problem !== undefined;
  assertEquals(new TextDecoder().decode(await minimize(input, fails)), "xy");
});

Deno.test("mutate() makes the same inputs from the same seed", () => {
  const corpus = [new TextEncoder().encode("one"), new TextEncoder().encode("another")];
  const make = (seed: number) => {
    const random = createRandom(seed);
    return Array.from(
      { length: 20 },
      () => mutate(random.pick(corpus), { random, corpus }).toHex(),
    );
  };
  assertEquals(make(7), make(7));
});
