/** A second store on the keeper: one table, none of the cache's. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { createMetrics } from "../../src/base/metrics.ts";
import { FileFault } from "../../src/sqlite/fault.ts";
import { FileKeeper } from "../../src/sqlite/file_keeper.ts";
import type { FileFormat } from "../../src/sqlite/format.ts";
import { salvageRows } from "../../src/sqlite/salvage.ts";
import { SqliteFile } from "../../src/sqlite/sqlite_file.ts";
import { Bench } from "../cache/harness.ts";

const FORMAT: FileFormat = {
  applicationId: 7,
  migrations: [["CREATE TABLE words (word TEXT PRIMARY KEY)"]],
};

const SELECT = "SELECT rowid, word FROM words";

class WordFile extends SqliteFile {
  constructor(path: string) {
    const limits = { maxFileOctets: 1024 ** 2, allowUnsafeDirectory: false };
    super(path, { ...limits, format: FORMAT, now: () => 0 });
  }

  add(word: string): void {
    this.run("INSERT OR REPLACE INTO words VALUES (?)", word);
  }

  words(): string[] {
    const all = (text: string, ...values: (string | number)[]) => this.prepare(text).all(...values);
    return Array.from(
      salvageRows((text, ...values) => all(text, ...values as number[]), SELECT),
      ({ word }) => String(word),
    );
  }
}

/** A keeper, and what it has logged. */
function keeperOf(bench: Bench): { keeper: FileKeeper<WordFile>; lines: string[] } & Disposable {
  const lines: string[] = [];
  const write = (event: string, fields = {}) => void lines.push(`${event} ${Object.keys(fields)}`);
  const log = { debug: write, info: write, warn: write, error: write, enabled: () => true };
  const keeper = new FileKeeper<WordFile>({
    path: bench.path,
    names: { file: "word list", contents: "words" },
    log,
    errors: createMetrics().counter("errors_total", "", ["kind"]),
    now: () => bench.now,
    open: () => new WordFile(bench.path),
    takeOver(old, fresh) {
      const words = old.words();
      for (const word of words) fresh.add(word);
      return words.length;
    },
    note: (file) => file.add("noted"),
    onOpened: (file) => file.write(() => file.add("opened")),
    onReopened: () => void lines.push("reopened"),
  });
  return { keeper, lines, [Symbol.dispose]: () => keeper.close() };
}

Deno.test("FileKeeper keeps a file of any store, and names it in the log", () => {
  using bench = new Bench();
  using kept = keeperOf(bench);
  const { keeper, lines } = kept;
  assertEquals(keeper.read((file) => file.words()), {
    kind: "unavailable",
    reason: "word list unusable (open)",
  });
  assert(keeper.settle());
  assert(keeper.write((file) => file.add("one")));
  assertEquals(keeper.read((file) => file.words().sort()), {
    kind: "read",
    value: ["noted", "one", "opened"],
  });
  assertEquals(lines, ["reopened"]);
  Deno.removeSync(bench.path);
  Deno.mkdirSync(bench.path, { mode: 0o700 });
  assert(!keeper.settle());
  assertEquals(keeper.error, `${bench.path} is not a file: name another`);
  Deno.removeSync(bench.path);
  assert(keeper.settle());
  assertEquals(keeper.error, undefined);
  assertEquals(lines.slice(1), [
    "word list unusable, working from memory kind,error",
    "word list replaced, words taken over file,words",
    "word list usable again file",
    "reopened",
  ]);
  assertEquals(new WordFile(bench.path).words().sort(), ["noted", "one", "opened"]);
});

Deno.test("SqliteFile refuses the file of another store", () => {
  using bench = new Bench();
  bench.prepare(() => {});
  const error = assertThrows(() => new WordFile(bench.path), FileFault);
  assertEquals(error.kind, "foreign");
});

Deno.test("SqliteFile.write() notes in the index how far its own write goes", () => {
  using bench = new Bench();
  const file = new WordFile(bench.path);
  // The read marks of the index (https://www.sqlite.org/walformat.html §2.1); the first write fills them.
  const marks = () => Deno.readFileSync(`${bench.path}-shm`).slice(100, 120).join();
  file.write(() => file.add("one"));
  const before = marks();
  file.write(() => file.add("two"));
  const after = marks();
  assert(after !== before);
  file.words();
  assertEquals(marks(), after, "a read changes nothing more");
  file.close();
});

Deno.test("a step that was taken sets the application id and the version of the format", () => {
  using bench = new Bench();
  new WordFile(bench.path).close();
  using database = new DatabaseSync(bench.path);
  assertEquals(database.prepare("PRAGMA application_id").get()?.application_id, 7);
  assertEquals(database.prepare("PRAGMA user_version").get()?.user_version, 1);
});
