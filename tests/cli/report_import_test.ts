import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { violations } from "../check/json_schema.ts";
import schema from "../../docs/received-import.schema.json" with { type: "json" };
import { DAY_MS, dayNumber, formatDay } from "../../src/receive/days.ts";
import { ReceivedFileView } from "../../src/receive/received_file_view.ts";
import type { Report } from "../../src/tlsrpt/report.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";
import { type FakeDnsServer, startFakeDnsServer, txt } from "../fakes/fake_dns_server.ts";
import { mailArrival, reportWith, testKeys } from "../receive/report_mails.ts";
import { countsOf } from "../receive/support.ts";
import { cli } from "./support.ts";

const YESTERDAY = dayNumber(Date.now()) - 1;
const DATE = formatDay(YESTERDAY);
const KEY = "TXT s1._domainkey.sender.test";

/** A report about yesterday. */
function report(changed: Partial<Report> = {}): Report {
  const begin = YESTERDAY * DAY_MS;
  return reportWith({ begin, end: begin + DAY_MS - 1000, ...changed });
}

async function mail(changed: Partial<Report> = {}): Promise<Uint8Array> {
  return (await mailArrival(report(changed), { time: Date.now() })).octets;
}

function text(octets: Uint8Array): string {
  return new TextDecoder("latin1", { ignoreBOM: true }).decode(octets);
}

function utf8(written: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(written);
}

interface ImportBench {
  readonly directory: string;
  readonly config: string;
  readonly dns: FakeDnsServer;
  /** Writes files, and imports what is named. */
  run(
    files: Readonly<Record<string, Uint8Array>>,
    options?: readonly string[],
  ): Promise<{ code: number; out: string[]; err: string }>;
  /** Imports a mail as pipe(8) does. */
  pipe(octets: Uint8Array, config?: string): Promise<{ code: number; out: string; err: string }>;
  /** What is stored. */
  counts(): string[];
}

