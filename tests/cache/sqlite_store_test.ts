import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  Bench,
  DAY,
  domainsOf,
  failureOf,
  listed,
  policyOf,
  putAll,
  SECOND,
  START,
  stored,
  textOf,
} from "./harness.ts";

Deno.test("createSqliteStore() finds everything again after a restart", () => {
  using bench = new Bench();
  bench.prepare((store) => {
    store.putPolicy(policyOf("a.example"));
    store.touchPolicy("a.example", START + 5);
    store.deferRefresh("a.example", START + 6);
    store.putFailure(failureOf("b.example"));
    store.putMx({ nextHop: "[c.example]", json: "{}", checkedAt: START });
  });
  const store = bench.open();
  const expected = policyOf("a.example", { lastUsedAt: START + 5, refreshAt: START + 6 });
  assertEquals(stored(store, "a.example"), expected);
  assertEquals(store.getFailure("b.example"), failureOf("b.example"));
  assertEquals(store.getMx("[c.example]")?.json, "{}");
  assertEquals(store.health(), { kind: "ok" });
  assertEquals(bench.lines, []);
});

Deno.test("createSqliteStore() writes through: another process sees a policy at once", () => {
  using bench = new Bench();
  const store = bench.open();
  store.putPolicy(policyOf("a.example"));
  using other = bench.database();
  assertEquals(other.prepare("SELECT domain FROM policies").all().length, 1);
});

Deno.test("failures are written 32 at a time or at a flush, policies and next hops at once", () => {
  using bench = new Bench();
  const store = bench.open();
  using other = bench.database();
  const written = () =>
    ["policies", "failures", "mx"].map((table) =>
      other.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.rows
    );
  for (let index = 1; index <= 32; index++) {
    assertEquals(written(), [index - 1, 0, index - 1]);
    store.putPolicy(policyOf(`d${index}.example`));
    store.putFailure(failureOf(`d${index}.example`));
    store.putMx({ nextHop: `d${index}.example`, json: "{}", checkedAt: START });
  }
  assertEquals(written(), [32, 32, 32]);
  store.clearFailure("d1.example");
  assertEquals(store.getFailure("d1.example"), undefined);
  assertEquals(written(), [32, 32, 32]);
  store.flush();
  assertEquals(written(), [32, 31, 32]);
});

Deno.test("remove() takes what waits for its group as well", () => {
  using bench = new Bench();
  const store = bench.open();
  store.putPolicy(policyOf("a.example"));
  store.touchPolicy("a.example", START + 1);
  store.putFailure(failureOf("a.example"));
  store.putMx({ nextHop: "[a.example]:587", json: "{}", checkedAt: START });
  store.remove("a.example");
  assertEquals(store.getFailure("a.example"), undefined);
  assertEquals(store.getMx("[a.example]:587"), undefined);
  store.flush();
  assertEquals(store.getFailure("a.example"), undefined);
  assertEquals(store.getMx("[a.example]:587"), undefined);
  assertEquals(stored(store, "a.example"), undefined);
});

Deno.test("countHeldOff() counts a failure once, whether it waits for its group or was written before", () => {
  using bench = new Bench();
  const store = bench.open();
  store.putFailure(failureOf("a.example"));
  store.flush();
  store.putFailure(failureOf("a.example", { count: 2 }));
  store.putFailure(failureOf("b.example"));
  assertEquals(store.countHeldOff(START), 2);
});

Deno.test("createSqliteStore() makes its files private", () => {
  using bench = new Bench();
  bench.open().putPolicy(policyOf("a.example"));
  assertEquals(bench.files(), ["cache.db", "cache.db-shm", "cache.db-wal"]);
  for (const name of bench.files()) {
    assertEquals((Deno.statSync(`${bench.directory}/${name}`).mode ?? 0) & 0o777, 0o600, name);
  }
});

Deno.test("createSqliteStore() leaves one file behind at close", () => {
  using bench = new Bench();
  bench.prepare((store) => store.putPolicy(policyOf("a.example")));
  assertEquals(bench.files(), ["cache.db"]);
});

