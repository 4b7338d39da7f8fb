import { assertEquals } from "@std/assert";
import { createMemoryStore } from "../../src/cache/memory_store.ts";
import { answerFleet, createFleetControl, isFleetCommand } from "../../src/daemon/control_fleet.ts";
import { describeFleetEntry } from "../../src/daemon/fleet_entry.ts";
import type { Fleet, FleetCopy } from "../../src/fleet/status.ts";
import type { FleetKnowledge, FleetPolicy } from "../../src/fleet/types.ts";
import { fleetStatus } from "../fakes/fleet_status.ts";
import { DAY, policyOf, START, stored, textOf } from "../cache/harness.ts";

const NOW = START + DAY;

/** A policy of the fleet, fetched some ms after the one that is held. */
function shared(changes: Partial<FleetPolicy> & { readonly later?: number } = {}): FleetPolicy {
  const { later = 0, ...others } = changes;
  const { id, text, policy, strings, fetchedAt, expiresAt } = policyOf("a.example");
  const times = { fetchedAt: fetchedAt + later, expiresAt: expiresAt + later };
  const base = { domain: "a.example", id, text, policy, strings, ...times };
  return { ...base, host: "mx2", isSigned: true, ...others };
}

/** A fleet that knows this, and whose copies come to that. */
function fleetOf(
  knowledge: FleetKnowledge | undefined,
  copies: { readonly policies?: readonly FleetPolicy[]; readonly copy?: FleetCopy } = {},
): Fleet {
  const { policies = [], copy = { sent: 7, kept: 1, refused: 2, fault: undefined } } = copies;
  return {
    ask: () => Promise.resolve(knowledge),
    status: () => fleetStatus(NOW),
    push: () => Promise.resolve(copy),
    pull(take: (policy: FleetPolicy) => void) {
      policies.forEach(take);
      return Promise.resolve(copy);
    },
  } as unknown as Fleet;
}

function open() {
  const store = createMemoryStore({ maxEntries: 100 });
  return store;
}

Deno.test("the effect of the fleet's policy depends on what is held, and on its signature", async () => {
  const held = open();
  held.putPolicy(policyOf("a.example"));
  const expired = open();
  expired.putPolicy(policyOf("a.example", { text: textOf(60) }));
  const text = textOf(604_800).replace("enforce", "testing");
  const cases: [ReturnType<typeof open>, FleetPolicy, string][] = [
    [held, shared(), "same"],
    [held, shared({ later: 1000 }), "same"],
    [held, shared({ later: -1000 }), "same"],
    [held, shared({ later: -61_000 }), "older"],
    [held, shared({ later: 61_000 }), "newer"],
    [held, shared({ later: 61_000, isSigned: false }), "newer"],
    [held, shared({ later: 1000, id: "other" }), "newer"],
    [held, shared({ later: 1000, text }), "newer"],
    [held, shared({ later: 1000, text, isSigned: false }), "check"],
    [open(), shared(), "taken"],
    [open(), shared({ isSigned: false }), "first-fetch"],
    [expired, shared(), "taken"],
  ];
  for (const [store, policy, effect] of cases) {
    const fleet = fleetOf({ policy, failure: undefined });
    const entry = await describeFleetEntry("a.example", { fleet, store, now: NOW });
    assertEquals([entry.answered, entry.policy?.effect, entry.policy?.host], [true, effect, "mx2"]);
  }
});

Deno.test("an entry that the fleet lacks is distinct from an engine that does not answer", async () => {
  const beside = { store: open(), now: NOW };
  const failure = {
    ...{ domain: "a.example", id: "1", reason: "connect", detail: "refused", count: 2 },
    ...{ failedAt: NOW, retryAt: NOW + 300_000 },
  };
  const describe = (knowledge: FleetKnowledge | undefined) =>
    describeFleetEntry("a.example", { fleet: fleetOf(knowledge), ...beside });
  const engine = { engine: "redis://10.0.0.5:6379/2", state: "up" };
  assertEquals(await describe(undefined), { ...engine, answered: false });
  assertEquals(await describe({ policy: undefined, failure: undefined }), {
    ...engine,
    answered: true,
  });
  const { failure: described } = await describe({ policy: undefined, failure });
  assertEquals([described?.reason, described?.count], ["connect", 2]);
});

/** Asks the fleet's part of a control channel. */
function asker(fleet: Fleet | undefined, store = open()) {
  const control = createFleetControl(() => fleet, { now: () => NOW });
  return async (command: string, argument = "") => {
    if (!isFleetCommand(command)) throw new TypeError(command);
    const format = (value: object) => `OK ${JSON.stringify(value)}`;
    const reply = await answerFleet(command, argument, { control, store, target: store, format });
    return reply.startsWith("OK ") ? JSON.parse(reply.slice(3)) : reply;
  };
}

Deno.test("pull takes over what is newer and signed, and counts the rest", async () => {
  const store = open();
  store.putPolicy(policyOf("a.example"));
  const policies = [
    shared(),
    shared({ domain: "b.example" }),
    shared({ domain: "c.example", isSigned: false }),
    shared({ domain: "d.example", expiresAt: NOW }),
  ];
  const copy = { sent: 4, kept: 0, refused: 3, fault: "gone" };
  const ask = asker(fleetOf(undefined, { policies, copy }), store);
  assertEquals(await ask("copy"), "NOTFOUND ");
  assertEquals(await ask("pull"), { state: "running", direction: "pull" });
  assertEquals(await ask("copy"), {
    state: "done",
    direction: "pull",
    copy,
    counts: { added: 1, replaced: 0, kept: 1, expired: 1, unsigned: 1, failed: 0 },
  });
  const found = stored(store, "b.example");
  assertEquals(found?.fetchedAt, policyOf("b.example").fetchedAt);
  assertEquals([stored(store, "c.example"), stored(store, "d.example")], [undefined, undefined]);
  await ask("pull", "unsigned");
  const { counts } = await ask("copy");
  assertEquals([counts.added, counts.kept, counts.unsigned], [1, 2, 0]);
});

Deno.test("one copy is under way at a time, and none where nothing is shared", async () => {
  const end = Promise.withResolvers<FleetCopy>();
  const slow = { ...fleetOf(undefined), push: () => end.promise };
  const ask = asker(slow);
  assertEquals(await ask("push"), { state: "running", direction: "push" });
  assertEquals(await ask("pull"), "TEMP another push or pull is under way");
  assertEquals((await ask("copy")).state, "running");
  end.resolve({ sent: 1, kept: 0, refused: 0, fault: undefined });
  await end.promise;
  await Promise.resolve();
  assertEquals((await ask("copy")).copy.sent, 1);
  const alone = asker(undefined);
  assertEquals(await alone("push"), "TEMP nothing is shared: see 'cache.shared' in docs/fleet.md");
  assertEquals(await alone("fleet", "a.example"), "NOTFOUND ");
  assertEquals(await asker(slow)("fleet", "not a domain"), "TEMP not a domain");
});
