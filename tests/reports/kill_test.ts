import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { createRandom } from "../fakes/random.ts";
import { DAY } from "./support.ts";

const WRITER = new URL("kill_writer.ts", import.meta.url).pathname;
const DOMAINS = 3000;

/** Runs the writer, and kills it after it has said so many lines; @returns what it said. */
async function runAndKill(path: string, lines: number): Promise<string[]> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", WRITER, path, String(DOMAINS)],
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdout: "piped",
  }).spawn();
  let text = "";
  for await (const part of process.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.split("\n").length <= lines) continue;
    try {
      process.kill("SIGKILL");
    } catch {
      // It was done before.
    }
  }
  await process.status;
  return text.split("\n").slice(0, -1);
}

Deno.test("kill -9 while counting, closing and sending: nothing that was said is lost, and nothing is there twice", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const path = `${directory}/reports.db`;
    const random = createRandom(8460);
    const said: string[] = [];
    let kills = 0;
    for (let round = 0; round < 20 && said.at(-1) !== "done"; round++) {
      said.push(...await runAndKill(path, 20 + random.int(200)));
      if (said.at(-1) !== "done") kills++;
    }
    assert(kills >= 4, `killed ${kills} times only`);
    while (said.at(-1) !== "done") said.push(...await runAndKill(path, Infinity));

    for (const kind of ["counted", "sent"]) {
      const domains = said.filter((line) => line.startsWith(`${kind} `));
      assert(domains.length > 0 && domains.length <= DOMAINS);
      assertEquals(new Set(domains).size, domains.length, `${kind} twice`);
    }
    const database = new DatabaseSync(path);
    const read = (sql: string) => Object.values(database.prepare(sql).get() ?? {})[0];
    assertEquals(read("PRAGMA integrity_check"), "ok");
    assertEquals(read(`SELECT sum(ok) FROM session WHERE day = ${DAY}`), DOMAINS);
    assertEquals(read("SELECT count(*) FROM delivery WHERE state = 'sent'"), DOMAINS);
    assertEquals(read("SELECT count(*) FROM delivery WHERE state = 'due'"), 0);
    assertEquals(read("SELECT sum(count) FROM mailed"), DOMAINS);
    database.close();
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