Deno.test("count() of very many policies is found anew every ten minutes", () => {
  using bench = new Bench();
  const store = bench.open();
  {
    using other = bench.database();
    other.exec(
      `WITH RECURSIVE number(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM number LIMIT 50001)
      INSERT INTO policies SELECT n || '.example', 'id', x'', 0, 0, 0, 0 FROM number`,
    );
  }
  assertEquals(store.count(), 50_001);
  store.putPolicy(policyOf("a.example"));
  assertEquals(store.count(), 50_001);
  bench.now += 600 * SECOND;
  assertEquals(store.count(), 50_002);
});

Deno.test("putPolicy() of an older fetch does not replace a newer one, whichever process writes", () => {
  using bench = new Bench();
  const [one, other] = [bench.open(), bench.open()];
  one.putPolicy(policyOf("a.example", { id: "new", fetchedAt: START + 2 }));
  other.putPolicy(
    policyOf("a.example", { id: "old", fetchedAt: START + 1, lastUsedAt: START + 9 }),
  );
  assertEquals(stored(one, "a.example")?.id, "new");
  other.putPolicy(policyOf("a.example", { id: "newest", fetchedAt: START + 3 }));
  assertEquals(stored(one, "a.example")?.id, "newest");
});

Deno.test("two stores on one file see each other's writes, and one can close", () => {
  using bench = new Bench();
  const [one, other] = [bench.open(), bench.open()];
  for (let index = 0; index < 100; index++) {
    (index % 2 === 0 ? one : other).putPolicy(policyOf(`d${index}.example`));
    one.flush();
    other.flush();
  }
  assertEquals([one.count(), other.count()], [100, 100]);
  one.close();
  other.putPolicy(policyOf("last.example"));
  assertEquals(other.count(), 101);
  assertEquals(bench.lines, []);
  other.close();
  assertEquals(bench.open().count(), 101);
});

Deno.test("touchPolicy() never moves the last use back", () => {
  using bench = new Bench();
  const [one, other] = [bench.open(), bench.open()];
  one.putPolicy(policyOf("a.example"));
  one.touchPolicy("a.example", START + 9);
  other.touchPolicy("a.example", START + 5);
  one.flush();
  other.flush();
  assertEquals(stored(other, "a.example")?.lastUsedAt, START + 9);
});

Deno.test("touchPolicy() notes no more uses for one flush than it writes in a moment", () => {
  using bench = new Bench();
  const store = bench.open();
  const domains = Array.from({ length: 150 }, (_, index) => `d${index}.example`);
  putAll(store, domains.map((domain) => policyOf(domain)));
  const noted = () => domains.filter((name) => stored(store, name)!.lastUsedAt > START).length;
  for (const domain of domains) store.touchPolicy(domain, START + 1);
  store.deferRefresh("d149.example", START + 2);
  assertEquals(noted(), 100);
  store.flush();
  assertEquals(noted(), 100);
  assertEquals(stored(store, "d149.example")?.refreshAt, START + 2);
  for (const domain of domains.slice(100)) store.touchPolicy(domain, START + 1);
  assertEquals(noted(), 150);
});

Deno.test("listPolicies() goes on when policies change meanwhile", () => {
  using bench = new Bench();
  const store = bench.open();
  const domains = Array.from({ length: 1200 }, (_, index) => `d${index}.example`);
  putAll(store, domains.map((domain, index) => policyOf(domain, { fetchedAt: START + index })));
  const seen = new Set<string>();
  for (const { domain } of listed((query) => store.listPolicies(query))) {
    seen.add(domain);
    if (seen.size === 1) store.putPolicy(policyOf("d1.example", { fetchedAt: START + DAY }));
    if (seen.size === 2) store.remove("d999.example");
  }
  assertEquals(seen.size, 1199);
});

