import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Bench, DAY, domainsOf, failureOf, policyOf, SECOND, START, textOf } from "./harness.ts";

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
  assertEquals(store.getPolicy("a.example"), expected);
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

Deno.test("putPolicies() stores many at once", () => {
  using bench = new Bench();
  const store = bench.open();
  const domains = Array.from({ length: 2000 }, (_, index) => `d${index}.example`);
  assert(store.putPolicies(domains.map((domain) => policyOf(domain))));
  assertEquals(store.count(), 2000);
  assertEquals(domainsOf(store.listPolicies()), domains);
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
  assertEquals(one.getPolicy("a.example")?.id, "new");
  other.putPolicy(policyOf("a.example", { id: "newest", fetchedAt: START + 3 }));
  assertEquals(one.getPolicy("a.example")?.id, "newest");
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
  assertEquals(other.getPolicy("a.example")?.lastUsedAt, START + 9);
});

Deno.test("touchPolicy() notes no more uses for one flush than it writes in a moment", () => {
  using bench = new Bench();
  const store = bench.open();
  const domains = Array.from({ length: 150 }, (_, index) => `d${index}.example`);
  store.putPolicies(domains.map((domain) => policyOf(domain)));
  const noted = () => domains.filter((name) => store.getPolicy(name)!.lastUsedAt > START).length;
  for (const domain of domains) store.touchPolicy(domain, START + 1);
  store.deferRefresh("d149.example", START + 2);
  assertEquals(noted(), 100);
  store.flush();
  assertEquals(noted(), 100);
  assertEquals(store.getPolicy("d149.example")?.refreshAt, START + 2);
  for (const domain of domains.slice(100)) store.touchPolicy(domain, START + 1);
  assertEquals(noted(), 150);
});

Deno.test("listPolicies() goes on when policies change meanwhile", () => {
  using bench = new Bench();
  const store = bench.open();
  const domains = Array.from({ length: 1200 }, (_, index) => `d${index}.example`);
  store.putPolicies(domains.map((domain, index) => policyOf(domain, { fetchedAt: START + index })));
  const seen = new Set<string>();
  for (const { domain } of store.listPolicies()) {
    seen.add(domain);
    if (seen.size === 1) store.putPolicy(policyOf("d1.example", { fetchedAt: START + DAY }));
    if (seen.size === 2) store.remove("d1100.example");
  }
  assertEquals(seen.size, 1199);
});

Deno.test("prune() drops what nobody can use any more, and gives space back", () => {
  using bench = new Bench();
  const store = bench.open();
  const long = textOf(10) + `x: ${"y".repeat(4000)}\r\n`;
  store.putPolicies(
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
    assertEquals(store.getPolicy(`${name}.example`), undefined, name);
  }
  assertEquals(store.getFailure("f.example"), undefined);
  assertEquals(store.getMx("m.example"), undefined);
  assertEquals(domainsOf(store.listPolicies()), ["good.example"]);
  assertEquals(store.count(), 1);
  assertEquals(bench.errors("row"), 5);
  assertEquals(bench.events(), ["warn cache row not believed"]);
  assertEquals(store.health(), { kind: "ok" });
  store.putPolicy(policyOf("time.example"));
  assertEquals(store.getPolicy("time.example"), policyOf("time.example"));
});

Deno.test("putPolicy() refuses what could not be read back", () => {
  using bench = new Bench();
  const store = bench.open();
  store.putPolicy(policyOf("a.example", { text: "no policy" }));
  store.putPolicy(policyOf("b.example", { fetchedAt: NaN }));
  store.putFailure(failureOf("c.example", { reason: "" }));
  store.putMx({ nextHop: "d.example", json: "x".repeat(100_000), checkedAt: START });
  assertEquals([store.count(), bench.errors("row")], [0, 4]);
  assertEquals(store.health(), { kind: "ok" });
});

Deno.test("a clock set back while stopped changes no age", () => {
  using bench = new Bench();
  bench.now = START + 30 * DAY;
  bench.prepare((store) => {
    const times = { lastUsedAt: bench.now - 5, refreshAt: bench.now + DAY };
    store.putPolicy(policyOf("alive.example", { ...times, fetchedAt: bench.now - 6 * DAY }));
    store.putPolicy(policyOf("expired.example", { ...times, fetchedAt: bench.now - 8 * DAY }));
    store.putFailure(failureOf("f.example", { failedAt: bench.now, retryAt: bench.now + 5 }));
    store.putMx({ nextHop: "m.example", json: "{}", checkedAt: bench.now });
  });
  bench.now = START;
  const store = bench.open();
  assertEquals(
    store.getPolicy("alive.example"),
    policyOf("alive.example", {
      fetchedAt: START - 6 * DAY,
      lastUsedAt: START - 5,
      refreshAt: START + DAY,
    }),
  );
  assertEquals(store.getFailure("f.example")?.retryAt, START + 5);
  assertEquals(store.getMx("m.example"), undefined);
  assertEquals(bench.lines, [
    `warn clock set back, ages in the cache file kept {"file":"${bench.path}","seconds":${
      30 * 86400
    }}`,
  ]);
  assertEquals(store.prune(START), 1);
  assertEquals(domainsOf(store.listPolicies()), ["alive.example"]);
  // Once is enough: the file now lives in the new time.
  store.close();
  bench.open().close();
  assertEquals(bench.lines.length, 1);
});

Deno.test("a clock set back is noticed within a minute of the last flush before a kill", () => {
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

Deno.test("a clock that is slewed, went forward or is not set yet shifts nothing", () => {
  using bench = new Bench();
  bench.prepare((store) => store.putPolicy(policyOf("a.example")));
  for (const now of [START - 4 * SECOND, START + DAY, Date.UTC(1970, 0, 2), START + DAY]) {
    bench.now = now;
    const store = bench.open();
    assertEquals(store.getPolicy("a.example")?.fetchedAt, START, new Date(now).toISOString());
    store.close();
  }
  assertEquals(bench.lines, []);
});
