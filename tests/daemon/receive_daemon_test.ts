/**
 * `report receive` as a process: mail and posts in, counts and pages out.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { ReceivedFileView } from "../../src/receive/received_file_view.ts";
import type { Report } from "../../src/tlsrpt/report.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";
import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import { type Daemon, type Outside, startDaemon, startOutside } from "../fakes/daemon.ts";
import { createRandom } from "../fakes/random.ts";
import { txt } from "../fakes/fake_dns_server.ts";
import { mailArrival, reportWith, testKeys } from "../receive/report_mails.ts";
import { ALWAYS, outcomeText } from "../receive/support.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const COMMAND = [Deno.execPath(), "run", "-A", "--quiet", MAIN, "report"];

const DAY_MS = 86_400_000;

/** Yesterday, as the process sees it. */
function yesterday(): Pick<Report, "begin" | "end"> {
  const begin = (Math.floor(Date.now() / DAY_MS) - 1) * DAY_MS;
  return { begin, end: begin + DAY_MS - 1000 };
}

/** A receiver with its directory, DNS, and a Maildir. */
class Bench implements AsyncDisposable {
  readonly #outside: Outside;
  readonly directory: string;
  readonly maildir: string;
  readonly file: string;
  readonly certs: string;

  private constructor(outside: Outside) {
    this.#outside = outside;
    this.directory = outside.directory;
    this.maildir = `${this.directory}/Maildir`;
    this.file = `${this.directory}/received.db`;
    this.certs = `${this.directory}/certs`;
    for (const name of ["new", "cur", "tmp"]) {
      Deno.mkdirSync(`${this.maildir}/${name}`, { recursive: true });
    }
  }

  static async create(): Promise<Bench> {
    const bench = new Bench(await startOutside());
    const { rsa } = await testKeys();
    bench.#outside.dns.table["TXT s1._domainkey.sender.test"] = txt(`v=DKIM1; p=${rsa.published}`);
    return bench;
  }

  /** The keys of `received` beside the file. */
  configure(received: string): Promise<string> {
    return this.#outside.configure(`received: { file: "${this.file}", ${received} }`);
  }

  async start(received: string): Promise<Daemon> {
    const config = await this.configure(received);
    return await startDaemon({ config, args: [], command: COMMAND, verb: "receive" });
  }

  /** A mail that was delivered a minute ago. */
  async deliver(name: string, report: Report, options: Parameters<typeof mailArrival>[1] = {}) {
    const { octets } = await mailArrival(report, { time: Date.now(), ...options });
    const path = `${this.maildir}/tmp/${name}`;
    Deno.writeFileSync(path, octets);
    const time = Date.now() / 1000 - 60;
    Deno.utimeSync(path, time, time);
    Deno.renameSync(path, `${this.maildir}/new/${name}`);
  }

  seen(): string[] {
    return [...Deno.readDirSync(`${this.maildir}/cur`)].map(({ name }) => name).sort();
  }

  outcomes(): string[] {
    const view = new ReceivedFileView(this.file);
    try {
      return view.outcomes(ALWAYS).map(outcomeText);
    } finally {
      view.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#outside[Symbol.asyncDispose]();
  }
}

/** The port in a line such as `taking reports … address=inet:127.0.0.1:1234`. */
function portIn(line: string): number {
  const [, digits = ""] = /inet:127\.0\.0\.1:([0-9]+)/.exec(line) ?? [];
  return parseInt(digits, 10);
}

async function until(holds: () => boolean, pause = 50): Promise<void> {
  for (let left = 20_000; left > 0; left -= pause) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  throw new Error("it does not come true");
}

async function post(url: string, body: string | Uint8Array<ArrayBuffer>, type = "json") {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": `application/tlsrpt+${type}` },
    body,
  });
  return [response.status, await response.text()];
}

