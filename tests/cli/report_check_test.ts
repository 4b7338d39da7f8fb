import { assert, assertEquals } from "@std/assert";
import { reportFindings } from "../../src/cli/report_check.ts";
import { loadConfig } from "../../src/config/load.ts";

const NO_ENV = () => undefined;

function load(report: string) {
  const text = `report: ${report}`;
  return loadConfig({ file: "x", readTextFile: () => text, env: NO_ENV }).config;
}

async function lines(report: string): Promise<string[]> {
  const findings = await reportFindings(load(report), NO_ENV);
  return findings.map(({ kind, subject, text }) => `${kind} ${subject}: ${text}`);
}

Deno.test("reportFindings() says nothing if nothing is collected", async () => {
  assertEquals(await lines("{}"), []);
});

Deno.test("reportFindings() names what is missing", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const all = await lines(
      `{collect: "unix:${directory}/t.sock", feed: "unix:${directory}/none/f.sock"}`,
    );
    assert(all.includes(`ok report.collect: ${directory}/t.sock`), all.join("\n"));
    assert(all.includes(`warning report.feed: there is no directory ${directory}/none now`));
    assert(all.includes("warning report.file: there is no state directory: name a file"));
    assert(all.some((line) => line.includes("it needs 'organization' and 'contact'")));
    const good = await lines(
      `{collect: stdin, file: "${directory}/r.db", organization: X, contact: a@example.com}`,
    );
    assert(good.includes(`ok report.file: ${directory}/r.db`), good.join("\n"));
    assert(good.some((line) => line.startsWith("note report.feed: is not set")));
    Deno.chmodSync(directory, 0o777);
    const open = await lines(`{collect: stdin, file: "${directory}/r.db"}`);
    assert(open.some((line) => line.startsWith(`failed report.file: ${directory} can be written`)));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