Deno.test("prune() drops what nobody can use any more, and gives space back", () => {
  using bench = new Bench();
  const store = bench.open();
  const long = textOf(10) + `x: ${"y".repeat(4000)}\r\n`;
  putAll(
    store,
    Array.from({ length: 500 }, (_, index) => policyOf(`d${index}.example`, { text: long })),
  );
  store.putPolicy(policyOf("valid.example"));
  store.putFailure(failureOf("old.example"));
  store.putFailure(failureOf("recent.example", { retryAt: START + DAY }));
  store.putMx({ nextHop: "old.example", json: "{}", checkedAt: START });
  store.putMx({ nextHop: "recent.example", json: "{}", checkedAt: START + DAY });
  bench.now += 120 * SECOND;
  store.flush();
  const before = Deno.statSync(bench.path).size;
  assertEquals(store.prune(START + 10 * SECOND - 1), 0);
  // A few at a time, so that no query waits for long.
  const pruned = Array.from({ length: 6 }, () => store.prune(START + 10 * SECOND));
  assertEquals(pruned, [100, 100, 100, 100, 100, 0]);
  assertEquals(store.count(), 1);
  assertEquals(store.prune(START + DAY + 300 * SECOND), 1);
  assertEquals(store.getFailure("old.example"), undefined);
  assertEquals(store.getFailure("recent.example")?.domain, "recent.example");
  assertEquals(store.prune(START + 7 * DAY), 3);
  assertEquals(store.getMx("old.example"), undefined);
  assertEquals(store.getMx("recent.example")?.nextHop, "recent.example");
  store.close();
  assert(Deno.statSync(bench.path).size < before / 4);
});

Deno.test("flush() copies the WAL to the file, so that it does not grow", () => {
  using bench = new Bench();
  const store = bench.open();
  const text = textOf(604800) + `x: ${"y".repeat(3000)}\r\n`;
  let largest = 0;
  for (let index = 0; index < 3000; index++) {
    store.putPolicy(policyOf(`d${index}.example`, { text }));
    if (index % 100 === 0) store.flush();
    largest = Math.max(largest, Deno.statSync(`${bench.path}-wal`).size);
  }
  assert(largest < 16 * 1024 ** 2, `${largest} octets`);
});

Deno.test("flush() copies even a little to the file within a minute, for fear of a power cut", () => {
  using bench = new Bench();
  const store = bench.open();
  store.putPolicy(policyOf("a.example"));
  const stored = () => new TextDecoder("latin1").decode(Deno.readFileSync(bench.path));
  bench.now += 59 * SECOND;
  store.flush();
  assert(!stored().includes("a.example"));
  bench.now += SECOND;
  store.flush();
  assertStringIncludes(stored(), "a.example");
});

Deno.test("a row that cannot be believed counts as absent, is logged once and makes room", () => {
  using bench = new Bench();
  bench.prepare((store) => {
    for (const name of ["id", "text", "time", "good"]) store.putPolicy(policyOf(`${name}.example`));
    store.putFailure(failureOf("f.example"));
    store.putMx({ nextHop: "m.example", json: "{}", checkedAt: START });
  });
  {
    using other = bench.database();
    other.exec("UPDATE policies SET id = 'not an id' WHERE domain = 'id.example'");
    other.exec("UPDATE policies SET text = zeroblob(70000) WHERE domain = 'text.example'");
    other.exec("UPDATE policies SET fetched_at = 9e99 WHERE domain = 'time.example'");
    other.exec("UPDATE failures SET count = 1.5");
    other.exec("UPDATE mx SET checked_at = -1");
  }
  const store = bench.open();
  for (const name of ["id", "text", "time"]) {
    assertEquals(stored(store, `${name}.example`), undefined, name);
  }
  assertEquals(store.getFailure("f.example"), undefined);
  assertEquals(store.getMx("m.example"), undefined);
  assertEquals(domainsOf(listed((query) => store.listPolicies(query))), ["good.example"]);
  assertEquals(store.count(), 1);
  assertEquals(bench.errors("row"), 5);
  assertEquals(bench.events(), ["warn cache row not believed"]);
  assertEquals(store.health(), { kind: "ok" });
  store.putPolicy(policyOf("time.example"));
  assertEquals(stored(store, "time.example"), policyOf("time.example"));
});

Deno.test("putPolicy() refuses what could not be read back", () => {
  using bench = new Bench();
  const store = bench.open();
  store.putPolicy(policyOf("b.example", { fetchedAt: NaN }));
  store.putFailure(failureOf("c.example", { reason: "" }));
  store.putMx({ nextHop: "d.example", json: "x".repeat(100_000), checkedAt: START });
  assertEquals([store.count(), bench.errors("row")], [0, 3]);
  assertEquals(store.health(), { kind: "ok" });
});