Deno.test("report receive takes mail and posts, counts a report once, and shows what failed", async () => {
  await using bench = await Bench.create();
  const report = reportWith(yesterday());
  await bench.deliver("1.good", report);
  await bench.deliver("2.forged", reportWith({ ...yesterday(), reportId: "forged" }), {
    domain: "rival.test",
  });
  const received = `domains: [a.test], maildir: "${bench.maildir}", listen: "127.0.0.1:0",` +
    ` http: "127.0.0.1:0", token: secret-path`;
  await using daemon = await bench.start(received);
  await until(() => bench.seen().length === 2);
  const day = new Date(report.begin).toISOString().slice(0, 10);
  assertEquals(bench.outcomes(), [`a.test ${day} sender.test sts dkim 10+2`]);
  assertStringIncludes(await daemon.logged("report refused"), "refusal=unsigned");

  const url = `http://127.0.0.1:${portIn(await daemon.logged("taking reports"))}/secret-path`;
  assertEquals(await post(url, writeReport(report)), [
    200,
    "The report has already been received.\n",
  ]);
  const second = reportWith({ ...yesterday(), contact: "tls@other.test" });
  const octets = new Uint8Array(gzipSync(writeReport(second)));
  assertEquals(await post(url, octets, "gzip"), [201, "The report is kept.\n"]);
  assertEquals(bench.outcomes(), [
    `a.test ${day} other.test sts unsigned 10+2`,
    `a.test ${day} sender.test sts dkim 10+2`,
  ]);
  assertEquals((await post(`${url}x`, "{}"))[0], 404);
  assertEquals((await post(url, "{}", "zip"))[0], 415);
  assertEquals((await post(url, "{}"))[0], 400);
  assertEquals((await post(url, new Uint8Array(1024 * 1024 + 1)))[0], 413);
  const other = reportWith({ ...yesterday(), policies: [] });
  assertEquals((await post(url, writeReport(other)))[0], 422);
  const get = await fetch(url);
  assertEquals([get.status, get.headers.get("allow"), await get.text()], [
    405,
    "POST",
    "TLS reports are posted here (RFC 8460).\n",
  ]);

  const site = `http://127.0.0.1:${portIn(await daemon.logged("serving http"))}`;
  const page = await (await fetch(`${site}/domain/a.test`)).text();
  assertStringIncludes(page, "certificate-expired");
  const metrics = await (await fetch(`${site}/metrics`)).text();
  assertStringIncludes(metrics, 'mta_sts_received_reports_total{way="mail",result="kept"} 1');
  assertStringIncludes(metrics, 'mta_sts_received_reports_total{way="mail",result="unsigned"} 1');
  assertStringIncludes(metrics, 'mta_sts_received_requests_total{status="415"} 1');
  const ready = await (await fetch(`${site}/readyz`)).json();
  assertEquals(ready.status, "ready");

  daemon.signal("SIGTERM");
  assertEquals((await daemon.ended).code, 0);
  assertEquals(bench.outcomes().length, 2);
});

Deno.test("report receive takes another configuration at a HUP, and refuses a broken one", async () => {
  await using bench = await Bench.create();
  const ways = `maildir: "${bench.maildir}", listen: "127.0.0.1:0"`;
  await using daemon = await bench.start(`domains: [b.test], ${ways}, token: one`);
  const url = `http://127.0.0.1:${portIn(await daemon.logged("taking reports"))}`;
  const report = writeReport(reportWith(yesterday()));
  assertEquals((await post(`${url}/one`, report))[0], 422);
  await bench.configure(`domains: [], ${ways}, token: two`);
  daemon.signal("SIGHUP");
  assertStringIncludes(await daemon.logged("reload refused"), "no domains to receive reports for");
  assertEquals((await post(`${url}/one`, report))[0], 422);
  await bench.configure(`domains: [a.test], maildir: /srv/x, listen: "127.0.0.1:0", token: two`);
  await bench.deliver("1", reportWith(yesterday()));
  daemon.signal("SIGHUP");
  assertStringIncludes(
    await daemon.logged("settings take effect at the next start"),
    "keys=received.maildir",
  );
  await daemon.logged("reloaded");
  // The Maildir is read at once.
  await until(() => bench.seen().length === 1);
  assertEquals((await post(`${url}/one`, report))[0], 404);
  assertEquals((await post(`${url}/two`, report))[0], 200);
});

