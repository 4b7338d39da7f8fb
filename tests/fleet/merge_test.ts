import { assert, assertEquals } from "@std/assert";
import {
  compareVersions,
  mergePolicy,
  type MergeResult,
  type Version,
} from "../../src/fleet/merge.ts";
import { createRandom, type Random } from "../fakes/random.ts";

const NOW = 1_000_000_000;
const HELD: Version = {
  id: "1",
  text: "held",
  fetchedAt: NOW - 5000,
  expiresAt: NOW + 100_000,
  host: "b",
};

Deno.test("the table of the merge rule", () => {
  const cases: [
    result: MergeResult,
    candidate: Partial<Version>,
    held: Partial<Version> | undefined,
    purgedAt?: number,
  ][] = [
    ["refused", { expiresAt: NOW }, undefined],
    ["refused", { fetchedAt: NOW + 60_001 }, undefined],
    ["refused", {}, undefined, HELD.fetchedAt],
    ["adopt", {}, undefined],
    ["adopt", {}, undefined, HELD.fetchedAt - 1],
    ["adopt", { fetchedAt: NOW - 9000 }, { expiresAt: NOW }],
    ["adopt", {}, { fetchedAt: NOW - 9000 }, NOW - 9000],
    ["confirm", { fetchedAt: NOW }, {}],
    ["adopt", { fetchedAt: NOW, id: "2" }, {}],
    ["adopt", { fetchedAt: NOW, text: "none" }, {}],
    ["adopt", { host: "c", text: "none" }, {}],
    ["keep", { host: "a", text: "none" }, {}],
    ["keep", { fetchedAt: NOW - 5001, text: "none" }, {}],
    ["keep", {}, {}],
  ];
  for (const [result, candidate, held, purgedAt] of cases) {
    const facts = { held: held && { ...HELD, ...held }, now: NOW, purgedAt };
    assertEquals(mergePolicy({ ...HELD, ...candidate }, facts), result, JSON.stringify(candidate));
  }
});

/** What a host hears of one domain. */
type Said = { readonly version: Version } | { readonly purgedAt: number };

/** What a host has of it. */
interface State {
  held: Version | undefined;
  purgedAt: number | undefined;
}

function hear(state: State, said: Said): void {
  if ("purgedAt" in said) {
    state.purgedAt = Math.max(state.purgedAt ?? -Infinity, said.purgedAt);
    if (state.held !== undefined && state.held.fetchedAt <= state.purgedAt) state.held = undefined;
    return;
  }
  const result = mergePolicy(said.version, { ...state, now: NOW });
  if (result === "adopt" || result === "confirm") state.held = said.version;
}

function randomSaid(random: Random): Said {
  const fetchedAt = NOW - random.int(10);
  if (random.int(6) === 0) return { purgedAt: fetchedAt };
  const [id, text, host] = [
    random.pick(["1", "2"]),
    random.pick(["x", "y"]),
    random.pick(["a", "b"]),
  ];
  // Its life is part of the text; some have expired.
  const expiresAt = fetchedAt + (text === "y" ? 4 : 100);
  return { version: { id, text, fetchedAt, expiresAt, host } };
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const rest = [...items];
  return Array.from(items, () => rest.splice(random.int(rest.length), 1)[0]!);
}

Deno.test("hosts that hear the same in any order, with losses and repetitions, converge", () => {
  const random = createRandom(8461);
  for (let round = 0; round < 2000; round++) {
    const all = Array.from({ length: 1 + random.int(8) }, () => randomSaid(random));
    const ends = Array.from({ length: 4 }, () => {
      const state: State = { held: undefined, purgedAt: undefined };
      // Some things are heard early, some twice; in the end all were heard once more.
      for (const said of shuffled(all, random).slice(random.int(all.length))) hear(state, said);
      for (const said of shuffled(all, random)) hear(state, said);
      return state;
    });
    for (const end of ends) assertEquals(end, ends[0], JSON.stringify(all));
    for (const end of ends) {
      assert(end.held === undefined || end.held.fetchedAt > (end.purgedAt ?? -Infinity));
    }
  }
});

Deno.test("the order of versions is total", () => {
  const random = createRandom(1);
  for (let round = 0; round < 2000; round++) {
    const [a, b, c] = Array.from({ length: 3 }, () => {
      const said = randomSaid(random);
      return "version" in said ? said.version : HELD;
    }) as [Version, Version, Version];
    assertEquals(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)));
    if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
      assert(compareVersions(a, c) <= 0);
    }
  }
});
