import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { COMMANDS } from "../../src/cli/cli.ts";
import { loadConfig } from "../../src/config/load.ts";
import { updateConfiguration } from "../../tools/docs/configuration.ts";

const ROOT = new URL("../../", import.meta.url);
const README = await Deno.readTextFile(new URL("README.md", ROOT));
const CONFIGURATION = await Deno.readTextFile(new URL("docs/configuration.md", ROOT));

/** A terminal shows this many characters of a line of a document. */
const MAX_COLUMNS = 120;

/** The documents whose prose is wrapped by hand; docs/rfc8461.md is made from the tests. */
const DOCUMENTS = ["", "docs/"].flatMap((directory) =>
  [...Deno.readDirSync(new URL(`./${directory}`, ROOT))]
    .map(({ name }) => directory + name)
    .filter((path) => path.endsWith(".md") && path !== "docs/rfc8461.md")
);

/** What may be as long as it must: code, tables, and the findings in docs/check.md, which are made from their kinds. */
const UNWRAPPED =
  /^ *```[^]*?^ *```$|^\|.*$|(?<=^<!-- findings -->$)[^]*(?=^<!-- \/findings -->$)/gm;

function load(yaml: string) {
  return loadConfig({ file: "README.md", readTextFile: () => yaml, env: () => undefined }).config;
}

Deno.test("configuration.md shows the configuration's defaults, all of them", () => {
  const [, yaml = ""] = /```yaml\n([^]*?)```/.exec(CONFIGURATION) ?? [];
  assert(yaml.includes("listen:"));
  assertEquals(load(yaml), load(""));
});

Deno.test("configuration.md has the block that is made from the keys, see deno task docs", () => {
  assertEquals(CONFIGURATION, updateConfiguration(CONFIGURATION));
  const long = CONFIGURATION.split("```yaml\n")[1]!.split("```")[0]!.split("\n")
    .filter((line) => line.length > 100);
  assertEquals(long, []);
  assertThrows(() => updateConfiguration("# No block\n"), RangeError);
});

Deno.test("the configuration in README.md is one", () => {
  const [, yaml = ""] = /```yaml\n([^]*?)```/.exec(README) ?? [];
  assert(yaml.includes("dane:"));
  load(yaml);
});

Deno.test("no document has a line of prose of more than 120 columns", () => {
  assert(DOCUMENTS.includes("README.md") && DOCUMENTS.includes("docs/check.md"));
  for (const path of DOCUMENTS) {
    const prose = Deno.readTextFileSync(new URL(path, ROOT)).replaceAll(UNWRAPPED, "");
    assertEquals(prose.split("\n").filter((line) => [...line].length > MAX_COLUMNS), [], path);
  }
});

Deno.test("README.md has no line of more than 120 columns, code and tables included", () => {
  assertEquals(README.split("\n").filter((line) => [...line].length > MAX_COLUMNS), []);
});

Deno.test("README.md and configuration.md name every command", () => {
  for (const { name } of COMMANDS) assertStringIncludes(README, `\`${name}`);
});

Deno.test("every page that README.md links to exists", () => {
  const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, path]) => path!);
  assert(links.length > 10);
  for (const path of links) Deno.statSync(new URL(path, ROOT));
});
