/**
 * `report send`, `report show --mail`, `report key` and what `report status` says of the key, as processes.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ReportView } from "../../src/reports/report_view.ts";
import { txt } from "../fakes/fake_dns_server.ts";
import { FAILED, ReportBench, until } from "../fakes/report_bench.ts";
import { startReportHost } from "../fakes/report_host.ts";
import { session } from "../reports/support.ts";

Deno.test("report send --to sends a copy by mail or HTTPS, and changes nothing", async () => {
  await using bench = await ReportBench.start();
  await using host = startReportHost(bench.outside.hosts, { domain: "web.test" });
  bench.outside.dns.table[`A ${host.host}`] = { answers: [{ type: "A", data: "127.0.0.1" }] };
  bench.count(FAILED, session("b.test"));
  const mailed = await bench.run("send", "A.test", "b.test", "--to", "mailto:me@example.com");
  assertEquals([mailed.code, mailed.err], [0, ""]);
  assertEquals(mailed.out.match(/^[ab]\.test 20\d\d-\d\d-\d\d: sent$/gm)?.length, 2);
  assertEquals(bench.sink.mails.map(({ to }) => to), ["me@example.com", "me@example.com"]);
  assertStringIncludes(bench.sink.mails[0]!.content, "DKIM-Signature: ");
  const posted = await bench.run("send", "a.test", "--to", `https://${host.host}/r`);
  assertEquals([posted.code, host.posts.length], [0, 1], posted.err);
  host.answer = "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n";
  const failed = await bench.run("send", "a.test", "--to", `https://${host.host}/r`);
  assertEquals(failed.code, 1);
  assertStringIncludes(failed.err, "HTTP status 500");
  assertEquals(bench.deliveries(), {});
  for (
    const [args, code, text] of [
      [["none.test", "--to", "mailto:me@example.com"], 1, "nothing was counted for none.test"],
      [["a.test", "--to", "ftp://x"], 2, "neither mailto nor https"],
      [["--to", "mailto:me@example.com"], 2, "needs a DOMAIN"],
      [["a.test", "--day", "today"], 2, "'--day' takes a date"],
      [["a b"], 2, "not a domain"],
    ] as const
  ) {
    const result = await bench.run("send", ...args);
    assertEquals(result.code, code);
    assertStringIncludes(result.err, text);
  }
});

Deno.test("report show --mail prints the mail that would be sent, and sends nothing", async () => {
  await using bench = await ReportBench.start();
  bench.publish("a.test", "https://web.test/r", "mailto:r@a.test", "mailto:s@a.test");
  bench.publish("web.test", "https://web.test/r");
  bench.count(FAILED, session("web.test"), session("b.test"));
  const shown = await bench.run("show", "a.test", "--mail");
  assertEquals([shown.code, shown.err], [0, "note: s@a.test gets the report too\n"]);
  assertEquals([bench.sink.mails.length, bench.deliveries()], [0, {}]);
  // What is sent differs in time and signature only.
  await bench.run("send", "a.test", "--to", "mailto:r@a.test");
  const same = (mail: string) =>
    mail.replace(/^DKIM-Signature:.*\r\n(?: .*\r\n)+/, "").replace(/^Date: .*/m, "");
  assertEquals(same(shown.out), same(bench.sink.mails[0]!.content));
  assertStringIncludes(
    shown.out,
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com;",
  );

  for (
    const [domain, text] of [
      ["web.test", "its TLSRPT record has no mailto URI"],
      ["b.test", "it has no TLSRPT record"],
    ] as const
  ) {
    const none = await bench.run("show", domain, "--mail");
    assertEquals([none.code, none.out], [1, ""]);
    assertStringIncludes(none.err, `no report goes to ${domain} by mail: ${text}`);
  }
});

Deno.test("report show --mail says why no mail is sent", async () => {
  await using bench = await ReportBench.start();
  bench.publish("a.test", "mailto:r@a.test");
  bench.count(FAILED);
  const text = Deno.readTextFileSync(bench.config);
  Deno.writeTextFileSync(bench.config, text.replace(/^ {2}dkim: .*$/m, ""));
  const shown = await bench.run("show", "a.test", "--mail");
  assertEquals(shown.code, 0);
  assertStringIncludes(shown.err, "note: no mail is sent: mail would not be signed");
  assertEquals(shown.out.includes("DKIM-Signature"), false);
  Deno.writeTextFileSync(bench.config, text.replace(/^ {2}contact: .*$/m, ""));
  const nobody = await bench.run("show", "a.test", "--mail");
  assertEquals(nobody.code, 2);
  assertStringIncludes(nobody.err, "nobody reports");
});

Deno.test("report send makes due what waits, and of a domain what was refused", async () => {
  await using bench = await ReportBench.start();
  bench.publish("a.test", "mailto:r@a.test");
  bench.count(FAILED);
  bench.sink.refuse = () => "550 5.1.1 unknown\r\n";
  await using _daemon = await bench.serve();
  await until(() => bench.deliveries().refused === 1);
  const all = await bench.run("send");
  assertEquals([all.code, all.out], [1, "0 deliveries are due now\n"]);
  bench.sink.refuse = undefined;
  const one = await bench.run("send", "a.test");
  assertEquals([one.code, one.out], [0, "1 delivery is due now\n"], one.err);
  await until(() => bench.deliveries().sent === 1);
  const again = await bench.run("send", "a.test");
  assertEquals(again.code, 1);
  const view = new ReportView(bench.file);
  assertEquals(view.errors(10), []);
  view.close();
});

Deno.test("report status says whether the key is the one in DNS", async () => {
  await using bench = await ReportBench.start();
  bench.count(FAILED);
  assertStringIncludes((await bench.run("status")).out, "DKIM key: the one at s1._domainkey.");
  bench.outside.dns.table["TXT s1._domainkey.example.com"] = txt("v=DKIM1; p=");
  const { mail } = JSON.parse((await bench.run("status", "--json")).out);
  assertStringIncludes(mail, "the key is revoked");
});

Deno.test("report key makes a key once, prints its record, and shows the key to nobody", async () => {
  await using bench = await ReportBench.start();
  const known = await bench.run("key", "example.com");
  assertEquals(known.code, 0);
  assertStringIncludes(known.err, "is there already");
  const strings = [...known.out.matchAll(/"([^"]*)"/g)].map(([, text]) => text);
  assertEquals(strings.join(""), bench.record);
  assertStringIncludes(known.out, "s1._domainkey.example.com. IN TXT ( ");

  const file = `${bench.outside.directory}/new.pem`;
  const args = ["example.com", "--file", file, "--selector", "s2", "--ed25519"];
  const made = await bench.run("key", ...args);
  assertEquals([made.code, made.err], [0, `made ${file}\n`]);
  assertEquals(Deno.statSync(file).mode! & 0o777, 0o600);
  assertStringIncludes(
    made.out,
    's2._domainkey.example.com. IN TXT ( "v=DKIM1; k=ed25519; s=*; p=',
  );
  assertEquals((await bench.run("key", ...args)).out, made.out);
  const other = await bench.run("key", "example.net", "--file", file);
  assertStringIncludes(other.err, "note: report.contact is at example.com: that domain signs");
  assertEquals((await bench.run("key", "a b")).code, 2);
  const bad = await bench.run("key", "example.com", "--file", bench.config);
  assertEquals(bad.code, 3);
  assertStringIncludes(bad.err, "there is no PEM text in it");
});
