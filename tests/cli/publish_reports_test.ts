/**
 * `publish` and received TLS reports: the record that leads here, and what reports say before a policy is enforced.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { DAY_MS } from "../../src/receive/days.ts";
import { createReceivedStore } from "../../src/receive/received_store.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import { createCertificate } from "../fakes/certificates.ts";
import { type Outside, startOutside } from "../fakes/daemon.ts";
import { detailOf, reportOf } from "../receive/support.ts";
import { cli } from "./support.ts";

/** A domain with an MX host, and a configuration with these keys. */
async function configure(outside: Outside, domain: string, received: string): Promise<string> {
  outside.dns.table[`MX ${domain}`] = {
    answers: [{ type: "MX", data: { preference: 10, exchange: `mx.${domain}` } }],
  };
  return await outside.configure(`received: ${received}`);
}

Deno.test("publish init proposes the TLSRPT record that ends in this receiver", async () => {
  await using outside = await startOutside();
  const { directory } = outside;
  const { certPem } = createCertificate({ subject: "x", dns: ["reports.a.example"] });
  await Deno.writeTextFile(`${directory}/fullchain.pem`, certPem);
  const config = await configure(
    outside,
    "mail.a.example",
    `{domains: ["*.a.example"], maildir: ${directory}/Maildir, listen: "127.0.0.1:8465", ` +
      `certs: ${directory}, token: abc}`,
  );
  const init = (domain: string, ...more: string[]) =>
    cli("publish", "init", domain, "--config", config, "--out", directory, "--no-smtp", ...more);
  const { code, out, err } = await init("mail.a.example");
  assertEquals([code, err], [0, ""]);
  assertStringIncludes(
    out,
    '_smtp._tls.mail.a.example. IN TXT "v=TLSRPTv1; rua=mailto:tls-reports@mail.a.example,' +
      'https://reports.a.example/abc"',
  );
  assertStringIncludes(
    out,
    `Note: Deliver mail to tls-reports@mail.a.example into ${directory}/Maildir`,
  );
  const named = await init("mail.a.example", "--force", "--rua", "tls@b.example");
  assertStringIncludes(named.out, 'rua=mailto:tls@b.example"');
  // Of a domain that is not received, nothing is proposed.
  outside.dns.table["MX b.example"] = outside.dns.table["MX mail.a.example"]!;
  const other = await init("b.example");
  assertStringIncludes(other.out, "Mode testing is of no use without reports");
});

Deno.test("publish roll does not enforce a policy that would cost mail, by the reports received", async () => {
  await using outside = await startOutside();
  const { directory } = outside;
  const file = `${directory}/a.example.txt`;
  const testing = formatPolicy({ mode: "testing", mx: ["mx.a.example"], maxAge: 1_209_600 });
  await Deno.writeTextFile(file, testing);
  const path = `${directory}/received.db`;
  const config = await configure(outside, "a.example", `{domains: [a.example], file: ${path}}`);
  const roll = (...more: string[]) =>
    cli(
      ...["publish", "roll", "a.example", "--config", config, "--out", directory],
      ...["--mode", "enforce", "--wait", "0", ...more],
    );
  const store = createReceivedStore({
    path,
    log: createLog({ level: "error", format: "text", write() {} }),
    metrics: createMetrics(),
    now: Date.now,
    keepDays: 400,
    allowUnsafeDirectory: true,
  });
  try {
    const day = Math.floor(Date.now() / DAY_MS) - 2;
    const details = [detailOf({ count: 3, mxHost: "mx.a.example" })];
    store.add(reportOf({ domain: "a.example", day, ok: 97, failed: 3, details }));
    const { code, err } = await roll();
    assertEquals(code, 1);
    assertStringIncludes(err, "in the last 14 days: 100 sessions, of which 3 would have failed");
    assertStringIncludes(err, "sender.test: 3 of 100: certificate-expired at mx.a.example");
    assertStringIncludes(err, "3 of 100 sessions would have failed under enforce, more than 0.1 %");
    assertStringIncludes(err, "to do it anyway, use --force");
    assertEquals(await Deno.readTextFile(file), testing);
    const forced = await roll("--force");
    assertStringIncludes(forced.out, "of which 3 would have failed");
    assertStringIncludes(await Deno.readTextFile(file), "mode: enforce");
  } finally {
    store.close();
  }
});

Deno.test("publish roll says that no reports came, and enforces", async () => {
  await using outside = await startOutside();
  const { directory } = outside;
  const file = `${directory}/a.example.txt`;
  await Deno.writeTextFile(
    file,
    formatPolicy({ mode: "testing", mx: ["mx.a.example"], maxAge: 1_209_600 }),
  );
  const received = `{domains: [a.example], file: ${directory}/none.db}`;
  const config = await configure(outside, "a.example", received);
  const { out } = await cli(
    ...["publish", "roll", "a.example", "--config", config, "--out", directory],
    ...["--mode", "enforce", "--wait", "0"],
  );
  assertStringIncludes(out, "no TLS report about a.example came in the last 14 days");
  assertStringIncludes(await Deno.readTextFile(file), "mode: enforce");
});
