import { assert, assertEquals } from "@std/assert";
import { Bench, stored } from "./harness.ts";

const ROUNDS = 10;

/**
 * Lets a process write until it has reported `count` policies, and kills it.
 *
 * @returns The last number reported.
 */
async function writeAndKill(bench: Bench, first: number, count: number): Promise<number> {
  const script = new URL("kill_writer.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", script, bench.path, String(first)],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  let isKilled = false;
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (isKilled || text.split("\n").length <= count) continue;
    child.kill("SIGKILL");
    isKilled = true;
  }
  const { signal } = await child.status;
  assertEquals(signal, "SIGKILL");
  // A number that was cut off was not reported.
  return parseInt(text.split("\n").at(-2) ?? "", 10);
}

Deno.test("putPolicy() survives kill -9: every policy it returned for is there again", async () => {
  using bench = new Bench();
  let reported = 0;
  for (let round = 0; round < ROUNDS; round++) {
    reported = await writeAndKill(bench, reported, 20 + round * 40);
    const store = bench.open();
    for (let number = 0; number <= reported; number++) {
      assert(stored(store, `d${number}.example`) !== undefined, `${number} is lost`);
    }
    store.close();
  }
  assertEquals(bench.lines, []);
  using database = bench.database();
  assertEquals(database.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
});
