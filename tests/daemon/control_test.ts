/** What the operator asks, judged as if somebody else had written it. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createMemoryStore } from "../../src/cache/memory_store.ts";
import type { PolicyStore } from "../../src/cache/types.ts";
import { answerControl, CONTROL_MAX_OCTETS } from "../../src/daemon/control.ts";
import { createPostfixTable } from "../../src/daemon/postfix_table.ts";
import { loadText } from "../config/load_text.ts";
import { Bench, DAY, failureOf, policyOf, START, stored, textOf } from "../cache/harness.ts";

function open() {
  const store = createMemoryStore({ maxEntries: 10_000 });
  return { store, ask: asker(store) };
}

function asker(store: PolicyStore) {
  const remove = (domain: string) => void store.remove(domain);
  const resolver = { check: () => undefined, purge: remove, forget: remove };
  const options = { store, changes: { store, resolver: () => resolver } };
  return (command: string, argument: unknown, now = START) =>
    answerControl(options, {
      command,
      argument: typeof argument === "string" ? argument : JSON.stringify(argument),
      now,
    });
}

const ENTRY = {
  domain: "a.example",
  id: "1",
  text: textOf(604_800),
  mode: "enforce",
  max_age: 604_800,
  mx: ["mx.example.com"],
  fetched: new Date(START).toISOString(),
  refresh: new Date(START + DAY).toISOString(),
  last_used: new Date(START + 5).toISOString(),
};

Deno.test("list gives everything once, in replies of bounded size", async () => {
  const { store, ask } = open();
  const large = `${textOf(604_800)}x: ${"\u00ad".repeat(30_000)}\r\n`;
  const domains = Array.from({ length: 1234 }, (_, index) => `d${index}.example`);
  for (const [index, domain] of domains.entries()) {
    store.putPolicy(policyOf(domain, index < 5 ? { text: large } : {}));
  }
  const seen: string[] = [];
  let replies = 0;
  for (let after: string | undefined = ""; after !== undefined; replies++) {
    const reply = await ask("list", { after, text: true });
    assert(reply.length <= CONTROL_MAX_OCTETS);
    assertMatch(reply, /^OK [ -~]+$/);
    const page = JSON.parse(reply.slice(3));
    seen.push(...page.entries.map(({ domain }: { domain: string }) => domain));
    after = page.next;
  }
  assertEquals(seen, domains.toSorted());
  assert(replies >= 13);
});

Deno.test("list refuses an argument that is malformed", async () => {
  const { ask } = open();
  const wrong = [
    "",
    "7",
    "[]",
    '{"after":7}',
    '{"below":"A.example"}',
    '{"mode":"x"}',
    '{"text":1}',
  ];
  for (const argument of wrong) {
    assertEquals(await ask("list", argument), "TEMP the argument of 'list' is malformed");
  }
  assertEquals(await ask("purge-all", ""), "TEMP unknown command");
});

Deno.test("list says that the file cannot be read, and lists failures without a policy", async () => {
  const { store } = open();
  store.putFailure(failureOf("f.example"));
  const degraded = new Proxy(store, {
    get(target, name: keyof PolicyStore) {
      if (name === "health") return () => ({ kind: "degraded", error: "it is locked" });
      const value = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const page = JSON.parse((await asker(degraded)("list", { problems: true })).slice(3));
  assertEquals(page.fault, "it is locked");
  assertEquals([page.entries[0].domain, page.entries[0].id], ["f.example", undefined]);
});

Deno.test("import takes a newer valid policy, and only that", async () => {
  const { store, ask } = open();
  assertEquals(await ask("import", ENTRY), 'OK {"result":"added"}');
  const { lastUsedAt, refreshAt, text } = stored(store, "a.example")!;
  assertEquals([lastUsedAt, refreshAt, text], [START, START + DAY, ENTRY.text]);
  assertEquals(await ask("import", ENTRY), 'OK {"result":"kept"}');
  const earlier = { ...ENTRY, id: "0", fetched: new Date(START - 1).toISOString() };
  assertEquals(await ask("import", earlier), 'OK {"result":"kept"}');
  const later = { ...ENTRY, id: "2", fetched: new Date(START + 1).toISOString() };
  assertEquals(await ask("import", later, START + 1), 'OK {"result":"replaced"}');
  assertEquals(stored(store, "a.example")?.id, "2");
  assertEquals(await ask("import", later, START + 8 * DAY), 'OK {"result":"expired"}');
  // Its successor has expired, but it was replaced.
  const shorter = {
    ...ENTRY,
    text: textOf(60),
    max_age: 60,
    fetched: new Date(START + 2).toISOString(),
  };
  assertEquals(await ask("import", shorter, START + 2), 'OK {"result":"replaced"}');
  assertEquals(await ask("import", later, START + DAY), 'OK {"result":"kept"}');
});

Deno.test("import from a clock that is ahead does not outlast what is fetched here afterwards", async () => {
  using bench = new Bench();
  const store = bench.open();
  const fetched = new Date(START + 4 * 60_000).toISOString();
  assertEquals(await asker(store)("import", { ...ENTRY, fetched }), 'OK {"result":"added"}');
  store.putPolicy(policyOf("a.example", { id: "2", fetchedAt: START + 1000 }));
  assertEquals(stored(store, "a.example")?.id, "2");
});

Deno.test("import believes nothing unchecked", async () => {
  const { store, ask } = open();
  const wrong: [Record<string, unknown>, string][] = [
    [{ domain: "A.example" }, "domain is not"],
    [{ domain: "localhost" }, "domain is not"],
    [{ domain: "[a.example]" }, "domain is not"],
    [{ domain: "a.example:587" }, "domain is not"],
    [{ domain: "192.0.2.1" }, "domain is not"],
    [{ domain: "a.example\u0000" }, "domain is not"],
    [{ domain: 7 }, "domain is not"],
    [{ id: "a b" }, "id is not"],
    [{ id: null }, "id is not"],
    [{ text: "nothing" }, "text is not a policy"],
    [{ text: textOf(5) + "x".repeat(65_536) }, "text is not a policy"],
    [{ text: undefined }, "text is missing"],
    [{ fetched: "2026-01-01" }, "fetched is not a time"],
    [{ fetched: START }, "fetched is not a time"],
    [{ fetched: "2026-99-01T00:00:00.000Z" }, "fetched is not a time"],
    [{ fetched: new Date(START + DAY).toISOString() }, "fetched is later than now"],
    [{ mode: "none" }, "do not agree"],
    [{ max_age: 1 }, "do not agree"],
    [{ mx: ["evil.example"] }, "do not agree"],
  ];
  for (const [change, why] of wrong) {
    const reply = await ask("import", { ...ENTRY, ...change });
    assertMatch(reply, new RegExp(`^OK \\{"result":"invalid","why":"[^"]*${why}`), reply);
  }
  for (const argument of ["", "[]", "null", "{", '"a"']) {
    assertMatch(await ask("import", argument), /^OK \{"result":"invalid"/);
  }
  assertEquals(store.count(), 0);
  // Times that only steer the refresher are put right.
  const odd = { ...ENTRY, refresh: "2099-01-01T00:00:00.000Z", last_used: "never" };
  assertEquals(await ask("import", odd), 'OK {"result":"added"}');
  assertEquals(stored(store, "a.example")?.refreshAt, START);
});

Deno.test("what only looks refuses changes", async () => {
  const { store } = open();
  for (const command of ["refresh", "purge", "import"]) {
    const reply = await answerControl({ store }, { command, argument: "a.example", now: START });
    assertEquals(reply, "TEMP this process only reads the cache");
  }
});

Deno.test("a table for Postfix has what is enforced, DANE and what cannot be said", () => {
  const zone = loadText("").config.defaultZone;
  const { line } = createPostfixTable({ zone, now: START + 1 });
  const entry = { ...ENTRY, expires: "", dane: undefined };
  const dane = {
    state: "absent",
    hosts: ["mx.example.com", "evil.example"],
    skipped: [],
    checked: "",
  };
  const lines: [Record<string, unknown>, string][] = [
    [{}, "a.example secure match=mx.example.com servername=hostname\n"],
    [{ dane }, "a.example secure match=mx.example.com servername=hostname\n"],
    [{ dane: { ...dane, state: "usable" } }, "a.example dane-only\n"],
    [
      { dane: { ...dane, hosts: ["evil.example"] } },
      "# a.example: no MX host of a.example matches its MTA-STS policy\n",
    ],
    [{ text: ENTRY.text.replace("enforce", "testing"), mode: "testing" }, ""],
    [{ fetched: new Date(START - 30 * DAY).toISOString() }, ""],
    [{ domain: "a b" }, ""],
  ];
  for (const [change, expected] of lines) {
    assertEquals(line({ ...entry, ...change } as Parameters<typeof line>[0]), expected);
  }
});
