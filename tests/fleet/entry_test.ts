import { assert, assertEquals, assertRejects } from "@std/assert";
import { openEntry, sealFact, sealForeign } from "../../src/fleet/entry.ts";
import { SEALED_MAX_LENGTH, unwrap, wrap } from "../../src/fleet/envelope.ts";
import { createMac, digestSettings } from "../../src/fleet/mac.ts";
import { readMessage, sealMessage } from "../../src/fleet/message.ts";
import type { EntryKey } from "../../src/fleet/types.ts";
import { macOf, ownPolicy, policyText, SETTINGS } from "./hosts.ts";

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3600_000;
const mac = await macOf(1);
const SEAL = { mac, host: "mx1.example", settings: SETTINGS };
const KEY: EntryKey = { kind: "p", name: "a.example" };
const FAILURE = {
  domain: "a.example",
  id: "1",
  reason: "status",
  detail: "refused by \u202e",
  count: 3,
  failedAt: NOW - 1000,
  retryAt: NOW + 60_000,
};

/** A policy of a.example, sealed by a host whose clock is right; the engine's is `offset` ahead. */
function sealed(given: { text?: string; fetchedAt?: number } = {}, offset = 0): string {
  const policy = ownPolicy("a.example", { fetchedAt: NOW - 1000, ...given });
  return sealFact({ kind: "p", policy }, offset, SEAL)!;
}

/** How an entry opens: the kind, or why it is refused. */
function open(text: string, given: { key?: EntryKey; offset?: number; settings?: string } = {}) {
  const { key = KEY, offset = 0, settings = SETTINGS } = given;
  const reading = openEntry(text, { now: NOW, offset }, { mac, settings, key });
  return reading.kind === "refused" ? reading.reason : reading.kind;
}

/** A signed entry with members of the test's choice. */
function forge(members: Record<string, unknown>, letter = "p"): string {
  const good = {
    ...{ d: "a.example", i: "1", t: policyText("mx"), f: NOW - 1000, w: NOW - 1000 },
    ...{ h: "mx1.example", c: SETTINGS },
  };
  return wrap(letter, { ...good, ...members }, { mac })!;
}

Deno.test("a policy opens as it was sealed, whatever the engine's clock shows", () => {
  const policy = ownPolicy("a.example", {
    text: policyText("mx") + "x: b\u00fccher\u2028\r\n",
    fetchedAt: NOW - 5,
  });
  for (const offset of [0, 86_400_000, -3_600_000]) {
    const text = sealFact({ kind: "p", policy }, offset, SEAL)!;
    assert(/^[ -~]+$/.test(text));
    const reading = openEntry(text, { now: NOW, offset }, { ...SEAL, key: KEY });
    assert(reading.kind === "p");
    const { policy: { mode }, strings, host, isSigned, ...rest } = reading.policy;
    assertEquals(rest, policy);
    assertEquals([mode, strings.length, host, isSigned], ["enforce", 5, "mx1.example", true]);
  }
});

Deno.test("a policy never seems newer than it is, and no more than a millisecond older", () => {
  for (const part of [0.1, 0.5, 0.9]) {
    for (const offset of [0, 12_345, -7]) {
      const policy = ownPolicy("a.example", { fetchedAt: NOW - 5000 + part });
      const text = sealFact({ kind: "p", policy }, offset, SEAL)!;
      const reading = openEntry(text, { now: NOW, offset }, SEAL);
      assertEquals(reading.kind === "p" && reading.policy.fetchedAt, NOW - 5000);
    }
  }
});

Deno.test("failure, tombstone and view open as they were sealed", () => {
  const times = { now: NOW, offset: 5000 };
  const reopen = (fact: Parameters<typeof sealFact>[0]) =>
    openEntry(sealFact(fact, 5000, SEAL)!, times, SEAL);
  const detail = "refused by ?";
  assertEquals(reopen({ kind: "f", failure: FAILURE }), {
    kind: "f",
    failure: { ...FAILURE, detail },
  });
  const tombstone = { kind: "t", domain: "a.example", at: NOW - 10 } as const;
  assertEquals(reopen(tombstone), tombstone);
  const view = { nextHop: "[a.example]:587", json: '{"dane":"absent"}', checkedAt: NOW - 10 };
  assertEquals(reopen({ kind: "x", view }), { kind: "x", view });
});

