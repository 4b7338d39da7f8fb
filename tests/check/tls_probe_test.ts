import { assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { createTlsProbe, type TlsProbe, type TlsProbeOptions } from "../../src/check/tls_probe.ts";
import { PROBE_TIMEOUT_MS } from "../../src/check/probe_timeout.ts";
import { createClock } from "../../src/base/clock.ts";
import { freePort } from "../fakes/free_port.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { type SmtpServer, startSmtpServer } from "../fakes/smtp_server.ts";
import { Authorities } from "./world.ts";

const HOST = "mx1.example.com";
const TARGET = { host: HOST, address: "192.0.2.1", port: 25, smtp: true };
const authorities = new Authorities();

/** The certificates that a host showed. */
function chainOf(result: TlsProbe): readonly Uint8Array[] {
  return result.kind === "unconnected" ? [] : result.presented?.chain ?? [];
}

function probeOf(server: SmtpServer, options: Partial<TlsProbeOptions> = {}) {
  return createTlsProbe({
    clock: createClock(),
    timeout: PROBE_TIMEOUT_MS,
    caCerts: [authorities.root.certPem],
    connect: () => Deno.connect({ hostname: "127.0.0.1", port: server.port }),
    ...options,
  });
}

Deno.test("createTlsProbe() verifies a mail host, and shows its certificate (RFC 8461 §4.2)", async () => {
  const chain = authorities.chain(HOST);
  await using server = startSmtpServer({ chain });
  const result = await probeOf(server)(TARGET);
  assertEquals(result.kind, "verified");
  assertEquals(chainOf(result)[0], new Uint8Array(chain[0]?.der ?? []));
  // The last word may still be under way when the next connection begins.
  assertEquals(server.commands.filter((command) => command !== "*QUIT"), [
    "EHLO [127.0.0.1]",
    "STARTTLS",
    "*EHLO [127.0.0.1]",
    "EHLO [127.0.0.1]",
    "STARTTLS",
  ]);
});

Deno.test("createTlsProbe() verifies a web host without SMTP (RFC 8461 §3.3)", async () => {
  await using server = startSmtpServer({ chain: authorities.chain(HOST), implicit: true });
  const result = await probeOf(server)({ ...TARGET, smtp: false });
  assertEquals(result.kind, "verified");
  assertEquals(server.commands, []);
});

Deno.test("createTlsProbe() shows the certificate that was refused, too", async () => {
  await using server = startSmtpServer({ chain: authorities.chain("other.example") });
  const result = await probeOf(server)(TARGET);
  assertEquals(result.kind === "failed" && result.id, "certificate-name");
  assertGreater(chainOf(result).length, 0);
});

Deno.test("createTlsProbe() trusts the authorities it is given, and no others", async () => {
  await using server = startSmtpServer({ chain: authorities.chain(HOST) });
  const result = await probeOf(server, { caCerts: [] })(TARGET);
  assertEquals(result.kind === "failed" && result.id, "certificate-untrusted");
});

Deno.test("createTlsProbe() looks at no certificate where the session ends before TLS", async () => {
  await using server = startSmtpServer();
  const result = await probeOf(server)(TARGET);
  assertEquals(result, {
    kind: "failed",
    id: "smtp-no-starttls",
    detail: 'offers "SIZE 8BITMIME"',
  });
  assertEquals(server.commands.includes("STARTTLS"), false);
});

Deno.test("createTlsProbe() tells a refused connection from one that never comes about", async () => {
  const probe = createTlsProbe({ clock: createClock(), timeout: PROBE_TIMEOUT_MS });
  const refused = await probe({ ...TARGET, address: "127.0.0.1", port: freePort() });
  assertEquals(refused, { kind: "unconnected", how: "refused", detail: "connection refused" });
});

Deno.test("createTlsProbe() gives up connecting in time, and lets go of the attempt", async () => {
  const clock = new ManualClock();
  let aborted = false;
  const probe = createTlsProbe({
    clock,
    timeout: PROBE_TIMEOUT_MS,
    connect: ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => {
          aborted = true;
          reject(signal.reason);
        });
      }),
  });
  const result = probe(TARGET);
  await clock.advance(PROBE_TIMEOUT_MS);
  assertEquals(await result, {
    kind: "unconnected",
    how: "timeout",
    detail: "connection timed out",
  });
  assertEquals(aborted, true);
  assertEquals(clock.pending, 0);
});

Deno.test("createTlsProbe() closes a connection that comes about too late", async () => {
  const clock = new ManualClock();
  const late = Promise.withResolvers<Deno.TcpConn>();
  const probe = createTlsProbe({
    clock,
    timeout: PROBE_TIMEOUT_MS,
    connect: () => late.promise,
  });
  const result = probe(TARGET);
  await clock.advance(PROBE_TIMEOUT_MS);
  assertEquals((await result).kind, "unconnected");
  await using server = startSmtpServer();
  late.resolve(await Deno.connect({ hostname: "127.0.0.1", port: server.port }));
  await late.promise;
  // An open connection would be a leak that the test run reports.
});

Deno.test("createTlsProbe() says in words of its own why an address cannot be reached", async () => {
  const probe = createTlsProbe({
    clock: createClock(),
    timeout: PROBE_TIMEOUT_MS,
    connect: () => Promise.reject(new Error("Network is unreachable (os error 101)\x1b[2J")),
  });
  const result = await probe(TARGET);
  assertEquals(result.kind === "unconnected" && result.how, "unreachable");
  assertStringIncludes(result.kind === "unconnected" ? result.detail : "", "\\u001b");
});

Deno.test("createTlsProbe() ends a handshake that hangs within the time for one address", async () => {
  const clock = new ManualClock();
  const begun = Promise.withResolvers<void>();
  await using server = startSmtpServer({
    rawTls: async (conn) => {
      const buffer = new Uint8Array(4096);
      await conn.read(buffer);
      begun.resolve();
      while (await conn.read(buffer) !== null);
    },
    hello: "250-mx\r\n250 STARTTLS\r\n",
  });
  const result = probeOf(server, { clock })(TARGET);
  await begun.promise;
  const start = clock.now();
  await clock.advance(PROBE_TIMEOUT_MS);
  const { kind, ...rest } = await result;
  assertEquals(kind, "failed");
  assertEquals("id" in rest && rest.id, "tls-failed");
  assertLess(clock.now() - start, PROBE_TIMEOUT_MS + 1);
});
