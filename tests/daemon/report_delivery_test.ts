/**
 * `report serve` sends: signed mail to a mail server, and POSTs to a web server, both over real sockets, and what is
 * due from the file of an earlier process.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { txt } from "../fakes/fake_dns_server.ts";
import { DAY, DAY_MS, FAILED, ReportBench, until } from "../fakes/report_bench.ts";
import { startReportHost } from "../fakes/report_host.ts";
import { runTool } from "../fakes/tool.ts";
import { session } from "../reports/support.ts";

/** The JSON in a mail. */
function reportIn(content: string): Record<string, unknown> {
  const [, base64 = ""] = /filename="[^"]*"\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/.exec(content) ?? [];
  return unpack(Uint8Array.fromBase64(base64));
}

function unpack(octets: Uint8Array): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(gunzipSync(octets)));
}

Deno.test("reports of a day that is over go out as signed mail and by HTTPS, each once", async (t) => {
  await using bench = await ReportBench.start();
  await using host = startReportHost(bench.outside.hosts, { domain: "web.test" });
  bench.outside.dns.table[`A ${host.host}`] = { answers: [{ type: "A", data: "127.0.0.1" }] };
  bench.publish("a.test", "mailto:tls%2Brpt@a.test", `https://${host.host}/v1/r[1-5]`);
  bench.publish("b.test", "mailto:r@b.test");
  bench.count(FAILED, session("b.test"), session("none.test"));
  await using daemon = await bench.serve();
  await until(() => bench.deliveries().sent === 3);
  assertEquals(bench.deliveries(), { sent: 3 });
  const { mails } = bench.sink;
  assertEquals(mails.map(({ from, to }) => [from, to]).sort(), [
    ["tls@example.com", "r@b.test"],
    ["tls@example.com", "tls+rpt@a.test"],
  ]);
  assertEquals(bench.sink.connections, 1);
  const { content } = mails.find(({ to }) => to === "tls+rpt@a.test")!;
  const date = new Date(DAY * DAY_MS).toISOString().slice(0, 10);
  for (
    const text of [
      'From: "Example Ltd." <tls@example.com>\r\nTo: <tls+rpt@a.test>\r\nDate: ',
      `Subject: Report Domain: a.test\r\n Submitter: example.com\r\n Report-ID: <${
        date.replaceAll("-", "")
      }.`,
      "TLS-Report-Domain: a.test\r\nTLS-Report-Submitter: example.com\r\nTLS-Required: No\r\n",
      'Content-Type: multipart/report; report-type="tlsrpt";\r\n boundary="=_',
      "Content-Type: application/tlsrpt+gzip\r\n",
      `filename="example.com!a.test!${DAY * 86_400}!${DAY * 86_400 + 86_399}!`,
      "The certificate of the MX host has expired.",
    ]
  ) assertStringIncludes(content, text);

  assertEquals(host.posts.length, 1);
  const [posted] = host.posts;
  assertStringIncludes(posted!.head, "POST /v1/r[1-5] HTTP/1.1\r\n");
  const report = unpack(posted!.body);
  assertEquals(report, reportIn(content));
  assertEquals(report["contact-info"], "tls@example.com");
  assertEquals(report["date-range"], {
    "start-datetime": `${date}T00:00:00Z`,
    "end-datetime": `${date}T23:59:59Z`,
  });
  await judgeByDkimpy(content, bench.record, t);

  daemon.signal("SIGTERM");
  assertEquals((await daemon.ended).code, 0);
  // A later process has nothing to do.
  await using again = await bench.serve();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assertEquals([bench.sink.mails.length, host.posts.length], [2, 1]);
  again.signal("SIGTERM");
  assertEquals((await again.ended).code, 0);
});