Deno.test("what is altered, of another secret, fleet, domain or program is refused", async () => {
  const good = sealed();
  assertEquals(open(good), "p");
  for (let at = 0; at < good.length; at++) {
    const other = good[at] === "x" ? "y" : "x";
    const altered = good.slice(0, at) + other + good.slice(at + 1);
    assert(["signature", "form"].includes(open(altered)), altered);
  }
  const seal = async (octet: number, fleet: string) => {
    const other = await createMac([new Uint8Array(32).fill(octet)], fleet);
    const policy = ownPolicy("a.example", { fetchedAt: NOW - 1000 });
    return sealFact({ kind: "p", policy }, 0, { ...SEAL, mac: other })!;
  };
  assertEquals(open(await seal(1, "mtasts")), "p");
  assertEquals(open(await seal(2, "mtasts")), "signature");
  assertEquals(open(await seal(1, "mtasts2")), "signature");
  assertEquals(open(good, { key: { kind: "p", name: "b.example" } }), "name");
  assertEquals(open(good, { key: { kind: "f", name: "a.example" } }), "name");
  assertEquals(open(good, { settings: "other" }), "settings");
  assertEquals(open(forge({ v: 2 })), "version");
  assertEquals(open(forge({}, "z"), { key: { kind: "z" as "p", name: "a.example" } }), "version");
  assertEquals(open(`-${good.slice(good.indexOf("."))}`), "unsigned");
});

Deno.test("members that no host writes are refused", () => {
  const cases: [reason: string, members: Record<string, unknown>][] = [
    ["form", { h: "mx1\nexample" }],
    ["form", { h: "x".repeat(256) }],
    ["form", { h: undefined }],
    ["form", { i: "a-b" }],
    ["form", { i: "x".repeat(33) }],
    ["form", { t: 5 }],
    ["form", { f: "1" }],
    ["form", { f: -1 }],
    ["form", { f: Date.UTC(2101, 0, 1) }],
    ["form", { w: null }],
    ["policy", { t: "version: STSv1\r\n" }],
    ["policy", { t: policyText("mx") + "x: \ud800\r\n" }],
    ["policy", { t: policyText("mx") + "x".repeat(64 * 1024) }],
    ["future", { f: NOW + 61_000 }],
    ["expired", { f: NOW - 604_800_000, w: NOW - 604_800_000 }],
    ["settings", { c: undefined }],
  ];
  for (const [reason, members] of cases) {
    assertEquals(open(forge(members)), reason, JSON.stringify(members).slice(0, 100));
  }
  for (
    const domain of [
      "A.example",
      "a.example.",
      "b\u00fccher.example",
      "a",
      "[a.example]",
      "a.example:26",
    ]
  ) {
    const key = { kind: "p", name: domain } as const;
    assertEquals(open(forge({ d: domain }), { key }), "form", domain);
  }
});

Deno.test("members of failures, tombstones and views are checked", () => {
  const failure = { r: "status", m: "x", n: 1, u: NOW + 1000 };
  const cases: [reason: string, letter: "f" | "t" | "x", members: Record<string, unknown>][] = [
    ["f", "f", failure],
    ["version", "f", { ...failure, r: "a-new-reason" }],
    ["form", "f", { ...failure, r: "connect" }],
    ["form", "f", { ...failure, m: "a\u00e9" }],
    ["form", "f", { ...failure, m: "x".repeat(501) }],
    ["form", "f", { ...failure, n: 0 }],
    ["form", "f", { ...failure, n: 1.5 }],
    ["form", "f", { ...failure, u: NOW - 5000 }],
    ["t", "t", {}],
    ["expired", "t", { f: NOW - HOUR }],
    ["future", "t", { f: NOW + 61_000 }],
    ["x", "x", { j: "{}" }],
    ["form", "x", { j: "x".repeat(64 * 1024 + 1) }],
    ["form", "x", { j: undefined }],
    ["expired", "x", { j: "{}", f: NOW - 24 * HOUR, w: NOW - 24 * HOUR }],
  ];
  for (const [expected, kind, members] of cases) {
    const key = { kind, name: "a.example" };
    assertEquals(
      open(forge(members, kind), { key }),
      expected,
      JSON.stringify(members).slice(0, 100),
    );
  }
});

Deno.test("a back-off of others is an hour at most", () => {
  const retryAt = NOW + 30 * HOUR;
  const text = sealFact({ kind: "f", failure: { ...FAILURE, retryAt } }, 0, SEAL)!;
  const reading = openEntry(text, { now: NOW, offset: 0 }, SEAL);
  assertEquals(reading.kind === "f" && reading.failure.retryAt, FAILURE.failedAt + HOUR);
});

Deno.test("nothing counts as later than now, and no clock makes a policy younger than the other does", () => {
  const read = (text: string, offset: number) => {
    const reading = openEntry(text, { now: NOW, offset }, { ...SEAL, key: KEY });
    return reading.kind === "p" ? NOW - reading.policy.fetchedAt : reading;
  };
  assertEquals(read(forge({ f: NOW + 59_000, w: NOW + 59_000 }), 0), 0);
  const old = sealed({ fetchedAt: NOW - 5 * 24 * HOUR });
  // The engine's clock went back by a day after the entry was written.
  assertEquals(read(old, -24 * HOUR), 5 * 24 * HOUR);
  // It went forward by a day: the entry seems older, which is on the safe side.
  assertEquals(read(old, 24 * HOUR), 6 * 24 * HOUR);
  // The writer's clock is an hour behind: the engine's time counts.
  assertEquals(read(forge({ f: NOW - HOUR, w: NOW - 2 * HOUR }), 0), HOUR);
  // The writer's clock is a day ahead.
  assertEquals(read(forge({ f: NOW - HOUR, w: NOW + 23 * HOUR }), 0), HOUR);
});