Deno.test("report receive serves HTTPS, with a certificate that may be renewed", async () => {
  await using bench = await Bench.create();
  const authority = createAuthority();
  const issue = () => {
    const { certPem, keyPem } = createCertificate({
      subject: "reports.a.test",
      dns: ["localhost"],
      issuer: authority,
    });
    Deno.mkdirSync(bench.certs, { recursive: true });
    Deno.writeTextFileSync(`${bench.certs}/fullchain.pem`, certPem);
    Deno.writeTextFileSync(`${bench.certs}/privkey.pem`, keyPem);
  };
  const received = `domains: [a.test], listen: "127.0.0.1:0", token: t, certs: "${bench.certs}"`;
  await using daemon = await bench.start(received);
  await daemon.logged("certificate refused");
  issue();
  daemon.signal("SIGHUP");
  await daemon.logged("certificate loaded");
  using client = Deno.createHttpClient({ caCerts: [authority.certPem] });
  const url = `https://localhost:${portIn(await daemon.logged("taking reports"))}/t`;
  const send = async () => {
    const response = await fetch(url, {
      client,
      method: "POST",
      headers: { "content-type": "application/tlsrpt+json" },
      body: writeReport(reportWith(yesterday())),
    });
    await response.text();
    return response.status;
  };
  assertEquals(await send(), 201);
  issue();
  daemon.signal("SIGHUP");
  await daemon.logged("certificate changed");
  assertEquals(await send(), 200);
});

Deno.test("a kill -9 at any moment loses no report, and counts none twice", async () => {
  await using bench = await Bench.create();
  const random = createRandom(8460);
  const mails = 120;
  for (let number = 0; number < mails; number++) {
    const reportId = `id.${number}`;
    await bench.deliver(`${1000 + number}.x`, reportWith({ ...yesterday(), reportId }));
  }
  const received = `domains: [a.test], maildir: "${bench.maildir}"`;
  for (let kills = 0; kills < 4; kills++) {
    await using daemon = await bench.start(received);
    const target = bench.seen().length + 1 + random.int(20);
    await until(() => bench.seen().length >= target, 1);
    daemon.signal("SIGKILL");
    await daemon.ended;
  }
  await using daemon = await bench.start(received);
  await until(() => bench.seen().length === mails);
  daemon.signal("SIGTERM");
  await daemon.ended;
  const [outcome = ""] = bench.outcomes();
  assertEquals(outcome.split(" ").at(-1), `${10 * mails}+${2 * mails}`);
});

Deno.test("report receive says what is missing", async () => {
  const directory = Deno.makeTempDirSync();
  const config = `${directory}/c.yml`;
  const run = async (received: string) => {
    Deno.writeTextFileSync(config, `received: { file: "${directory}/r.db", ${received} }\n`);
    const { code, stderr } = await new Deno.Command(COMMAND[0]!, {
      args: [...COMMAND.slice(1), "receive", "-c", config],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    return `${code} ${new TextDecoder().decode(stderr)}`;
  };
  for (
    const [received, text] of [
      ["maildir: /srv/x", "name yours in 'received.domains'"],
      ["domains: [a.test]", "set 'received.maildir', or 'received.listen' for HTTPS"],
      [`domains: [a.test], listen: "127.0.0.1:0"`, "it is the path in rua=https://HOST/TOKEN"],
    ] as const
  ) {
    const output = await run(received);
    assert(output.startsWith("2 ") && output.includes(text), output);
  }
  Deno.removeSync(directory, { recursive: true });
});
