import { assertEquals, assertThrows } from "@std/assert";
import { loadConfig } from "../../src/config/load.ts";
import { UsageError } from "../../src/config/usage_error.ts";

const FOLDER = new URL("bad/", import.meta.url);

for (const { name } of [...Deno.readDirSync(FOLDER)].sort((a, b) => a.name < b.name ? -1 : 1)) {
  if (!name.endsWith(".yml")) continue;
  Deno.test(`loadConfig() refuses bad/${name} for the expected reason`, () => {
    const expected = Deno.readTextFileSync(new URL(name.replace(".yml", ".expected"), FOLDER));
    const readTextFile = () => Deno.readTextFileSync(new URL(name, FOLDER));
    const load = () => loadConfig({ file: name, readTextFile, env: () => undefined });
    const { message } = assertThrows(load, UsageError);
    assertEquals(message + "\n", expected);
  });
}
