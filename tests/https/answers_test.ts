import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { POLICY_MAX_BYTES } from "../../src/sts/policy.ts";
import type { Dial } from "../../src/https/connect.ts";
import type { FetchTrace } from "../../src/https/types.ts";
import { createCertificate } from "../fakes/certificates.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import {
  type Answer,
  awaitEnd,
  type HostOptions,
  respond,
  startPolicyHosts,
  writeAll,
  writeText,
} from "../fakes/policy_host.ts";
import { createTestFetcher, describe, PUBLIC_ADDRESS } from "./harness.ts";

const POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx.x.test\r\nmax_age: 86400\r\n";

/** Fetches from one host once, and tells the outcome in one line. */
async function fetchFrom(
  host: HostOptions,
  options: { clock?: ManualClock; trace?: FetchTrace } = {},
): Promise<string> {
  const { trace, ...own } = options;
  await using hosts = startPolicyHosts();
  hosts.add("x.test", host);
  const fetchPolicy = createTestFetcher({ hosts, ...own });
  const outcome = await fetchPolicy("x.test", trace && { trace });
  // Neither a second try nor a visit elsewhere.
  assertEquals(hosts.connects, ["mta-sts.x.test:443"]);
  return describe(outcome);
}

Deno.test("fetchPolicy() asks the well-known path of the policy host, and no cache (RFC 8461 §3.2, §3.3)", async () => {
  await using hosts = startPolicyHosts();
  hosts.add("x.test", { policy: POLICY });
  const trace: FetchTrace = { url: "", addresses: [], refused: [] };
  const outcome = await createTestFetcher({ hosts })("x.test", { trace });
  assertEquals(outcome, { kind: "fetched", text: POLICY, bytes: POLICY.length });
  const [request = "", ...more] = hosts.requests;
  assertEquals(more, []);
  const [line, ...headers] = request.split("\r\n");
  assertEquals(line, "GET /.well-known/mta-sts.txt HTTP/1.1");
  for (
    const header of [
      "host: mta-sts.x.test",
      "accept: text/plain",
      "accept-encoding: identity",
      "user-agent: mta-sts-resolver",
    ]
  ) assert(headers.includes(header), header);
  assert(!/^(if-|cookie|cache-control|authorization)/im.test(request), request);
  const { elapsed = -1, ...rest } = trace;
  assert(elapsed >= 0);
  assertEquals(rest, {
    url: "https://mta-sts.x.test/.well-known/mta-sts.txt",
    addresses: [PUBLIC_ADDRESS],
    connected: PUBLIC_ADDRESS,
    refused: [],
    status: 200,
    mediaType: "text/plain",
  });
});

Deno.test("fetchPolicy() names the policy host in the TLS handshake (RFC 8461 §7.1)", async () => {
  let hello = "";
  await fetchFrom({
    raw: async (conn) => {
      const buffer = new Uint8Array(16_384);
      const size = await conn.read(buffer) ?? 0;
      hello = new TextDecoder("latin1").decode(buffer.subarray(0, size));
    },
  });
  assert(hello.includes("mta-sts.x.test"));
});

Deno.test("fetchPolicy() follows no redirect (RFC 8461 §3.3)", async () => {
  for (
    const [status, location] of [
      ["301 Moved Permanently", "https://mta-sts.x.test/.well-known/other.txt"],
      ["302 Found", "http://mta-sts.x.test/.well-known/mta-sts.txt"],
      ["303 See Other", "/elsewhere"],
      ["307 Temporary Redirect", "https://www.example.com/"],
      ["308 Permanent Redirect", "https://127.0.0.1/"],
    ] as const
  ) {
    const answer = respond(POLICY, {
      status,
      headers: ["content-type: text/plain", `location: ${location}`],
    });
    assertEquals(
      await fetchFrom({ answer }),
      `redirect: HTTP status ${status.slice(0, 3)}, to "${location}"`,
    );
  }
  const answer = respond("", { status: "302 Found", headers: [] });
  assertEquals(await fetchFrom({ answer }), 'redirect: HTTP status 302, to ""');
});

