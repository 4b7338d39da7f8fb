import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { checkDirectory, identify, prepareFile, setAside } from "../../src/sqlite/file_path.ts";
import { FileFault } from "../../src/sqlite/fault.ts";
import { Bench, START } from "../cache/harness.ts";

const STRICT = { allowUnsafe: false };

/** Permission bits of a file. */
function modeOf(path: string): number {
  return (Deno.statSync(path).mode ?? 0) & 0o7777;
}

/** The kind and message of the fault that `prepareFile` finds. */
function doubt(path: string): string {
  const error = assertThrows(() => prepareFile(path, STRICT), FileFault);
  assertEquals(error.kind, "unsafe");
  return error.message;
}

Deno.test("checkDirectory() refuses a directory that others can write, sticky or not", () => {
  using bench = new Bench();
  assertEquals(checkDirectory(bench.path), undefined);
  for (const mode of [0o770, 0o707, 0o777, 0o1777, 0o720]) {
    Deno.chmodSync(bench.directory, mode);
    const reason = checkDirectory(bench.path) ?? "";
    assertStringIncludes(reason, `${bench.directory} can be written by others`);
    assertStringIncludes(reason, mode.toString(8));
    assertEquals(doubt(bench.path), reason);
    prepareFile(`${bench.path}.${mode}`, { allowUnsafe: true });
  }
  for (const mode of [0o700, 0o755, 0o750]) {
    Deno.chmodSync(bench.directory, mode);
    assertEquals(checkDirectory(bench.path), undefined);
  }
});

Deno.test("checkDirectory() takes a missing directory, and names what is no directory", () => {
  using bench = new Bench();
  assertEquals(checkDirectory(`${bench.directory}/a/b/cache.db`), undefined);
  Deno.writeTextFileSync(`${bench.directory}/file`, "");
  assertStringIncludes(
    checkDirectory(`${bench.directory}/file/cache.db`) ?? "",
    "file is not a directory",
  );
  assertStringIncludes(checkDirectory(`${bench.directory}/file/x/cache.db`) ?? "", "file/x");
});

Deno.test("while another process creates the file, nothing beside it is taken away", () => {
  using bench = new Bench();
  using directory = Deno.openSync(bench.directory);
  directory.lockSync(true);
  Deno.writeTextFileSync(`${bench.path}-wal`, "of the other process");
  const error = assertThrows(() => prepareFile(bench.path, STRICT), FileFault);
  assertEquals([error.kind, error.message], [
    "busy",
    `${bench.path} is being created by another process`,
  ]);
  assertEquals(Deno.readTextFileSync(`${bench.path}-wal`), "of the other process");
  directory.unlockSync();
  prepareFile(bench.path, STRICT);
  assertThrows(() => Deno.statSync(`${bench.path}-wal`), Deno.errors.NotFound);
});

Deno.test({
  name: "checkDirectory() refuses the directory of another user",
  // Only root can give a directory away.
  ignore: Deno.uid() !== 0,
  fn() {
    using bench = new Bench();
    Deno.chownSync(bench.directory, 12345, 12345);
    assertStringIncludes(checkDirectory(bench.path) ?? "", "belongs to another user (12345)");
    Deno.chownSync(bench.directory, 0, 0);
    prepareFile(bench.path, STRICT);
    Deno.chownSync(bench.path, 12345, 12345);
    assertStringIncludes(doubt(bench.path), "belongs to another user (12345)");
  },
});

Deno.test("prepareFile() makes a private file and private directories", () => {
  using bench = new Bench();
  const path = `${bench.directory}/var/lib/cache.db`;
  prepareFile(path, STRICT);
  assertEquals(modeOf(path), 0o600);
  assertEquals(modeOf(`${bench.directory}/var/lib`), 0o700);
  assertEquals(modeOf(`${bench.directory}/var`), 0o700);
  prepareFile(path, STRICT);
});

Deno.test("prepareFile() refuses a file that others can write, and what is no file", () => {
  using bench = new Bench();
  prepareFile(bench.path, STRICT);
  Deno.chmodSync(bench.path, 0o660);
  assertStringIncludes(doubt(bench.path), "cache.db can be written by others (mode 0660)");
  prepareFile(bench.path, { allowUnsafe: true });
  Deno.symlinkSync(bench.path, `${bench.directory}/link.db`);
  assertStringIncludes(doubt(`${bench.directory}/link.db`), "is not a file");
  Deno.mkdirSync(`${bench.directory}/directory.db`, { mode: 0o700 });
  assertStringIncludes(doubt(`${bench.directory}/directory.db`), "is not a file");
});

Deno.test("prepareFile() clears away the companions of a removed file, and no others", () => {
  using bench = new Bench();
  Deno.writeTextFileSync(`${bench.path}-wal`, "old");
  Deno.writeTextFileSync(`${bench.path}-shm`, "old");
  Deno.writeTextFileSync(`${bench.path}x`, "other");
  prepareFile(bench.path, STRICT);
  assertEquals(bench.files(), ["cache.db", "cache.dbx"]);
  Deno.writeTextFileSync(`${bench.path}-wal`, "in use");
  prepareFile(bench.path, STRICT);
  assertEquals(bench.files(), ["cache.db", "cache.db-wal", "cache.dbx"]);
});

Deno.test("setAside() renames a file with its companions and keeps the last two", () => {
  using bench = new Bench();
  for (let round = 0; round < 4; round++) {
    Deno.writeTextFileSync(bench.path, `file ${round}`);
    Deno.writeTextFileSync(`${bench.path}-wal`, `wal ${round}`);
    setAside(bench.path, START + round * 1000);
  }
  assertEquals(bench.files(), [
    "cache.db.corrupt-2026-01-01T000002.000Z",
    "cache.db.corrupt-2026-01-01T000002.000Z-wal",
    "cache.db.corrupt-2026-01-01T000003.000Z",
    "cache.db.corrupt-2026-01-01T000003.000Z-wal",
  ]);
  assertThrows(() => setAside(bench.path, START), Deno.errors.NotFound);
});

Deno.test("identify() tells files of one name apart", () => {
  using bench = new Bench();
  assertEquals(identify(bench.path), undefined);
  Deno.writeTextFileSync(bench.path, "one");
  const one = identify(bench.path);
  Deno.renameSync(bench.path, `${bench.path}.kept`);
  Deno.writeTextFileSync(bench.path, "other");
  assert(one?.ino !== identify(bench.path)?.ino);
  assertEquals(identify(`${bench.path}.kept`), one);
});
