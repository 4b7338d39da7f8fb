import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { COMMANDS } from "../../src/cli/cli.ts";
import { loadConfig } from "../../src/config/load.ts";
import { updateReadme } from "../../tools/docs/readme.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));

function load(yaml: string) {
  return loadConfig({ file: "README.md", readTextFile: () => yaml, env: () => undefined }).config;
}

Deno.test("README.md shows the configuration's defaults, all of them", () => {
  const [, yaml = ""] = /```yaml\n([^]*?)```/.exec(README) ?? [];
  assert(yaml.includes("listen:"));
  assertEquals(load(yaml), load(""));
});

Deno.test("README.md has the block that is made from the keys, see deno task docs", () => {
  assertEquals(README, updateReadme(README));
  const long = README.split("```yaml\n")[1]!.split("```")[0]!.split("\n")
    .filter((line) => line.length > 100);
  assertEquals(long, []);
  assertThrows(() => updateReadme("# No block\n"), RangeError);
});

Deno.test("README.md names every command", () => {
  for (const { name } of COMMANDS) assertStringIncludes(README, `\`${name}`);
});