Deno.test("fetchPolicy() quotes and cuts the text of the remote", async () => {
  const location = `https://x.test/\x1b[2J\u00e9"${"a".repeat(300)}`;
  const answer: Answer = (conn) =>
    writeAll(
      conn,
      // Header values may be any octets: here Latin-1 and an escape character.
      Uint8Array.from(
        `HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: ${location}\r\n\r\n`,
        (unit) => unit.charCodeAt(0),
      ),
    );
  const outcome = await fetchFrom({ answer });
  assertMatch(outcome, /^[ -~]*$/);
  assertLess(outcome.length, 300);
});

Deno.test("fetchPolicy() accepts status 200 alone (RFC 8461 §3.3)", async () => {
  for (
    const status of [
      "201 Created",
      "203 Non-Authoritative Information",
      "204 No Content",
      "206 Partial Content",
      "300 Multiple Choices",
      "304 Not Modified",
      "404 Not Found",
      "500 Internal Server Error",
      "503 Service Unavailable",
    ]
  ) {
    // These have no body, whatever their headers say.
    const body = /^(204|304)/.test(status) ? "" : POLICY;
    const outcome = await fetchFrom({ answer: respond(body, { status }) });
    assertEquals(outcome, `status: HTTP status ${status.slice(0, 3)}`);
  }
  const hinted: Answer = async (conn, head) => {
    await writeText(conn, "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n");
    await respond(POLICY)(conn, head);
  };
  assertEquals(await fetchFrom({ answer: hinted }), `fetched ${POLICY.length}`);
});

Deno.test("fetchPolicy() insists on text/plain (RFC 8461 §3.2)", async () => {
  for (
    const [headers, expected] of [
      [["content-type: text/plain; charset=utf-8"], /^fetched/],
      [["Content-Type: TEXT/PLAIN;charset=iso-8859-1;x=y"], /^fetched/],
      [[], /^media-type: media type is "", not "text\/plain"$/],
      [["content-type:"], /^media-type: /],
      [["content-type: text/html"], /^media-type: media type is "text\/html", not/],
      [["content-type: application/octet-stream"], /^media-type: /],
      [["content-type: text/plainx"], /^media-type: /],
      [["content-type: text/plain", "content-type: text/html"], /^media-type: /],
      // nginx with add_header over a default of the same.
      [["content-type: text/plain", "content-type: text/plain"], /^fetched/],
      [["content-type: text/plain; charset=utf-8", "content-type: text/plain"], /^fetched/],
    ] as const
  ) {
    assertMatch(await fetchFrom({ answer: respond(POLICY, { headers }) }), expected);
  }
});

Deno.test("fetchPolicy() leaves a BOM in the text and replaces malformed UTF-8", async () => {
  await using hosts = startPolicyHosts();
  hosts.add("x.test", { answer: respond(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0xff, 0x62)) });
  const outcome = await createTestFetcher({ hosts })("x.test");
  assertEquals(outcome, { kind: "fetched", text: "\ufeffa\ufffdb", bytes: 6 });
});

Deno.test("fetchPolicy() accepts 64 KiB and not an octet more (RFC 8461 §3.3)", async () => {
  const full = "a".repeat(POLICY_MAX_BYTES);
  const unannounced = (body: string): Answer => (conn) =>
    writeText(conn, `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n${body}`);
  assertEquals(await fetchFrom({ answer: respond(full) }), "fetched 65536");
  assertEquals(await fetchFrom({ answer: unannounced(full) }), "fetched 65536");
  const tooLarge = "too-large: body is above 65536 bytes";
  assertEquals(await fetchFrom({ answer: respond(`${full}a`) }), tooLarge);
  assertEquals(await fetchFrom({ answer: unannounced(`${full}a`) }), tooLarge);
});

Deno.test("fetchPolicy() refuses a body announced as too large before it comes", async () => {
  const answer: Answer = async (conn) => {
    await writeText(
      conn,
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 65537\r\n\r\n",
    );
    await awaitEnd(conn);
  };
  assertEquals(await fetchFrom({ answer }), "too-large: body is above 65536 bytes");
});

