import { assert, assertEquals } from "@std/assert";
import { reportFindings } from "../../src/cli/report_check.ts";
import { loadConfig } from "../../src/config/load.ts";
import { dkimRecord, makeDkimKey, readDkimKey } from "../../src/mail/dkim_key.ts";
import { createFakeDns } from "../fakes/fake_dns.ts";

const NO_ENV = () => undefined;

function load(report: string) {
  const text = `report: ${report}`;
  return loadConfig({ file: "x", readTextFile: () => text, env: NO_ENV }).config;
}

/** What is said of a section, with these records in DNS. */
async function lines(
  report: string,
  table: Parameters<typeof createFakeDns>[0] = {},
): Promise<string[]> {
  const { lookup } = createFakeDns(table);
  const findings = await reportFindings(load(report), { env: NO_ENV, lookup });
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

Deno.test("reportFindings() says whether mails can be sent, and whether their key is in DNS", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const file = `${directory}/key.pem`;
    const lineFor = async (more: string, records: readonly string[] = []) => {
      const all = await lines(
        `{collect: stdin, organization: X, contact: a@example.com, ${more}}`,
        {
          "TXT s1._domainkey.example.com": records,
        },
      );
      return all.find((line) => line.includes("report mail: "));
    };
    const dkim = `dkim: {selector: s1, key_file: "${file}"}`;
    assertEquals(
      await lineFor("smtp: off"),
      "warning report mail: none is sent: report.smtp is off",
    );
    assert((await lineFor(""))?.startsWith("warning report mail: none is sent: mail would not be"));
    assertEquals(
      await lineFor("dkim: {milter: true}"),
      "ok report mail: report mail is not signed here",
    );
    assert(
      (await lineFor(dkim))?.startsWith(
        `warning report mail: report.dkim.key_file: ${file}: No such file`,
      ),
    );
    const pem = await makeDkimKey("ed25519");
    Deno.writeTextFileSync(file, pem);
    assertEquals(
      await lineFor(dkim),
      "warning report mail: DKIM key: there is no DKIM record at s1._domainkey.example.com: see 'report key'",
    );
    assertEquals(
      await lineFor(dkim, [dkimRecord(await readDkimKey(pem))]),
      "ok report mail: DKIM key: the one at s1._domainkey.example.com",
    );
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