Deno.test("without a secret, policies open unsigned and all else is refused", () => {
  const seal = { ...SEAL, mac: undefined };
  const openUnsigned = (text: string) => openEntry(text, { now: NOW, offset: 0 }, seal);
  const policy = ownPolicy("a.example", { fetchedAt: NOW - 1000 });
  const reading = openUnsigned(sealFact({ kind: "p", policy }, 0, seal)!);
  assertEquals(reading.kind === "p" && reading.policy.isSigned, false);
  const foreign = sealForeign({ ...policy, host: "redis-cache" })!;
  assertEquals(openUnsigned(foreign).kind, "p");
  assertEquals(open(foreign), "unsigned");
  for (
    const fact of [
      { kind: "f", failure: FAILURE },
      { kind: "t", domain: "a.example", at: NOW - 10 },
      { kind: "x", view: { nextHop: "a.example", json: "{}", checkedAt: NOW - 10 } },
    ] as const
  ) {
    assertEquals(openUnsigned(sealFact(fact, 0, seal)!), { kind: "refused", reason: "unsigned" });
  }
  assertEquals(openUnsigned(sealed()), { kind: "refused", reason: "signature" });
});

Deno.test("while the secret changes over, both are taken and the first signs", async () => {
  const [before, both, after] = [await macOf(1), await macOf(2, 1), await macOf(2)];
  assert(both.verify("x", before.sign("x")) && both.verify("x", after.sign("x")));
  assert(after.verify("x", both.sign("x")) && !before.verify("x", both.sign("x")));
  assert(!both.verify("x", "") && !both.verify("x", "\u00e9".repeat(22)));
});

Deno.test("secrets that are too short, too long, too few or too many are refused", async () => {
  for (const lengths of [[], [31], [4097], [32, 31], [32, 32, 32]]) {
    await assertRejects(
      () => createMac(lengths.map((length) => new Uint8Array(length)), "mtasts"),
      RangeError,
    );
  }
});

Deno.test("a text that is too long is neither sealed nor opened", () => {
  assertEquals(wrap("p", { t: "\u0001".repeat(20_000) }, { mac }), undefined);
  assertEquals(unwrap("x".repeat(SEALED_MAX_LENGTH + 1), mac), { kind: "refused", reason: "size" });
  // The largest policy of ordinary lines fits.
  const text = policyText("mx") + "x: 0123456789012345678901234567\r\n".repeat(1980);
  assert(text.length > 65_000 && sealed({ text }).length < SEALED_MAX_LENGTH);
});

Deno.test("messages open as they were sealed, and are checked", () => {
  const heartbeat = {
    kind: "heartbeat",
    host: "mx1",
    version: "1.0.0",
    nonce: "nonce-1234",
  } as const;
  const reopen = (text: string) => {
    const content = unwrap(text, mac);
    return content.kind === "content" ? readMessage(content) : content;
  };
  for (const ahead of [undefined, -3_600_000]) {
    const message = { ...heartbeat, ahead };
    assertEquals(reopen(sealMessage(message, { mac })!), message);
  }
  const emptied = { kind: "emptied", host: "mx1", nonce: "nonce-1234" } as const;
  assertEquals(reopen(sealMessage(emptied, { mac })!), emptied);
  const failed = { ...emptied, kind: "failed-fetch", domain: "a.example", id: "1" } as const;
  assertEquals(reopen(sealMessage(failed, { mac })!), failed);
  for (const members of [{ d: "A.example" }, { i: "" }]) {
    const good = { h: "mx1", n: "nonce-1234", d: "a.example", i: "1" };
    const text = wrap("e", { ...good, ...members }, { mac })!;
    assertEquals(reopen(text), { kind: "refused", reason: "form" }, JSON.stringify(members));
  }
  for (
    const members of [{ s: "a b" }, { s: "x".repeat(65) }, { n: "short" }, { a: 1.5 }, { h: "" }]
  ) {
    const good = { h: "mx1", s: "1", n: "nonce-1234", a: null };
    const text = wrap("b", { ...good, ...members }, { mac })!;
    assertEquals(reopen(text), { kind: "refused", reason: "form" }, JSON.stringify(members));
  }
  assertEquals(reopen(sealed()), undefined);
});

Deno.test("digestSettings() tells settings apart", async () => {
  const one = await digestSettings(["http://proxy:3128", false]);
  assertEquals(one, await digestSettings(["http://proxy:3128", false]));
  assert(one !== await digestSettings(["http://proxy:3128", true]));
  assert(/^[\w-]{12}$/.test(one));
});