async function withImport(
  test: (bench: ImportBench) => Promise<void>,
  settings = "",
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const { rsa } = await testKeys();
  await using dns = await startFakeDnsServer({ [KEY]: txt(`v=DKIM1; p=${rsa.published}`) });
  const config = `${directory}/config.yml`;
  const file = `${directory}/state/received.db`;
  await Deno.writeTextFile(
    config,
    `dns: {timeout: 2, servers: ["${dns.address}"]}\nreceived: {file: ${file}, domains: [a.test]${settings}}\n`,
  );
  try {
    await test({
      directory,
      config,
      dns,
      async run(files, options = []) {
        const paths = Object.entries(files).map(([name, octets]) => {
          const path = `${directory}/${name}`;
          Deno.mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true });
          Deno.writeFileSync(path, octets);
          return path;
        });
        const named = options.some((option) => option.startsWith("/")) ? [] : paths;
        const { code, out, err } = await cli(
          "report",
          "import",
          "-c",
          config,
          ...options,
          ...named,
        );
        return { code, out: out.replaceAll(`${directory}/`, "").trimEnd().split("\n"), err };
      },
      async pipe(octets, other = config) {
        const process = new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--no-check", "main.ts", "report", "import", "-c", other, "-"],
          cwd: new URL("../../", import.meta.url),
          env: { DENO_NO_UPDATE_CHECK: "1" },
          stdin: "piped",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const writer = process.stdin.getWriter();
        await writer.write(octets);
        await writer.close();
        const { code, stdout, stderr } = await process.output();
        return { code, out: text(stdout), err: text(stderr) };
      },
      counts() {
        const view = new ReceivedFileView(file);
        try {
          return countsOf(view);
        } finally {
          view.close();
        }
      },
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("report import keeps signed mails and marks files, says what it decided, and counts once", () =>
  withImport(async ({ run, counts }) => {
    const unsigned = report({ reportId: "other", contact: "tls@other.test" });
    const files = {
      "1.eml": await mail(),
      "2.json": utf8(writeReport(report())),
      "3.json.gz": gzipSync(writeReport(unsigned)),
      "4.eml": utf8(text(await mail({ reportId: "forged" })).replace("Report-ID", "Report-Id")),
      "5.json": utf8(writeReport(report({ domain: "b.test", policies: [] }))),
      "6.txt": utf8("hello"),
    };
    const first = await run(files);
    assertEquals(first.err, "");
    assertEquals(first.out, [
      `1.eml: kept: sender.test about a.test, ${DATE}: 12 sessions, 2 failed`,
      `2.json: duplicate: sender.test about a.test, ${DATE}: 12 sessions, 2 failed, unsigned`,
      `3.json.gz: kept: other.test about a.test, ${DATE}: 12 sessions, 2 failed, unsigned`,
      "4.eml: refused: the DKIM signature does not match the header, or was made with another key [unsigned]",
      "5.json: refused: it is about no domain, which is not in received.domains [foreign]",
      "6.txt: refused: its header cannot be read [unsigned]",
      "2 kept, 1 duplicate, 3 refused",
    ]);
    assertEquals(first.code, 1);
    const expected = [
      `a.test ${DATE} other.test sts unsigned 10+2`,
      `a.test ${DATE} sender.test sts dkim 10+2`,
      `a.test ${DATE} other.test unsigned certificate-expired mx.a.test - - 2`,
      `a.test ${DATE} sender.test dkim certificate-expired mx.a.test - - 2`,
    ];
    assertEquals(counts(), expected);
    const again = await run({ "1.eml": files["1.eml"], "3.json.gz": files["3.json.gz"] });
    assertEquals([again.code, again.out.at(-1)], [0, "0 kept, 2 duplicates, 0 refused"]);
    assertEquals(counts(), expected);
  }));

Deno.test("report import reads a Maildir, a directory and an mbox file", () =>
  withImport(async ({ directory, run, counts }) => {
    const ids = ["m1", "m2", "m3", "m4"];
    const mails = await Promise.all(ids.map((reportId) => mail({ reportId })));
    const [week, day, month, year, time] = new Date().toUTCString().split(/,? /);
    const separator = (octets: Uint8Array) =>
      `From tls@sender.test ${week} ${month} ${day} ${time} ${year}\n${text(octets)}\n`;
    const mbox = mails.slice(2).map(separator).join("");
    await run({
      "Maildir/new/1.host": mails[0]!,
      "Maildir/cur/2.host:2,S": mails[1]!,
      "Maildir/tmp/3.host": utf8("half of a mail"),
      "Maildir/.Sub/cur/4.host": utf8("not named"),
      "old/mbox": utf8(mbox),
      "old/report.json": utf8(writeReport(report({ reportId: "m5" }))),
      "old/inner/x.json": utf8("not named"),
    }, ["/nonexistent"]);
    const { code, out } = await run({}, [`${directory}/Maildir/`, `${directory}/old`]);
    assertEquals(out.map((line) => line.replace(/: sender.*/, "")), [
      "Maildir/new/1.host: kept",
      '"Maildir/cur/2.host:2,S": kept',
      "old/mbox:1: kept",
      "old/mbox:2: kept",
      "old/report.json: kept",
      "5 kept, 0 duplicates, 0 refused",
    ]);
    assertEquals(code, 0);
    assertEquals(counts().filter((line) => line.includes(" sts ")), [
      `a.test ${DATE} sender.test sts unsigned 10+2`,
      `a.test ${DATE} sender.test sts dkim 40+8`,
    ]);
  }));

Deno.test("report import --json prints an object for each report, as docs/received-import.schema.json says", () =>
  withImport(async ({ run }) => {
    const hostile = utf8(writeReport(report({ organization: "\u202e\u0007<b>", reportId: "a" })));
    const { code, out } = await run({ "h.json": hostile, "x.json": utf8("[]") }, ["--json"]);
    assertEquals(code, 1);
    const missing = await run({}, ["--json", "/nonexistent"]);
    for (const line of [...out, ...missing.out]) {
      assertEquals(violations(JSON.parse(line), schema), []);
    }
    assertEquals(out.map((line) => JSON.parse(line)), [
      {
        file: "h.json",
        decision: "kept",
        submitter: "sender.test",
        authentication: "unsigned",
        report_id: "a",
        day: DATE,
        domains: ["a.test"],
        successful: 10,
        failed: 2,
        deviations: [],
      },
      {
        file: "x.json",
        decision: "refused",
        refusal: "unreadable",
        text: "its JSON is not a TLS report",
      },
    ]);
  }));

Deno.test("report import: DNS trouble and a store that does not work are 75, files that are not there 3", () =>
  withImport(async ({ directory, dns, run, counts }) => {
    const octets = await mail();
    dns.table[KEY] = { rcode: "SERVFAIL" };
    const later = await run({ "1.eml": octets });
    assertEquals(later.code, 75);
    assertEquals(later.out, [
      "1.eml: to be tried again: the key of sender.test cannot be looked up",
      "0 kept, 0 duplicates, 0 refused, 1 to be tried again",
    ]);
    assertEquals(counts(), []);
    const missing = await run({}, ["/nonexistent/1.eml"]);
    assertEquals(missing.code, 3);
    assertStringIncludes(missing.out[0]!, "/nonexistent/1.eml: cannot be read: ");
    assertEquals(missing.out[1], "0 kept, 0 duplicates, 0 refused, 1 not readable");

    Deno.chmodSync(`${directory}/state`, 0o777);
    const unsafe = await run({ "1.json": utf8(writeReport(report())) });
    assertEquals(unsafe.code, 2);
    assertStringIncludes(unsafe.err, "can be written by others");
    assertStringIncludes(unsafe.err, "run this as the user of the service");
    Deno.chmodSync(`${directory}/state`, 0o700);

    Deno.removeSync(`${directory}/state/received.db`);
    Deno.mkdirSync(`${directory}/state/received.db`);
    const broken = await run({ "1.json": utf8(writeReport(report())) });
    assertEquals(broken.code, 75);
    assertStringIncludes(broken.out[0]!, "1.json: not kept, to be tried again: ");
    assertStringIncludes(broken.out[0]!, "received.db is not a file: name another");
  }));

Deno.test("report import -: as pipe(8) runs it, what is refused does not bounce, and what is not judged waits", () =>
  withImport(async ({ config, pipe, counts, dns }) => {
    const octets = await mail();
    const kept = await pipe(octets);
    assertEquals(kept, {
      code: 0,
      out: `standard input: kept: sender.test about a.test, ${DATE}: 12 sessions, 2 failed\n`,
      err: "",
    });
    // flags=F
    const flagged = await pipe(
      utf8(`From tls@sender.test Sat Nov 28 08:40:00 2026\n${text(octets)}`),
    );
    assertEquals([flagged.code, flagged.out.split(": ")[1]], [0, "duplicate"]);
    const forged = await pipe(utf8(text(octets).replace("Report-ID", "Report-Id")));
    assertEquals([forged.code, forged.out.split(": ")[1]], [0, "refused"]);
    const bare = await pipe(utf8(writeReport(report())));
    assertEquals([bare.code, bare.out.split(": ")[1]], [0, "refused"], "no mail");
    const large = await pipe(new Uint8Array(9 * 1024 * 1024).fill(0x61));
    assertEquals(large.code, 0);
    assertStringIncludes(large.out, "refused: it is larger than 8 MiB [unreadable]");

    dns.table[KEY] = { rcode: "SERVFAIL" };
    assertEquals((await pipe(await mail({ reportId: "later" }))).code, 75);
    const mistake = `${config}.bad`;
    await Deno.writeTextFile(mistake, "received: {domains: [a.test], nonsense: 1}\n");
    const wrong = await pipe(octets, mistake);
    assertEquals(wrong.code, 75);
    assertStringIncludes(wrong.err, "nonsense");
    assertEquals(counts().length, 2);
  }));

Deno.test("report import: mistakes in arguments and configuration", async () => {
  const twice = await cli("report", "import", "-", "x.json");
  assertEquals(twice.code, 2);
  assertStringIncludes(twice.err, "'-' cannot be given together with files");
  const config = await Deno.makeTempFile({ suffix: ".yml" });
  await Deno.writeTextFile(config, "received: {file: /nonexistent/x.db}\n");
  const none = await cli("report", "import", "-c", config, "x.json");
  assertEquals(none.code, 2);
  assertStringIncludes(none.err, "no domains to import reports for");
  await Deno.remove(config);
});

Deno.test("two imports and a reader at once: nothing is lost, nothing counts twice", () =>
  withImport(async ({ directory, config, counts }) => {
    const reports = Array.from({ length: 300 }, (_, index) => report({ reportId: `r${index}` }));
    for (const [index, each] of reports.entries()) {
      Deno.writeTextFileSync(`${directory}/r${index}.json`, writeReport(each));
    }
    const start = (first: number) =>
      new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "-A", "--no-check", "main.ts", "report", "import", "-c", config],
          ...reports.slice(first, first + 200).map((_, index) =>
            `${directory}/r${first + index}.json`
          ),
        ],
        cwd: new URL("../../", import.meta.url),
        env: { DENO_NO_UPDATE_CHECK: "1" },
        stdout: "piped",
        stderr: "piped",
      }).output();
    const results = await Promise.all([start(0), start(100)]);
    assertEquals(results.map(({ code, stderr }) => [code, text(stderr)]), [[0, ""], [0, ""]]);
    const kept = results.flatMap(({ stdout }) => text(stdout).split("\n"))
      .filter((line) => line.includes(": kept: "));
    assertEquals(kept.length, 300);
    assertEquals(counts()[0], `a.test ${DATE} sender.test sts unsigned 3000+600`);
    assert(counts().length === 2);
  }));