Deno.test("fetchPolicy() breaks off an endless body", async () => {
  const chunked = "transfer-encoding: chunked";
  for (const framing of [chunked, `content-length: 5\r\n${chunked}`, "connection: close"]) {
    const ended = Promise.withResolvers<void>();
    const block = "a".repeat(0x4000);
    const answer: Answer = async (conn) => {
      try {
        await writeText(conn, `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n${framing}\r\n\r\n`);
        for (;;) await writeText(conn, framing.endsWith(chunked) ? `4000\r\n${block}\r\n` : block);
      } finally {
        ended.resolve();
      }
    };
    await using hosts = startPolicyHosts();
    hosts.add("x.test", { answer });
    const outcome = await createTestFetcher({ hosts })("x.test");
    assertEquals(describe(outcome), "too-large: body is above 65536 bytes");
    // The host notices that nobody listens any more.
    await ended.promise;
  }
});

Deno.test("fetchPolicy() is not undone by content codings nobody asked for", async () => {
  const gzip = async (text: string): Promise<Uint8Array> => {
    const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const coded = (body: Uint8Array | string, coding: string) =>
    fetchFrom({
      answer: respond(body, {
        headers: ["content-type: text/plain", `content-encoding: ${coding}`],
      }),
    });
  assertEquals(
    await coded(await gzip(POLICY), "gzip"),
    'encoding: content coding "gzip", though identity was asked for',
  );
  const bomb = await gzip("a".repeat(100 * POLICY_MAX_BYTES));
  assertLess(bomb.length, POLICY_MAX_BYTES);
  assertMatch(await coded(bomb, "gzip"), /^encoding: /);
  assertMatch(await coded("not brotli", "br"), /^encoding: content coding "br", /);
  assertMatch(await coded("x", "zstd"), /^encoding: content coding "zstd", /);
  assertEquals(await coded(POLICY, "Identity"), `fetched ${POLICY.length}`);
});

Deno.test("fetchPolicy() refuses an answer that is cut off", async () => {
  for (
    const answer of [
      "content-length: 100\r\n\r\nversion: STSv1\r\n",
      "transfer-encoding: chunked\r\n\r\n10\r\nversion",
      "transfer-encoding: chunked\r\n\r\nno size\r\n",
    ]
  ) {
    const outcome = await fetchFrom({
      answer: (conn) => writeText(conn, `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n${answer}`),
    });
    assertEquals(outcome, "body: body is incomplete or cannot be decoded");
  }
});

Deno.test("fetchPolicy() takes the end of the connection for no answer", async () => {
  await using hosts = startPolicyHosts();
  hosts.add("x.test", { answer: () => {} });
  const outcome = await createTestFetcher({ hosts })("x.test");
  assertEquals(describe(outcome), "body: connection ended before the answer");
  assertEquals(hosts.requests.length, 1);
});

Deno.test("fetchPolicy() refuses what is not HTTP, and headers without end", async () => {
  const garbage: Answer = (conn) => writeText(conn, "220 mail.x.test ESMTP\r\n\r\n");
  assertEquals(await fetchFrom({ answer: garbage }), "body: answer is not HTTP");
  const endless: Answer = async (conn) => {
    await writeText(conn, "HTTP/1.1 200 OK\r\n");
    for (;;) await writeText(conn, `x: ${"a".repeat(0x4000)}\r\n`);
  };
  assertEquals(await fetchFrom({ answer: endless }), "too-large: headers are too large");
});

Deno.test("fetchPolicy() tells what is wrong with TLS", async () => {
  const alert = (description: number) => async (conn: Deno.Conn) => {
    await conn.read(new Uint8Array(16_384));
    await writeAll(conn, Uint8Array.of(21, 3, 1, 0, 2, 2, description));
    await awaitEnd(conn);
  };
  for (
    const [raw, expected] of [
      // protocol_version, as a server for TLS 1.1 at most says it; unrecognized_name; handshake_failure.
      [alert(70), "tls: host does not speak TLS 1.2 or 1.3"],
      [alert(112), "tls: host does not know its name"],
      [
        alert(40),
        "tls: no TLS version or cipher in common: TLS 1.2 with CBC or finite-field DHE alone does not do",
      ],
      // access_denied.
      [alert(49), "tls: host refused the TLS handshake"],
      [
        (conn: Deno.Conn) => writeText(conn, "HTTP/1.1 400 Bad Request\r\n\r\n"),
        "tls: host does not speak TLS",
      ],
      [() => {}, "tls: connection ended during the TLS handshake"],
    ] as const
  ) assertEquals(await fetchFrom({ raw }), expected);
});

Deno.test("fetchPolicy() ends by the deadline, whatever is slow (RFC 8461 §3.3)", async () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\n";
  // The host moves the clock when the client is where the deadline shall find it, and hangs up after it.
  const stall = (clock: ManualClock) => clock.advance(10_000);
  const drip = async (clock: ManualClock, conn: Deno.Conn, text: string) => {
    for (const octet of text) {
      await writeText(conn, octet);
      await clock.advance(1000);
    }
  };
  const cases: [
    phase: string,
    host: (clock: ManualClock, headRead: Promise<void>) => HostOptions,
  ][] = [
    ["an answer", (clock) => ({
      raw: async (conn) => {
        await conn.read(new Uint8Array(16_384));
        await stall(clock);
      },
    })],
    ["an answer", (clock) => ({ answer: () => stall(clock) })],
    ["an answer", (clock) => ({ answer: (conn) => drip(clock, conn, head) })],
    ["the body", (clock, headRead) => ({
      answer: async (conn) => {
        await writeText(conn, head);
        await headRead;
        await stall(clock);
      },
    })],
    ["the body", (clock, headRead) => ({
      answer: async (conn) => {
        await writeText(conn, head);
        await headRead;
        await drip(clock, conn, POLICY);
      },
    })],
  ];
  for (const [phase, host] of cases) {
    const clock = new ManualClock();
    const headRead = Promise.withResolvers<void>();
    const trace: FetchTrace = {
      url: "",
      addresses: [],
      refused: [],
      // The last that is noted of a head.
      set mediaType(_: string) {
        headRead.resolve();
      },
    };
    assertEquals(
      await fetchFrom(host(clock, headRead.promise), { clock, trace }),
      `timeout: deadline of 10 s passed while waiting for ${phase}`,
    );
  }
});

