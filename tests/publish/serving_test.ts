import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHttpServer } from "../../src/http/server.ts";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { STAY_MS } from "../../src/http/waiting_room.ts";
import { createPolicySite } from "../../src/publish/policy_site.ts";
import type { PemPair } from "../../src/http/tls_session.ts";
import { createPolicyTlsSources } from "../../src/publish/policy_tls.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import type { Certificate } from "../fakes/certificates.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const AUTHORITY = createAuthority();
const PATH = "/.well-known/mta-sts.txt";
const POLICY = formatPolicy({ mode: "enforce", mx: ["mx.a.example"], maxAge: 1209600 });

function issue(domain: string): Certificate {
  const host = `mta-sts.${domain}`;
  return createCertificate({ subject: host, dns: [host], issuer: AUTHORITY });
}

/** The policy host of `a.example` and `b.example`, over HTTP and HTTPS. */
function startSite() {
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "text", write: (line) => lines.push(line) });
  const metrics = createMetrics();
  const clock = new ManualClock();
  const policies = new Map(
    ["a.example", "b.example"].map((domain) => [domain, new TextEncoder().encode(POLICY)]),
  );
  const certificates = new Map<string, PemPair>();
  for (const domain of ["a.example", "b.example"]) {
    const { certPem, keyPem } = issue(domain);
    certificates.set(domain, { cert: certPem, key: keyPem });
  }
  const server = createHttpServer({
    ...createPolicySite({ policies, log, metrics }),
    clock,
    log,
    maxConnections: 4,
  });
  const source = createPolicyTlsSources({
    findCertificate: (domain) => certificates.get(domain),
    log,
    metrics,
  });
  const [http, https] = [0, 0].map((port) => Deno.listen({ hostname: "127.0.0.1", port }));
  server.serve(http!);
  server.serve(source(https!));
  return {
    clock,
    policies,
    certificates,
    metrics,
    lines,
    http: http!.addr.port,
    https: https!.addr.port,
    [Symbol.dispose]: () => server.close(),
  };
}

async function converse(conn: Deno.Conn, request: string): Promise<string> {
  await conn.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

async function overHttp(port: number, request: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  return await converse(conn, request);
}

async function overHttps(port: number, name: string, request: string): Promise<string> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  using conn = await Deno.startTls(tcp, { hostname: name, caCerts: [AUTHORITY.certPem] });
  await conn.handshake();
  return await converse(conn, request);
}

