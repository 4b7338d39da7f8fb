import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { describeFault, FAULT_KINDS, faultKind, FileFault } from "../../src/sqlite/fault.ts";

/** The error that `action` throws. */
function errorOf(action: () => unknown): unknown {
  return assertThrows(action);
}

Deno.test("faultKind() reads SQLite's result codes, refined ones included", () => {
  const cases: [number, string][] = [
    [5, "busy"],
    [261, "busy"], // SQLITE_BUSY_RECOVERY
    [6, "busy"],
    [8, "readonly"],
    [1032, "readonly"], // SQLITE_READONLY_DBMOVED
    [10, "io"],
    [522, "io"], // SQLITE_IOERR_SHORT_READ
    [11, "corrupt"],
    [26, "corrupt"],
    [13, "full"],
    [14, "open"],
    [1, "other"],
    [1555, "other"], // SQLITE_CONSTRAINT_PRIMARYKEY
  ];
  for (const [errcode, kind] of cases) {
    const error = Object.assign(new Error("x"), { code: "ERR_SQLITE_ERROR", errcode });
    assertEquals(faultKind(error), kind, String(errcode));
  }
});

Deno.test("faultKind() knows what node:sqlite and Deno really throw", () => {
  const directory = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${directory}/garbage`, "no database ".repeat(1000));
    const inGarbage = errorOf(() => {
      const database = new DatabaseSync(`${directory}/garbage`);
      try {
        database.prepare("PRAGMA user_version").get();
      } finally {
        database.close();
      }
    });
    assertEquals(faultKind(inGarbage), "corrupt");
    assertEquals(faultKind(errorOf(() => new DatabaseSync(`${directory}/no/where`))), "open");
    const tooBig = errorOf(() => {
      const database = new DatabaseSync(":memory:");
      try {
        database.prepare("SELECT 9007199254740993").get();
      } finally {
        database.close();
      }
    });
    assertEquals(faultKind(tooBig), "corrupt");
    assertEquals(faultKind(errorOf(() => Deno.statSync(`${directory}/nothing`))), "open");
    assertEquals(faultKind(errorOf(() => Deno.mkdirSync(`${directory}/garbage/x`))), "open");
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("faultKind() takes everything else for our mistake", () => {
  for (const error of [new TypeError("x"), "x", null, undefined]) {
    assertEquals(faultKind(error), "other");
  }
});

Deno.test("describeFault() gives one line with the file and the repair for every kind", () => {
  for (const errcode of [5, 8, 10, 11, 13, 14, 1]) {
    const error = Object.assign(new Error("what it is"), { errcode });
    const text = describeFault("/var/cache.db", error);
    assert(/^\/var\/cache\.db: what it is: [a-z ,]+$/.test(text), text);
  }
  assertEquals(describeFault("/x", new FileFault("foreign", "/x is theirs")), "/x is theirs");
});

Deno.test("FAULT_KINDS has no word twice", () => {
  assertEquals(new Set(FAULT_KINDS).size, FAULT_KINDS.length);
});