Deno.test("fetchPolicy() says that a header line is folded, which the platform does not take", async () => {
  for (const fold of [" c", "\tc"]) {
    const answer: Answer = (conn) =>
      writeText(
        conn,
        `HTTP/1.1 200 OK\r\nx-a: b\r\n${fold}\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n\r\n`,
      );
    assertEquals(await fetchFrom({ answer }), "body: a header line is folded or malformed");
  }
});

Deno.test("fetchPolicy() says that a body may have been cut off when TLS is not ended", async () => {
  await using inner = startPolicyHosts();
  await using hosts = startPolicyHosts();
  const chain = [
    createCertificate({
      subject: "x",
      dns: ["mta-sts.x.test"],
      issuer: hosts.authority,
    }),
  ];
  inner.add("x.test", {
    chain,
    answer: (conn) =>
      writeText(conn, `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n${POLICY}`),
  });
  hosts.add("x.test", { raw: (conn) => forwardWithoutAlerts(conn, inner.direct.dial) });
  const outcome = await createTestFetcher({ hosts })("x.test");
  assertEquals(
    describe(outcome),
    "body: connection ended without TLS close_notify, so the body may have been cut off",
  );
});

/** Octets of an alert in a record of TLS 1.3, with its type and its tag; no other record is so short. */
const ALERT_BYTES = 2 + 1 + 16;

/** Takes a client to a host, but not the host's alerts to the client. */
async function forwardWithoutAlerts(conn: Deno.Conn, dial: Dial): Promise<void> {
  const { signal } = new AbortController();
  const host = await dial({ host: "mta-sts.x.test", address: PUBLIC_ADDRESS }, signal);
  const upward = conn.readable.pipeTo(host.writable).catch(() => {});
  let pending = new Uint8Array();
  for await (const chunk of host.readable) {
    pending = Uint8Array.from([...pending, ...chunk]);
    while (pending.length >= 5) {
      const size = pending[3]! * 256 + pending[4]!;
      if (pending.length < 5 + size) break;
      if (size !== ALERT_BYTES) await writeAll(conn, pending.subarray(0, 5 + size));
      pending = pending.slice(5 + size);
    }
  }
  conn.close();
  await upward;
}
