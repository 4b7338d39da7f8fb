/** Two processes on one file, and processes that are killed. */

import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { createRandom } from "../fakes/random.ts";
import { ALWAYS, reportOf, withStore } from "./support.ts";

const WRITER = new URL("writer.ts", import.meta.url).pathname;

function startWriter(path: string, { first, count }: { first: number; count: number }) {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", WRITER, path, `${first}`, `${count}`],
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdout: "piped",
  }).spawn();
}

/** Reads what the writer says; it is killed after so many lines. */
async function listen(
  writer: Deno.ChildProcess,
  { lines = Infinity }: { lines?: number } = {},
): Promise<string[]> {
  let text = "";
  for await (const part of writer.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.split("\n").length <= lines) continue;
    try {
      writer.kill("SIGKILL");
    } catch {
      // It was done before.
    }
  }
  await writer.status;
  return text.split("\n").slice(0, -1);
}

Deno.test("a daemon and two imports write to one file: nothing is refused, lost or counted twice", () =>
  withStore(async ({ store, path, lines }) => {
    const writers = [0, 1000].map((first) => startWriter(path, { first, count: 2000 }));
    const heard = Promise.all(writers.map((writer) => listen(writer)));
    let isDone = false;
    heard.then(() => isDone = true, () => isDone = true);
    const kept: string[] = [];
    for (let index = 5000; !isDone && index < 100_000; index++) {
      const report = reportOf({ domain: `d${index % 100}.test`, reportId: `${index}` });
      kept.push(store.add(report));
      if (index % 10 === 0) {
        store.outcomes({ ...ALWAYS, domain: "d1.test" });
        // Lets the writers' lines in.
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
    const said = (await heard).flat().filter((line) => line !== "done");
    const words = [...said.map((line) => line.split(" ")[1]!), ...kept];
    const count = (word: string) => words.filter((one) => one === word).length;
    assertEquals(said.length, 4000);
    assertEquals(count("duplicate"), 1000, "the numbers that both have");
    assertEquals(count("kept"), 3000 + kept.length);
    assert(kept.length > 10);
    const sum = store.outcomes(ALWAYS).reduce((all, { successful }) => all + successful, 0);
    assertEquals(sum, 10 * (3000 + kept.length));
    assertEquals(lines, []);
  }));

Deno.test("kill -9 at any time: what was said to be kept is there, once, and the file is sound", () =>
  withStore(async ({ store, path }) => {
    store.close();
    const random = createRandom(17);
    const said = new Set<string>();
    for (let round = 0; round < 5; round++) {
      const lines = await listen(startWriter(path, { first: 0, count: 3000 }), {
        lines: 50 + random.int(1000),
      });
      for (const line of lines) said.add(line.split(" ")[0]!);
    }
    const database = new DatabaseSync(path);
    const read = (sql: string) => Object.values(database.prepare(sql).get() ?? {})[0];
    assertEquals(read("PRAGMA integrity_check"), "ok");
    const reports = new Set(
      database.prepare("SELECT report_id AS id FROM report").all().map(({ id }) => `${id}`),
    );
    assert(said.size > 100);
    assertEquals([...said].filter((id) => !reports.has(id)), []);
    assertEquals(read("SELECT sum(ok) FROM outcome"), 10 * reports.size);
    assertEquals(read("SELECT count(*) FROM report"), reports.size);
    database.close();
  }));