Deno.test("a clock set back while stopped changes nothing in the file, and the time goes on from there", () => {
  using bench = new Bench();
  bench.now = START + 30 * DAY;
  const policy = policyOf("alive.example", { fetchedAt: bench.now, refreshAt: bench.now + DAY });
  const failure = failureOf("f.example", { failedAt: bench.now, retryAt: bench.now + 5 });
  const mx = { nextHop: "m.example", json: "{}", checkedAt: bench.now };
  bench.prepare((store) => {
    store.putPolicy(policy);
    store.putFailure(failure);
    store.putMx(mx);
  });
  const seen: number[] = [];
  bench.now = Date.UTC(2025, 5, 1);
  const store = bench.open({
    onLastSeen: (time) => {
      seen.push(time);
      bench.now = Math.max(bench.now, time);
    },
  });
  assertEquals(seen, [START + 30 * DAY]);
  assertEquals(stored(store, "alive.example"), policy);
  assertEquals(store.getFailure("f.example"), failure);
  assertEquals(store.getMx("m.example"), mx);
  store.flush();
  using other = bench.database();
  const row = other.prepare("SELECT fetched_at, refresh_at, expires_at FROM policies").get();
  assertEquals(Object.values(row ?? {}), [
    policy.fetchedAt,
    policy.refreshAt,
    policy.fetchedAt + 7 * DAY,
  ]);
  assertEquals(bench.lines, []);
});

Deno.test("the last time seen is told once, not of a file that is put in place later", () => {
  using bench = new Bench();
  using elsewhere = new Bench();
  elsewhere.now = START + 1000 * DAY;
  elsewhere.prepare(() => {});
  const seen: number[] = [];
  const store = bench.open({ onLastSeen: (time) => seen.push(time) });
  Deno.renameSync(elsewhere.path, bench.path);
  store.flush();
  assertEquals(seen, []);
});

Deno.test("only time that has proved right is noted in the file", () => {
  using bench = new Bench();
  bench.prepare(() => {});
  bench.now = START + 365 * DAY;
  const store = bench.open({ proven: () => START + SECOND });
  store.putPolicy(policyOf("a.example", { fetchedAt: bench.now }));
  store.close();
  const seen: number[] = [];
  bench.open({ onLastSeen: (time) => seen.push(time) });
  assertEquals(seen, [START + SECOND]);
});

Deno.test("a row from the future counts as written now, is due at once and gives way to a new fetch", () => {
  using bench = new Bench();
  bench.now = START + 365 * DAY;
  bench.prepare((store) => {
    store.putPolicy(policyOf("a.example", {
      fetchedAt: bench.now,
      lastUsedAt: bench.now,
      refreshAt: bench.now + DAY,
    }));
    store.putFailure(failureOf("f.example", { failedAt: bench.now, retryAt: bench.now + 5 }));
    store.putMx({ nextHop: "m.example", json: "{}", checkedAt: bench.now });
  });
  bench.now = START;
  const store = bench.open();
  const now = policyOf("a.example", { refreshAt: START });
  assertEquals(stored(store, "a.example"), now);
  assertEquals([...listed((query) => store.listPolicies(query))], [now]);
  assertEquals(store.getFailure("f.example"), failureOf("f.example", { retryAt: START + 5 }));
  assertEquals(store.getMx("m.example")?.checkedAt, START);
  const due = { due: START, alive: START, farthest: START + 2 * DAY, usedSince: 0, limit: 10 };
  assertEquals(store.listDue(due), ["a.example"]);
  const fresh = policyOf("a.example", { id: "new", fetchedAt: START + 1 });
  store.putPolicy(fresh);
  assertEquals(stored(store, "a.example"), fresh);
  assertEquals(store.listDue(due), []);
  bench.now = START + 6 * DAY;
  assertEquals(stored(store, "a.example")?.expiresAt, START + 1 + 7 * DAY);
});

Deno.test("the time is noted in the file once a minute", () => {
  using bench = new Bench();
  const store = bench.open();
  bench.now += DAY;
  store.flush();
  using other = bench.database();
  assertEquals(other.prepare("SELECT last_seen FROM clock").get()?.last_seen, START + DAY);
  bench.now += 59 * SECOND;
  store.flush();
  assertEquals(other.prepare("SELECT last_seen FROM clock").get()?.last_seen, START + DAY);
  bench.now += SECOND;
  store.flush();
  assertEquals(
    other.prepare("SELECT last_seen FROM clock").get()?.last_seen,
    START + DAY + 60 * SECOND,
  );
});
