import { assert, assertEquals, assertMatch } from "@std/assert";
import { classifyFetchError } from "../../src/https/classify.ts";
import type { FetchFailure } from "../../src/sts/fetch_failure.ts";
import { freePort } from "../fakes/free_port.ts";

/** What the runtime says behind `client error (…): `, beside what tests with real TLS bring about. */
const TEXTS: readonly (readonly [string, FetchFailure, RegExp])[] = [
  ["(Connect): tcp connect error: Connection refused (os error 111)", "connect", /refused/],
  ["(Connect): tcp connect error: Network is unreachable (os error 101)", "connect", /network/],
  ["(Connect): tcp connect error: No route to host (os error 113)", "connect", /route/],
  ["(Connect): tcp connect error: Connection timed out (os error 110)", "connect", /timed out/],
  ["(Connect): Connection reset by peer (os error 104)", "connect", /reset/],
  ["(SendRequest): connection error: Connection reset by peer (os error 104)", "connect", /reset/],
  ["(Connect): unsuccessful tunnel", "connect", /proxy/],
  [
    "(Connect): dns error: failed to lookup address information: Name or service not known",
    "dns",
    /resolver/,
  ],
  [
    '(Connect): Requires net access to "10.0.0.1:443", run again with the --allow-net flag',
    "address-refused",
    /permissions/,
  ],
  ["(Connect): peer is incompatible: NoCipherSuitesInCommon", "tls", /in common/],
  ["(Connect): peer misbehaved: TooMuchEarlyDataReceived", "tls", /protocol/],
  ["(Connect): received fatal alert: InternalError", "tls", /refused/],
  ["(SendRequest): invalid HTTP status-code parsed", "body", /not HTTP/],
  ["(SendRequest): invalid HTTP header parsed", "body", /folded/],
  ["(Connect): received fatal alert: HandshakeFailure", "tls", /CBC/],
  ["(Connect): Proxy server unreachable", "connect", /relay/],
  ["(Connect): something new\x1b[0m", "connect", /^request failed: "[ -~]*something new\\u001b/],
  ["(Connect): invalid peer certificate: Revoked", "certificate-invalid", /"Revoked"$/],
  [
    "(Connect): invalid peer certificate: UnsupportedSignatureAlgorithm",
    "certificate-weak",
    /SHA-1/,
  ],
  [
    "(Connect): invalid peer certificate: certificate expired: at some time",
    "certificate-expired",
    /not told/,
  ],
  [
    '(Connect): invalid peer certificate: certificate not valid for name "mta-sts.x.test"; certificate is only valid for DnsName("a"), DnsName("b"), DnsName("c"), DnsName("d"), DnsName("e") or DnsName("f")',
    "certificate-name",
    /^certificate is for "a, b, c, d, e" and others$/,
  ],
  // Names of the remote decide nothing and print nothing.
  [
    '(Connect): invalid peer certificate: certificate not valid for name "mta-sts.x.test"; certificate is only valid for DnsName("dns error\u202e")',
    "certificate-name",
    /^certificate is for "dns error\\u202e"$/,
  ],
];

Deno.test("classifyFetchError() knows the texts of both shapes of error", () => {
  for (const [text, reason, detail] of TEXTS) {
    const message = `error sending request for url (https://mta-sts.x.test/): client error ${text}`;
    const flat = classifyFetchError(new TypeError(message));
    assertEquals([text, flat.reason], [text, reason]);
    assertMatch(flat.detail, detail);
    const nested = new TypeError("fetch failed", { cause: new Error(message) });
    const { reason: nestedReason, detail: nestedDetail } = classifyFetchError(nested);
    assertEquals([text, nestedReason], [text, reason]);
    assertMatch(nestedDetail, detail);
  }
});

Deno.test("classifyFetchError() takes anything, even causes that never end", () => {
  const circle: Error = new Error("round");
  circle.cause = circle;
  for (const error of [undefined, null, "text", 7, circle, new Error("x".repeat(10_000))]) {
    const { reason, detail } = classifyFetchError(error);
    assertEquals(reason, "connect");
    assert(detail.length < 300);
  }
});

Deno.test("classifyFetchError() knows a refused connection from the real thing", async () => {
  using client = Deno.createHttpClient({});
  const error = await fetch(`https://127.0.0.1:${freePort()}/`, { client }).catch((thrown) =>
    thrown
  );
  assertEquals(classifyFetchError(error), { reason: "connect", detail: "connection refused" });
});

Deno.test("classifyFetchError() knows a reset connection from the real thing", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using client = Deno.createHttpClient({});
  const { port } = listener.addr;
  const failing = fetch(`https://127.0.0.1:${port}/`, { client }).catch((thrown) => thrown);
  const conn = await listener.accept();
  // Something must be there unread, for the system to send a reset rather than an end.
  await conn.read(new Uint8Array(1));
  conn.close();
  const { reason } = classifyFetchError(await failing);
  assert(["connect", "tls"].includes(reason));
});
