import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCli } from "../../src/cli/cli.ts";
import { loadText } from "../config/load_text.ts";

/** Runs the program and keeps what it prints. */
async function run(...argv: string[]): Promise<{ code: number; out: string; err: string[] }> {
  const printed = { out: "", err: [] as string[] };
  const code = await runCli(argv, {
    out: (text) => printed.out += text,
    err: (line) => printed.err.push(line),
    env: () => undefined,
    isTerminal: false,
  });
  return { code, ...printed };
}

Deno.test("config convert prints a configuration that config show reads", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const [old, file] = [`${directory}/old.yml`, `${directory}/new.yml`];
    Deno.writeTextFileSync(old, "port: 8471\ncache_grace: 61\nreuse_port: true\n");
    const converted = await run("config", "convert", old);
    assertEquals([converted.code, converted.err], [0, []]);
    Deno.writeTextFileSync(file, converted.out);
    const shown = await run("config", "show", "--config", file);
    assertEquals([shown.code, shown.err], [0, []]);
    const { listen, recheck } = loadText(shown.out).config;
    assertEquals(listen, [{ kind: "inet", hostname: "127.0.0.1", port: 8471 }]);
    assertEquals(recheck, 61_000);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("config convert says in one line what is wrong", async () => {
  const { code, out, err } = await run("config", "convert", "/nonexistent/config.yaml");
  assertEquals([code, out, err.length], [2, "", 1]);
  assertStringIncludes(err[0]!, "mta-sts-resolver: /nonexistent/config.yaml: cannot be read: ");
  assertEquals(
    (await run("config", "convert")).err[0],
    "mta-sts-resolver: 'config convert' takes FILE…: given 0",
  );
  assertEquals((await run("config")).err, [
    "mta-sts-resolver: incomplete command 'config': use one of 'config check', 'config show', 'config convert'",
  ]);
});

Deno.test("config check and serve refuse a file in the same words", async () => {
  const folder = new URL("../config/bad/", import.meta.url);
  for (const name of ["unknown_key", "number_too_large", "legacy_host_beside_listen"]) {
    const file = new URL(`${name}.yml`, folder).pathname;
    const checked = await run("config", "check", "--config", file);
    assertEquals([checked.code, checked.out, checked.err.length], [2, "", 1]);
    assertEquals(await run("serve", "--config", file), checked);
  }
});