async function judgeByDkimpy(content: string, record: string, t: Deno.TestContext) {
  const program = "import sys, dkim\n" +
    "print(dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda *a, **k: sys.argv[1].encode()))";
  const result = await runTool(["/usr/bin/python3", "-c", program, record], { input: content });
  if (result === undefined || /No module named/.test(result.err)) {
    await t.step({ name: "dkimpy is not installed", ignore: true, fn() {} });
  } else assertEquals(result.out, "True\n", result.err);
}

Deno.test("the page of the report daemon tells of the DKIM key as DNS has it", async () => {
  await using bench = await ReportBench.start('  http: "127.0.0.1:0"');
  await using daemon = await bench.serve();
  const line = await daemon.logged("serving http");
  const [address] = /127\.0\.0\.1:[0-9]+/.exec(line)!;
  let page = "";
  for (let left = 200; left > 0 && !page.includes("DKIM key: the one at"); left--) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    page = await (await fetch(`http://${address}/`)).text();
  }
  assertStringIncludes(page, "<dd>DKIM key: the one at s1._domainkey.example.com</dd>");
  assertStringIncludes(page, "Reports of yesterday");
  daemon.signal("SIGTERM");
  assertEquals((await daemon.ended).code, 0);
});

Deno.test("a kill between mail and reply repeats the report with the same id", async () => {
  await using bench = await ReportBench.start();
  bench.publish("a.test", "mailto:r@a.test");
  bench.count(FAILED);
  bench.sink.isMute = true;
  await using daemon = await bench.serve();
  await until(() => bench.sink.mails.length === 1);
  daemon.signal("SIGKILL");
  await daemon.ended;
  assertEquals(bench.deliveries(), { due: 1 });
  bench.sink.isMute = false;
  await using again = await bench.serve();
  await until(() => bench.deliveries().sent === 1);
  const [first, second] = bench.sink.mails.map(({ content }) => content);
  const idOf = (content = "") => /^Message-ID: (.*)\r$/m.exec(content)?.[1];
  assert(idOf(first) !== undefined);
  assertEquals(idOf(first), idOf(second));
  assertEquals(reportIn(first!), reportIn(second!));
  again.signal("SIGTERM");
  assertEquals((await again.ended).code, 0);
});

Deno.test("a recipient that is refused for good is not tried again, one that is refused for now is", async () => {
  await using bench = await ReportBench.start();
  bench.publish("a.test", "mailto:gone@a.test", "mailto:later@a.test");
  bench.count(FAILED);
  bench.sink.refuse = (to) =>
    to.startsWith("gone") ? "550 5.1.1 unknown\r\n" : "451 4.7.1 later\r\n";
  await using daemon = await bench.serve();
  await until(() => bench.deliveries().refused === 1);
  const line = await daemon.logged("report refused");
  assertStringIncludes(line, "550 5.1.1 unknown");
  // A stop in the middle of a transaction is no reason to hang.
  daemon.signal("SIGTERM");
  assertEquals((await daemon.ended).code, 0);
  assertEquals(bench.deliveries(), { due: 1, refused: 1 });
  assertEquals(bench.sink.mails, []);
});

Deno.test("without a signature no mail is sent, and the daemon says so; a key that is not in DNS is warned of", async () => {
  await using bench = await ReportBench.start();
  bench.outside.dns.table["TXT s1._domainkey.example.com"] = txt("v=DKIM1; p=AAAA");
  await using daemon = await bench.serve();
  const line = await daemon.logged("receivers will ignore report mail");
  assertStringIncludes(line, "the record has another key at s1._domainkey.example.com");
  daemon.signal("SIGTERM");
  await daemon.ended;

  const text = await Deno.readTextFile(bench.config);
  await Deno.writeTextFile(bench.config, text.replace(/ {2}dkim: .*\n/, ""));
  bench.publish("a.test", "mailto:r@a.test");
  bench.count(FAILED);
  await using unsigned = await bench.serve();
  assertStringIncludes(await unsigned.logged("no report mail is sent"), "would not be signed");
  await until(() => bench.deliveries().refused === 1);
  assert(bench.sink.mails.length === 0);
});
