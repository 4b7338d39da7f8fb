/** No state of the file stops the store or loses what memory holds. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { SqliteStore } from "../../src/cache/sqlite_store.ts";
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

const UNUSABLE = "error cache file unusable, working from memory";
const USABLE = "info cache file usable again";
const ASIDE = "error cache file corrupt, set aside";
const TAKEN_OVER = "warn cache file replaced, policies taken over";

/** Lets the longest wait between repairs pass, and repairs. */
function repair(bench: Bench, store: SqliteStore): void {
  bench.now += 60 * SECOND;
  store.flush();
}

function errorOf(store: SqliteStore): string {
  const health = store.health();
  return health.kind === "degraded" ? health.error : health.kind;
}

/** Domains of a thousand policies, enough for many pages. */
const MANY = Array.from({ length: 1000 }, (_, index) => `d${index}.example`);

function fill(store: SqliteStore): void {
  putAll(store, MANY.map((domain, index) => policyOf(domain, { fetchedAt: START + index })));
}

/** Whether a file can be made one that even root cannot write. */
function canBeImmutable(): boolean {
  using bench = new Bench();
  Deno.writeTextFileSync(bench.path, "");
  return changeAttribute("+i", bench.path) && changeAttribute("-i", bench.path);
}

function changeAttribute(attribute: string, ...paths: string[]): boolean {
  try {
    return new Deno.Command("chattr", { args: [attribute, ...paths], stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "a file that can no longer be written is read, and written when it can be again",
  ignore: !canBeImmutable(),
  fn() {
    using bench = new Bench();
    const store = bench.open();
    store.putPolicy(policyOf("a.example"));
    {
      using database = bench.database();
      // The next write then begins with the index of the WAL, which SQLite has mapped into memory.
      database.prepare("PRAGMA wal_checkpoint(PASSIVE)").all();
    }
    const parts = ["", "-wal", "-shm"].map((suffix) => bench.path + suffix);
    new Deno.Command("sync", { args: parts }).outputSync();
    changeAttribute("+i", ...parts);
    try {
      store.putPolicy(policyOf("b.example"));
      repair(bench, store);
      assertEquals(errorOf(store), `${bench.path} cannot be written: make it writable`);
      assertEquals(domainsOf(listed((query) => store.listPolicies(query))), [
        "a.example",
        "b.example",
      ]);
    } finally {
      changeAttribute("-i", ...parts);
    }
    repair(bench, store);
    assertEquals(bench.events(), [UNUSABLE, USABLE]);
    using database = bench.database();
    assertEquals(database.prepare("SELECT count(*) AS rows FROM policies").get()?.rows, 2);
  },
});

Deno.test("a file that is garbage from the start is set aside", () => {
  using bench = new Bench();
  Deno.writeTextFileSync(bench.path, "this is no database. ".repeat(1000), { mode: 0o600 });
  const store = bench.open();
  store.putPolicy(policyOf("a.example"));
  assertEquals(store.health(), { kind: "ok" });
  assertEquals(bench.events(), [ASIDE]);
  assertMatch(bench.lines[0] ?? "", /"aside":"[^"]*cache\.db\.corrupt-2026-01-01T000000\.000Z"/);
  assertEquals(bench.errors("corrupt"), 1);
  assertStringIncludes(
    Deno.readTextFileSync(`${bench.path}.corrupt-2026-01-01T000000.000Z`),
    "this is no database",
  );
  store.close();
  assertEquals(stored(bench.open(), "a.example"), policyOf("a.example"));
});

Deno.test("a file with a damaged header, or cut short, is set aside when that is found", () => {
  for (const damage of ["header", "schema", "cut", "empty"]) {
    using bench = new Bench();
    bench.prepare(fill);
    if (damage === "header") bench.damage(0, 16);
    if (damage === "schema") bench.damage(100, 2000);
    if (damage === "cut") Deno.truncateSync(bench.path, 6000);
    if (damage === "empty") Deno.truncateSync(bench.path, 0);
    const store = bench.open();
    for (const domain of MANY) stored(store, domain);
    store.putPolicy(policyOf("a.example"));
    store.flush();
    assertEquals(store.health(), { kind: "ok" }, damage);
    assertEquals(stored(store, "a.example"), policyOf("a.example"));
    // An empty file is a new one to SQLite.
    assertEquals(bench.events()[0], damage === "empty" ? undefined : ASIDE, damage);
    store.close();
    bench.lines.length = 0;
    assertEquals(stored(bench.open(), "a.example"), policyOf("a.example"));
    assertEquals(bench.lines, []);
  }
});

Deno.test("garbage amid the pages costs the rows on them, not those before and behind", () => {
  using bench = new Bench();
  bench.prepare(fill);
  const pages = Deno.statSync(bench.path).size / 4096;
  bench.damage(Math.floor(pages / 2) * 4096, 2 * 4096);
  const store = bench.open();
  const kinds = MANY.map((domain) => store.getPolicy(domain).kind);
  assert(!kinds.includes("absent"), "what cannot be read may be there");
  const readable = MANY.filter((_, index) => kinds[index] === "found");
  assert(readable.length > 900 && readable.length < 1000, `${readable.length} readable`);
  assertEquals(bench.events(), [ASIDE]);
  assertEquals(store.health(), { kind: "ok" }, "the next flush is about to repair it");
  store.putPolicy(policyOf("pending.example"));
  store.flush();
  assertEquals(bench.events(), [ASIDE, TAKEN_OVER]);
  assertEquals(readable.filter((domain) => stored(store, domain) === undefined), []);
  assertEquals(stored(store, "pending.example"), policyOf("pending.example"));
  store.close();
  const again = bench.open();
  assertEquals(again.count(), readable.length + 1);
  assertEquals(domainsOf(listed((query) => again.listPolicies(query))).length, readable.length + 1);
});

Deno.test("garbage written over the file while it is open is survived", () => {
  using bench = new Bench();
  const store = bench.open();
  fill(store);
  bench.now += DAY;
  store.flush();
  bench.damage(0, Deno.statSync(bench.path).size);
  for (const domain of MANY) store.getPolicy(domain);
  store.putPolicy(policyOf("a.example", { fetchedAt: START + DAY }));
  repair(bench, store);
  repair(bench, store);
  assertEquals(store.health(), { kind: "ok" });
  assertEquals(stored(store, "a.example")?.fetchedAt, START + DAY);
  store.close();
  bench.lines.length = 0;
  assertEquals(stored(bench.open(), "a.example")?.fetchedAt, START + DAY);
  assertEquals(bench.lines, []);
});

Deno.test("a WAL that is garbage or of another file does not matter", () => {
  using bench = new Bench();
  bench.prepare(fill);
  Deno.writeTextFileSync(`${bench.path}-wal`, "garbage ".repeat(5000), { mode: 0o600 });
  Deno.writeTextFileSync(`${bench.path}-shm`, "garbage ".repeat(5000), { mode: 0o600 });
  const store = bench.open();
  assertEquals(store.count(), 1000);
  store.putPolicy(policyOf("a.example"));
  store.close();
  Deno.removeSync(bench.path);
  Deno.writeTextFileSync(`${bench.path}-wal`, "garbage ".repeat(5000), { mode: 0o600 });
  assertEquals(bench.open().count(), 0);
  assertEquals(bench.lines, []);
});

Deno.test("a file removed while open is written anew with all that was in it", () => {
  for (const names of [["cache.db"], ["cache.db", "cache.db-wal", "cache.db-shm"]]) {
    using bench = new Bench();
    const store = bench.open();
    fill(store);
    for (const name of names) Deno.removeSync(`${bench.directory}/${name}`);
    assertEquals(stored(store, "d7.example")?.domain, "d7.example");
    store.putPolicy(policyOf("between.example"));
    store.flush();
    assertEquals(bench.events(), [TAKEN_OVER]);
    assertEquals(store.count(), 1001);
    store.putPolicy(policyOf("after.example"));
    store.close();
    const again = bench.open();
    assertEquals(again.count(), 1002);
    assertEquals(stored(again, "between.example"), policyOf("between.example"));
    assertEquals(bench.files(), ["cache.db", "cache.db-shm", "cache.db-wal"]);
  }
});

Deno.test("with the policies of a removed file go what failed and what is known of MX hosts", () => {
  using bench = new Bench();
  const store = bench.open();
  const mx = [
    { nextHop: "d.example", json: '{"dane":"usable"}', checkedAt: START },
    { nextHop: "[d.example]:587", json: '{"dane":"absent"}', checkedAt: START },
  ];
  store.putPolicy(policyOf("d.example"));
  store.putFailure(failureOf("d.example"));
  mx.forEach((view) => store.putMx(view));
  Deno.removeSync(bench.path);
  store.flush();
  store.close();
  const again = bench.open();
  assertEquals(again.getFailure("d.example"), failureOf("d.example"));
  assertEquals(mx.map(({ nextHop }) => again.getMx(nextHop)), mx);
});

Deno.test("a directory removed while open is made anew", () => {
  using bench = new Bench();
  const path = `${bench.directory}/state/cache.db`;
  const store = bench.open({ path });
  fill(store);
  Deno.removeSync(`${bench.directory}/state`, { recursive: true });
  store.flush();
  store.close();
  assertEquals(bench.open({ path }).count(), 1000);
});

Deno.test("a file replaced by garbage while open is set aside, and nothing is lost", () => {
  using bench = new Bench();
  const store = bench.open();
  fill(store);
  Deno.writeTextFileSync(`${bench.path}.new`, "garbage ".repeat(5000), { mode: 0o600 });
  Deno.renameSync(`${bench.path}.new`, bench.path);
  store.flush();
  assertEquals(bench.events(), [ASIDE, TAKEN_OVER]);
  assertEquals(store.health(), { kind: "ok" });
  store.close();
  assertEquals(bench.open().count(), 1000);
});

Deno.test("a file replaced by another cache is joined with what was there; the newest fetch wins", () => {
  using bench = new Bench();
  using elsewhere = new Bench();
  elsewhere.prepare((store) => {
    store.putPolicy(policyOf("d1.example", { id: "older", fetchedAt: START - DAY }));
    store.putPolicy(policyOf("d2.example", { id: "newer", fetchedAt: START + DAY }));
    store.putPolicy(policyOf("restored.example"));
  });
  const store = bench.open();
  fill(store);
  Deno.copyFileSync(elsewhere.path, `${bench.path}.new`);
  Deno.chmodSync(`${bench.path}.new`, 0o600);
  Deno.renameSync(`${bench.path}.new`, bench.path);
  bench.now += DAY;
  store.flush();
  assertEquals(store.count(), 1001);
  assertEquals(stored(store, "d1.example")?.id, "20260101");
  assertEquals(stored(store, "d2.example")?.id, "newer");
});

Deno.test("a file replaced by a damaged cache is set aside, and nothing is lost", () => {
  using bench = new Bench();
  using elsewhere = new Bench();
  elsewhere.prepare(fill);
  elsewhere.damage(20 * 4096, Deno.statSync(elsewhere.path).size - 20 * 4096);
  const store = bench.open();
  fill(store);
  Deno.copyFileSync(elsewhere.path, `${bench.path}.new`);
  Deno.chmodSync(`${bench.path}.new`, 0o600);
  Deno.renameSync(`${bench.path}.new`, bench.path);
  store.flush();
  assertEquals(stored(store, "d7.example")?.domain, "d7.example");
  repair(bench, store);
  assertEquals(store.health(), { kind: "ok" });
  assertEquals(bench.events(), [ASIDE, UNUSABLE, TAKEN_OVER, USABLE]);
  store.close();
  assertEquals(bench.open().count(), 1000);
});

Deno.test("a file that becomes a directory leaves the store working from memory", () => {
  using bench = new Bench();
  const store = bench.open();
  fill(store);
  Deno.removeSync(bench.path);
  Deno.mkdirSync(bench.path, { mode: 0o700 });
  store.flush();
  assertStringIncludes(errorOf(store), "is not a file");
  store.putPolicy(policyOf("a.example"));
  store.remove("d1.example");
  assertEquals(stored(store, "a.example"), policyOf("a.example"));
  assertEquals(stored(store, "d1.example"), undefined);
  assertEquals(stored(store, "d2.example")?.domain, "d2.example");
  assertEquals(store.count(), 1000);
  for (let round = 0; round < 5; round++) repair(bench, store);
  assertEquals(bench.events(), [UNUSABLE], "said once");
  Deno.removeSync(bench.path);
  repair(bench, store);
  assertEquals(bench.events(), [UNUSABLE, TAKEN_OVER, USABLE]);
  store.close();
  const again = bench.open();
  assertEquals(again.count(), 1000);
  assertEquals(stored(again, "d1.example"), undefined);
});

Deno.test("a database of another program is neither changed nor renamed", () => {
  using bench = new Bench();
  {
    using other = bench.database();
    other.exec("CREATE TABLE sts_policy_cache (domain TEXT PRIMARY KEY, ts INTEGER)");
    other.exec("INSERT INTO sts_policy_cache VALUES ('a.example', 1)");
  }
  Deno.chmodSync(bench.path, 0o600);
  const before = Deno.readFileSync(bench.path);
  const store = bench.open();
  assertEquals(
    errorOf(store),
    `${bench.path} belongs to another program: name another file`,
  );
  store.putPolicy(policyOf("a.example"));
  repair(bench, store);
  assertEquals(stored(store, "a.example"), policyOf("a.example"));
  store.close();
  assertEquals(Deno.readFileSync(bench.path), before);
  assertEquals(bench.files(), ["cache.db"]);
  assertEquals(bench.events(), [UNUSABLE, "error cache writes lost at close"]);
  assertEquals(bench.errors("foreign"), 3);
});

Deno.test("a file of a later version is neither changed nor renamed", () => {
  using bench = new Bench();
  bench.prepare((store) => store.putPolicy(policyOf("a.example")));
  {
    using other = bench.database();
    other.exec("PRAGMA user_version = 2");
  }
  const store = bench.open();
  assertStringIncludes(errorOf(store), "was written by a later version (schema 2, not 1)");
  const reason = "cache file unusable (newer)";
  assertEquals(store.getPolicy("a.example"), { kind: "unavailable", reason });
  store.close();
  assertEquals(bench.events(), [UNUSABLE]);
});

Deno.test("a locked file blocks one write for a moment, and loses none", () => {
  using bench = new Bench();
  const store = bench.open();
  fill(store);
  using other = bench.database();
  other.exec("BEGIN EXCLUSIVE");
  const started = performance.now();
  for (let index = 0; index < 200; index++) {
    store.putPolicy(policyOf(`late${index}.example`));
    store.putFailure(failureOf(`late${index}.example`));
  }
  // One wait of 20 ms, not four hundred.
  assert(performance.now() - started < 1000);
  assertEquals(stored(store, "d7.example")?.domain, "d7.example");
  assertEquals(stored(store, "late7.example"), policyOf("late7.example"));
  assertEquals(store.count(), 1200);
  assertEquals(bench.lines, [], "it may be gone in a moment");
  store.flush();
  assertEquals(bench.events(), [UNUSABLE]);
  assertEquals(
    errorOf(store),
    `${bench.path}: database is locked: end the program that holds the lock`,
  );
  store.clearFailure("late7.example");
  other.exec("ROLLBACK");
  store.flush();
  assertEquals(store.health().kind, "degraded", "not tried again before a second has passed");
  bench.now += SECOND;
  store.flush();
  assertEquals(bench.events(), [UNUSABLE, USABLE]);
  store.close();
  const again = bench.open();
  assertEquals(again.count(), 1200);
  assertEquals(again.getFailure("late7.example"), undefined);
  assertEquals(again.getFailure("late8.example")?.domain, "late8.example");
});

Deno.test("a lock that is gone at the next flush is not worth a word", () => {
  using bench = new Bench();
  const store = bench.open();
  using other = bench.database();
  other.exec("BEGIN IMMEDIATE");
  store.putPolicy(policyOf("a.example"));
  other.exec("COMMIT");
  store.flush();
  assertEquals(bench.lines, []);
  assertEquals(bench.errors("busy"), 1);
  assertEquals(other.prepare("SELECT domain FROM policies").all().length, 1);
});

Deno.test("a file locked by another process at the start is used as soon as it is free", () => {
  using bench = new Bench();
  bench.prepare(fill);
  const other = new DatabaseSync(bench.path);
  other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  const store = bench.open();
  store.putPolicy(policyOf("a.example"));
  assertEquals(stored(store, "a.example"), policyOf("a.example"));
  assertStringIncludes(errorOf(store), "database is locked");
  other.close();
  repair(bench, store);
  assertEquals(store.health(), { kind: "ok" });
  assertEquals(store.count(), 1001);
});

Deno.test("repairs are tried at growing intervals", () => {
  using bench = new Bench();
  Deno.mkdirSync(bench.path);
  const store = bench.open();
  const tried: number[] = [];
  for (let second = 1; second <= 200; second++) {
    bench.now += SECOND;
    const before = bench.errors("unsafe");
    store.flush();
    if (bench.errors("unsafe") > before) tried.push(second);
  }
  assertEquals(tried, [1, 3, 7, 15, 31, 63, 123, 183]);
});

Deno.test("a full file takes no more, keeps serving, and catches up when there is room", () => {
  using bench = new Bench();
  const store = bench.open({ maxFileOctets: 100 * 4096 });
  const text = textOf(604800) + `x: ${"y".repeat(3000)}\r\n`;
  for (const domain of MANY.slice(0, 200)) store.putPolicy(policyOf(domain, { text }));
  store.flush();
  assertEquals(bench.events(), [UNUSABLE]);
  assertStringIncludes(errorOf(store), "database or disk is full: make room for it");
  for (const domain of MANY.slice(0, 200)) {
    assertEquals(stored(store, domain)?.domain, domain);
  }
  assertEquals(store.count(), 200);
  const later = START + 2 * DAY;
  const due = { due: later, alive: later, farthest: later + DAY, usedSince: 0, limit: 500 };
  assertEquals(store.listDue(due).sort(), MANY.slice(0, 200).sort());
  for (const domain of MANY.slice(0, 150)) store.remove(domain);
  assertEquals(store.count(), 50);
  repair(bench, store);
  assertEquals(bench.events(), [UNUSABLE, USABLE]);
  store.close();
  const reopened = bench.open();
  assertEquals(
    domainsOf(listed((query) => reopened.listPolicies(query))),
    MANY.slice(150, 200).sort(),
  );
});

Deno.test("a file that cannot be written is still read, and written once it can be", () => {
  using bench = new Bench();
  bench.prepare(fill);
  // A write version that SQLite does not know makes the file read-only, for root too.
  const setWriteVersion = (version: number) => {
    using file = Deno.openSync(bench.path, { write: true });
    file.seekSync(18, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array([version]));
  };
  setWriteVersion(3);
  const store = bench.open();
  assertStringIncludes(errorOf(store), "make it writable");
  assertEquals(stored(store, "d7.example")?.domain, "d7.example");
  store.putPolicy(policyOf("a.example"));
  setWriteVersion(2);
  repair(bench, store);
  assertEquals(store.health(), { kind: "ok" });
  store.close();
  assertEquals(bench.open().count(), 1001);
});

Deno.test("an unsafe directory leaves the store without its file, unless it is allowed", () => {
  using bench = new Bench();
  Deno.chmodSync(bench.directory, 0o777);
  const store = bench.open();
  store.putPolicy(policyOf("a.example"));
  assertStringIncludes(errorOf(store), "can be written by others (mode 0777): run chmod go-w");
  assertEquals(bench.files(), []);
  const trusting = bench.open({ allowUnsafeDirectory: true });
  assertEquals(trusting.health(), { kind: "ok" });
  Deno.chmodSync(bench.directory, 0o700);
  repair(bench, store);
  assertEquals(store.health(), { kind: "ok" });
  assertEquals(stored(trusting, "a.example"), policyOf("a.example"));
});

Deno.test("corrupt files do not pile up", () => {
  using bench = new Bench();
  for (let round = 0; round < 5; round++) {
    Deno.writeTextFileSync(bench.path, "garbage ".repeat(1000), { mode: 0o600 });
    bench.now += DAY;
    bench.open().close();
  }
  assertEquals(bench.files(), [
    "cache.db",
    "cache.db.corrupt-2026-01-05T000000.000Z",
    "cache.db.corrupt-2026-01-06T000000.000Z",
  ]);
});

Deno.test("two stores survive the loss of their common file with all policies of both", () => {
  using bench = new Bench();
  const [one, other] = [bench.open(), bench.open()];
  fill(one);
  Deno.removeSync(bench.path);
  one.putPolicy(policyOf("one.example"));
  other.putPolicy(policyOf("other.example"));
  one.flush();
  one.putPolicy(policyOf("later.example"));
  other.flush();
  assertEquals(one.count(), 1003);
  assertEquals(other.count(), 1003);
  assertEquals(bench.events(), [TAKEN_OVER, TAKEN_OVER]);
});
