import { assert, assertEquals } from "@std/assert";
import { LAYERS } from "../lint/layers.ts";

const ROOT = new URL("../../", import.meta.url);

/** A path in this repository: in code, or the target of a link. */
const PATH = /(?<=[`(])(?:\.ci|docs|packaging|src|tests|tools)\/[\w./-]*(?=[`)])/g;

/** What stands for all layers of the rows before. */
const ALL = "everything above";

/** ARCHITECTURE.md is short enough to be read. */
const MAX_LINES = 230;

function read(name: string): string {
  return Deno.readTextFileSync(new URL(name, ROOT));
}

/** The paths that a text names and that do not exist. */
function missingPaths(text: string): string[] {
  const paths = [...text.matchAll(PATH)].map(([path]) => path);
  return paths.filter((path) => {
    try {
      return Deno.statSync(new URL(path, ROOT)).isDirectory !== path.endsWith("/");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return true;
    }
  });
}

/** The rows of the table of layers: folder, values, types. */
function layerRows(text: string): [folder: string, values: string[], types: string[]][] {
  const table = text.split("\n## Layers\n")[1]!.split("\n## ")[0]!;
  const rows = [...table.matchAll(/^\| `(\w+)` +\|[^|]*\|([^|]*)\|([^|]*)\|$/gm)];
  return rows.map(([, folder, values, types], index) => {
    const above = rows.slice(0, index).map(([, name]) => name!);
    const names = (cell: string) => {
      const words = cell.split(/[ ,]+/).filter((word) => /^\w+$/.test(word));
      return (cell.includes(ALL) ? above : words).sort();
    };
    return [folder!, names(values!), names(types!)];
  });
}

for (const name of ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"]) {
  Deno.test(`every path that ${name} names exists`, () => {
    const text = read(name);
    assert([...text.matchAll(PATH)].length > 5);
    assertEquals(missingPaths(text), []);
  });
}

Deno.test("a path that does not exist is found, in code and in a link", () => {
  const text = "`src/resolver/`, `src/resolver/gone.ts`, [that](docs/gone.md), `src/base`";
  assertEquals(missingPaths(text), ["src/resolver/gone.ts", "docs/gone.md", "src/base"]);
});

Deno.test("ARCHITECTURE.md has the table of layers that deno lint checks", () => {
  const expected = Object.entries(LAYERS).map(([folder, { values, types = [] }]) =>
    [folder, values.toSorted(), types.toSorted()] as const
  );
  assertEquals(layerRows(read("ARCHITECTURE.md")), expected.map((row) => [...row]));
});

Deno.test("ARCHITECTURE.md has fewer than 230 lines", () => {
  assert(read("ARCHITECTURE.md").split("\n").length < MAX_LINES);
});
