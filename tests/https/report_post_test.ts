/**
 * The POST of a report over real TLS: to whom it never goes, and what is read of an answer.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { createAddressGuard } from "../../src/base/address_guard.ts";
import { createClock } from "../../src/base/clock.ts";
import { createReportPoster, type ReportPosterOptions } from "../../src/https/report_post.ts";
import { createCertificate } from "../fakes/certificates.ts";
import { createFakeDns } from "../fakes/fake_dns.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { type PolicyHosts, startPolicyHosts } from "../fakes/policy_host.ts";
import { startReportHost } from "../fakes/report_host.ts";
import { everyHost, PUBLIC_ADDRESS } from "./harness.ts";

const BODY = Uint8Array.from({ length: 3000 }, (_, index) => index % 256);

function poster(hosts: PolicyHosts, options: Partial<ReportPosterOptions> = {}) {
  const post = createReportPoster({
    client: hosts.client,
    direct: hosts.direct,
    lookup: createFakeDns(everyHost([PUBLIC_ADDRESS])).lookup,
    guard: createAddressGuard([]),
    concurrency: 10,
    perAddress: 10,
    clock: createClock(),
    ...options,
  });
  return async (url: string) => {
    const result = await post({ url, type: "application/tlsrpt+gzip", body: BODY });
    return result.kind === "answered" ? `${result.status}` : `${result.reason}: ${result.detail}`;
  };
}

Deno.test("a report is posted with its media type, and any status is handed back", async () => {
  await using hosts = startPolicyHosts();
  await using host = startReportHost(hosts, { domain: "a.test" });
  const post = poster(hosts);
  assertEquals(await post(`https://${host.host}/r[1-5]?x=1`), "201");
  const [posted] = host.posts;
  assertStringIncludes(posted!.head, "POST /r[1-5]?x=1 HTTP/1.1\r\n");
  assertStringIncludes(posted!.head.toLowerCase(), "content-type: application/tlsrpt+gzip\r\n");
  assertEquals(posted!.body, BODY);
  for (const status of ["500 No", "404 No", "200 OK"]) {
    host.answer = `HTTP/1.1 ${status}\r\ncontent-length: 2\r\n\r\nok`;
    assertEquals(await post(`https://${host.host}/`), status.slice(0, 3));
  }
  assertEquals(host.posts.length, 4);
});

Deno.test("a redirect is not followed, and a long answer is not read to its end", async () => {
  await using hosts = startPolicyHosts();
  await using host = startReportHost(hosts, { domain: "a.test" });
  await using other = startReportHost(hosts, { domain: "b.test" });
  const post = poster(hosts);
  host.answer = `HTTP/1.1 307 Go\r\nlocation: https://${other.host}/\r\ncontent-length: 0\r\n\r\n`;
  assertEquals(await post(`https://${host.host}/`), "307");
  assertEquals(other.posts.length, 0);
  host.answer = `HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n${"x".repeat(10_000)}`;
  assertEquals(await post(`https://${host.host}/`), "200");
});

Deno.test("nothing is connected to inside our own network, on another port, or with a certificate for another name", async () => {
  await using hosts = startPolicyHosts();
  await using host = startReportHost(hosts, {
    domain: "a.test",
    chain: [createCertificate({ subject: "x.test", dns: ["x.test"], issuer: hosts.authority })],
  });
  for (const address of ["127.0.0.1", "10.0.0.1", "169.254.169.254"]) {
    const lookup = createFakeDns(everyHost([PUBLIC_ADDRESS, address])).lookup;
    const result = await poster(hosts, { lookup })(`https://${host.host}/`);
    assertStringIncludes(result, "address-refused: ");
  }
  assertStringIncludes(await poster(hosts)(`https://${host.host}:8443/`), "port other than 443");
  assertEquals(hosts.connects.length, 0);
  assertStringIncludes(await poster(hosts)(`https://${host.host}/`), "certificate-name: ");
  assertEquals(host.posts.length, 0);
  assertStringIncludes(await poster(hosts)("https://mta-sts.away.test/"), "connect: ");
});

Deno.test("a host that does not answer has 30 seconds", async () => {
  await using hosts = startPolicyHosts();
  await using host = startReportHost(hosts, { domain: "a.test" });
  host.answer = undefined;
  const clock = new ManualClock();
  const posting = poster(hosts, { clock })(`https://${host.host}/`);
  while (host.posts.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await clock.advance(29_000);
  let result: string | undefined;
  posting.then((value) => result = value);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(result, undefined);
  await clock.advance(1000);
  assertEquals(await posting, "timeout: deadline of 30 s passed while waiting for an answer");
});