function get(host: string, path = PATH): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: test\r\n\r\n`;
}

Deno.test("the policy host serves the policy, as text/plain and nothing else (RFC 8461 §3.2, §3.3)", async () => {
  using site = startSite();
  const reply = await overHttp(site.http, get("mta-sts.a.example"));
  const [head = "", body] = reply.split("\r\n\r\n");
  assertEquals(body, POLICY);
  const fields = head.split("\r\n").map((line) => line.toLowerCase());
  assertEquals(fields[0], "http/1.1 200 ok");
  assert(fields.includes("content-type: text/plain"));
  assert(fields.includes(`content-length: ${POLICY.length}`));
  assert(fields.includes("cache-control: no-store"));
  assert(!fields.some((field) => field.startsWith("location:")));
});

Deno.test("the policy host answers HEAD without the body (RFC 9110 §9.3.2)", async () => {
  using site = startSite();
  const request = get("mta-sts.a.example").replace("GET", "HEAD");
  const reply = await overHttp(site.http, request);
  assertStringIncludes(reply, `content-length: ${POLICY.length}\r\n`);
  assert(reply.endsWith("\r\n\r\n"));
});

Deno.test("the policy host has nothing else to give", async () => {
  using site = startSite();
  const cases: [string, number][] = [
    [get("MTA-STS.A.Example:443"), 200],
    [get("mta-sts.a.example", "/"), 404],
    [get("mta-sts.a.example", `${PATH}/`), 404],
    [get("mta-sts.a.example", `${PATH}?x=1`), 404],
    [get("mta-sts.a.example", `/x/..${PATH}`), 404],
    [get("mta-sts.a.example", "/.well-known%2fmta-sts.txt"), 404],
    [get("mta-sts.a.example", PATH.toUpperCase()), 404],
    [get("a.example"), 404],
    [get("mta-sts.c.example"), 404],
    [get("mta-sts."), 404],
    [get("x.mta-sts.a.example"), 404],
    [get("mta-sts.../a.example"), 400],
    [`GET ${PATH} HTTP/1.0\r\n\r\n`, 404],
    [get("mta-sts.a.example").replace("GET", "POST"), 405],
    [get("mta-sts.a.example").replace("GET", "get"), 400],
    ["\r\n\r\n", 400],
    [get("mta-sts.a.example").replace("\r\n\r\n", `\r\nx: ${"x".repeat(9000)}\r\n\r\n`), 431],
  ];
  for (const [request, status] of cases) {
    const reply = await overHttp(site.http, request);
    assertEquals(reply.split(" ")[1], String(status), request.slice(0, 80));
  }
  const text = site.metrics.render();
  assertStringIncludes(text, 'mta_sts_publish_requests_total{status="200"} 1\n');
  assertStringIncludes(text, 'mta_sts_publish_requests_total{status="404"} 11\n');
});

Deno.test("the policy host logs each request", async () => {
  using site = startSite();
  await overHttp(site.http, get("mta-sts.a.example"));
  await overHttp(site.http, get('x"y'));
  const [first = "", second = ""] = site.lines;
  assertStringIncludes(first, "method=GET host=mta-sts.a.example");
  assertStringIncludes(first, `status=200 bytes=${POLICY.length}`);
  assertStringIncludes(first, "peer=127.0.0.1:");
  assertStringIncludes(second, "status=400");
});

Deno.test("over TLS each name gets its own certificate (RFC 8461 §7.1)", async () => {
  using site = startSite();
  for (const domain of ["a.example", "b.example", "a.example"]) {
    const host = `mta-sts.${domain}`;
    const reply = await overHttps(site.https, host, get(host));
    assert(reply.startsWith("HTTP/1.1 200 OK\r\n"), reply);
    assert(reply.endsWith(POLICY));
  }
});

Deno.test("over TLS a name without a certificate is refused (RFC 6066 §3)", async () => {
  using site = startSite();
  for (const name of ["mta-sts.c.example", "a.example", "127.0.0.1"]) {
    await assertRejects(() => overHttps(site.https, name, ""), Error, "UnrecognisedName");
  }
  const text = site.metrics.render();
  assertStringIncludes(text, 'mta_sts_publish_tls_failures_total{step="name"} 3\n');
});

Deno.test("over TLS the certificate of the moment counts", async () => {
  using site = startSite();
  const host = "mta-sts.a.example";
  const wrong = issue("c.example");
  site.certificates.set("a.example", { cert: wrong.certPem, key: wrong.keyPem });
  await assertRejects(() => overHttps(site.https, host, ""), Error, "not valid for name");
  const renewed = issue("a.example");
  site.certificates.set("a.example", { cert: renewed.certPem, key: renewed.keyPem });
  assertStringIncludes(await overHttps(site.https, host, get(host)), "200 OK");
  site.certificates.set("a.example", { cert: renewed.certPem, key: wrong.keyPem });
  await assertRejects(() => overHttps(site.https, host, ""));
  const text = site.metrics.render();
  assertStringIncludes(text, 'mta_sts_publish_tls_failures_total{step="start"} 1\n');
  assertStringIncludes(text, 'mta_sts_publish_tls_failures_total{step="handshake"} 1\n');
});

Deno.test("over TLS the largest policy arrives whole", async () => {
  using site = startSite();
  const host = "mta-sts.a.example";
  const large = `${POLICY}n: ${"x".repeat(65_536 - POLICY.length - 5)}\r\n`;
  site.policies.set("a.example", new TextEncoder().encode(large));
  const reply = await overHttps(site.https, host, get(host));
  assertEquals(reply.slice(reply.indexOf("\r\n\r\n") + 4), large);
});

Deno.test("over TLS what is no ClientHello ends the connection", async () => {
  using site = startSite();
  assertEquals(await overHttp(site.https, get("mta-sts.a.example")), "");
  const text = site.metrics.render();
  assertStringIncludes(text, 'mta_sts_publish_tls_failures_total{step="hello"} 1\n');
});

Deno.test("over TLS a client that says nothing, or stops in the middle, is ended in time", async () => {
  using site = startSite();
  using silent = await Deno.connect({ hostname: "127.0.0.1", port: site.https });
  using halfway = await Deno.connect({ hostname: "127.0.0.1", port: site.https });
  await halfway.write(Uint8Array.of(22, 3, 1, 2, 0, 1));
  // A request served meanwhile shows that both have been accepted.
  const host = "mta-sts.a.example";
  await overHttps(site.https, host, get(host));
  await site.clock.advance(10_000);
  const buffer = new Uint8Array(10);
  assertEquals([await silent.read(buffer), await halfway.read(buffer)], [null, null]);
});

/** What the runtime's own client sends first. */
async function captureHello(hostname: string): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using server = await listener.accept();
  using tls = await Deno.startTls(client, { hostname });
  const shaking = tls.handshake().catch(() => {});
  const buffer = new Uint8Array(16_384);
  const count = await server.read(buffer) ?? 0;
  server.closeWrite();
  await shaking;
  return buffer.slice(0, count);
}

Deno.test("over TLS a client has three seconds for its ClientHello, and three for what follows", async () => {
  using site = startSite();
  const host = "mta-sts.a.example";
  const hello = await captureHello(host);
  using slow = await Deno.connect({ hostname: "127.0.0.1", port: site.https });
  using stopped = await Deno.connect({ hostname: "127.0.0.1", port: site.https });
  await slow.write(hello.subarray(0, 100));
  await stopped.write(hello.subarray(0, 100));
  await overHttps(site.https, host, get(host));
  await site.clock.advance(2_999);
  await stopped.write(hello.subarray(100));
  // The server's part of the handshake has come.
  const buffer = new Uint8Array(16_384);
  await stopped.read(buffer);
  await site.clock.advance(1);
  assertEquals(await slow.read(buffer), null);
  await site.clock.advance(2_998);
  const rest = stopped.read(buffer).catch(() => null);
  await site.clock.advance(1);
  for (let count = await rest; count !== null;) {
    count = await stopped.read(buffer).catch(() => null);
  }
});

Deno.test("over TLS a sender is answered while all places are held", async () => {
  using site = startSite();
  const host = "mta-sts.a.example";
  const hello = await captureHello(host);
  const held: Deno.Conn[] = [];
  const moveOn = async () => {
    if (site.clock.pending > 64) await site.clock.advance(STAY_MS);
  };
  for (let left = 200; left > 0; left--) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: site.https });
    // Every second one begins TLS, and does not end it.
    if (left % 2 === 0) await conn.write(hello);
    held.push(conn);
    await moveOn();
  }
  const asked = overHttps(site.https, host, get(host));
  let isAnswered = false;
  asked.finally(() => isAnswered = true);
  while (!isAnswered) {
    await moveOn();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertStringIncludes(await asked, "200 OK");
  const [, displaced = "0"] =
    /^mta_sts_publish_displaced_total (\d+)$/m.exec(site.metrics.render()) ?? [];
  assert(parseInt(displaced, 10) > 200 - 64, displaced);
  for (const conn of held) conn.close();
});

Deno.test("over TLS more clients than there are places are served in turn", async () => {
  using site = startSite();
  const host = "mta-sts.b.example";
  const replies = await Promise.all(
    Array.from({ length: 20 }, () => overHttps(site.https, host, get(host))),
  );
  assert(replies.every((reply) => reply.endsWith(POLICY)));
});
