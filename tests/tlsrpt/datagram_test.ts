import { assertEquals } from "@std/assert";
import { DATAGRAM_MAX_OCTETS, readDatagram } from "../../src/tlsrpt/datagram.ts";
import type { DomainCount } from "../../src/tlsrpt/session.ts";
import vectors from "../vectors/tlsrpt_datagrams.json" with { type: "json" };

const ENCODER = new TextEncoder();

function read(message: unknown): ReturnType<typeof readDatagram> {
  return readDatagram(ENCODER.encode(JSON.stringify(message)));
}

/** What a datagram that must be readable says. */
function counted(message: unknown): DomainCount {
  const reading = read(message);
  if (reading.kind === "refused") throw new Error(reading.fault);
  return reading.count;
}

const NONE = { "policy-type": 9, "policy-domain": "a.test", t: 0, f: 0 };

function withDetails(...details: unknown[]) {
  const counts = counted({
    d: "a.test",
    policies: [{ ...NONE, "failure-details": details, f: 1 }],
  });
  return counts.policies[0]!.details;
}

Deno.test("readDatagram() reads what Postfix 3.10 sends", () => {
  const results = vectors.map((text) => readDatagram(ENCODER.encode(text)));
  assertEquals(results.filter(({ kind }) => kind === "refused"), []);
  const failed = results.flatMap((reading) => reading.kind === "read" ? [reading.count] : [])
    .filter(({ policies }) => policies.some((policy) => policy.failed > 0));
  assertEquals(failed.map(({ domain }) => domain).sort(), [
    "badtlsa.dnssec.test",
    "mismatch.test",
    "mismatch.test",
    "nostls.test",
    "perm.test",
  ]);
});

Deno.test("readDatagram() reads a session with everything", () => {
  assertEquals(
    counted({
      dpv: "1",
      d: "Good.TEST.",
      pr: "v=TLSRPTv1; rua=mailto:a@good.test",
      policies: [{
        "policy-type": 2,
        "policy-domain": "Good.TEST",
        "policy-string": ["version: STSv1", "mx: MX.good.test"],
        "mx-host": ["MX.good.test"],
        t: 1,
        f: 1,
        "failure-details": [{
          c: 202,
          s: "192.0.2.1",
          n: "MX.good.test",
          h: "250-mx.example\r\n250-PIPELINING",
          r: "2001:db8::1",
          a: "https://example.com/x",
          f: "why",
        }],
      }],
    }),
    {
      domain: "good.test",
      record: "v=TLSRPTv1; rua=mailto:a@good.test",
      policies: [{
        policy: {
          type: "sts",
          domain: "good.test",
          strings: ["version: STSv1", "mx: MX.good.test"],
          mxHosts: ["mx.good.test"],
        },
        ok: 0,
        failed: 1,
        details: [{
          result: "certificate-host-mismatch",
          count: 1,
          sendingIp: "192.0.2.1",
          mxHost: "mx.good.test",
          mxHelo: "mx.example",
          receivingIp: "2001:db8::1",
          additional: "https://example.com/x",
          reason: "why",
        }],
      }],
    },
  );
});

Deno.test("readDatagram() refuses the malformed with a word", () => {
  const octets: [Uint8Array, string][] = [
    [new Uint8Array(), "empty"],
    [new Uint8Array(DATAGRAM_MAX_OCTETS + 1).fill(0x20), "too-large"],
    [new Uint8Array([0x22, 0xff, 0x22]), "encoding"],
    [ENCODER.encode("hello"), "json"],
    [ENCODER.encode("\ufeff{}"), "json"],
    [ENCODER.encode("[".repeat(100_000)), "json"],
    [ENCODER.encode("[".repeat(100_000) + "]".repeat(100_000)), "shape"],
    [ENCODER.encode("5"), "shape"],
    [ENCODER.encode("null"), "shape"],
    [ENCODER.encode("[]"), "shape"],
    [ENCODER.encode("{}"), "shape"],
  ];
  for (const [datagram, fault] of octets) {
    assertEquals(readDatagram(datagram), { kind: "refused", fault } as never, fault);
  }
  const messages: [unknown, string][] = [
    [{ d: 5, policies: [NONE] }, "shape"],
    [{ d: "a.test", policies: "x" }, "shape"],
    [{ d: "a.test", policies: [] }, "shape"],
    [{ d: "a.test", policies: Array(17).fill(NONE) }, "shape"],
    [{ d: "a.test", pr: ["x"], policies: [NONE] }, "shape"],
    [{ d: "a.test", policies: [5] }, "shape"],
    [{ d: "a.test", policies: [{ ...NONE, "policy-type": 3 }] }, "shape"],
    [{ d: "a.test", policies: [{ ...NONE, "policy-type": "2" }] }, "shape"],
    [{ d: "a.test", policies: [{ ...NONE, "policy-domain": 1 }] }, "shape"],
    [{ d: "a.test", policies: [{ ...NONE, "mx-host": [1] }] }, "shape"],
    [{ d: "a.test", policies: [{ ...NONE, "failure-details": 1 }] }, "shape"],
    [{ d: "a.test", policies: [{ ...NONE, "failure-details": [1] }] }, "shape"],
    [{ dpv: "2", d: "a.test", policies: [NONE] }, "version"],
    [{ dpv: {}, d: "a.test", policies: [NONE] }, "version"],
    [{ d: "", policies: [NONE] }, "domain"],
    [{ d: "192.0.2.1", policies: [NONE] }, "domain"],
    [{ d: "a b.test", policies: [NONE] }, "domain"],
    [{ d: `${"a".repeat(300)}.test`, policies: [NONE] }, "domain"],
  ];
  for (const [message, fault] of messages) {
    assertEquals(read(message), { kind: "refused", fault } as never, JSON.stringify(message));
  }
});

Deno.test("readDatagram() takes protocol 1 by name or without, and several policies of a session", () => {
  for (const dpv of [undefined, "1", 1]) {
    assertEquals(counted({ dpv, d: "a.test", policies: [NONE, NONE] }).policies.length, 2);
  }
});

Deno.test("readDatagram() fills in the policy domain and drops the text where no policy was found", () => {
  const { policies } = counted({
    d: "A.test",
    policies: [{ "policy-type": 9, "policy-string": ["x"], "mx-host": ["y"] }],
  });
  assertEquals(policies[0]!.policy, {
    type: "no-policy-found",
    domain: "a.test",
    strings: [],
    mxHosts: [],
  });
});

Deno.test("readDatagram() puts TLSA records in order and capitals", () => {
  const { policies } = counted({
    d: "a.test",
    policies: [{
      "policy-type": 1,
      "policy-domain": "MX.a.test",
      "policy-string": ["3 1 1 ff", "2 1 1 AA"],
    }],
  });
  assertEquals(policies[0]!.policy, {
    type: "tlsa",
    domain: "mx.a.test",
    strings: ["2 1 1 AA", "3 1 1 FF"],
    mxHosts: [],
  });
});

Deno.test("readDatagram() believes the details where the flag disagrees", () => {
  const policyOf = (policy: unknown) => counted({ d: "a.test", policies: [policy] }).policies[0]!;
  const detail = { c: 201 };
  assertEquals(policyOf({ ...NONE, f: 0, t: 0, "failure-details": [detail] }).failed, 1);
  assertEquals(policyOf({ ...NONE, f: 1, t: 3 }).failed, 1);
  assertEquals(policyOf({ ...NONE, f: 1 }).details, []);
  assertEquals(policyOf({ ...NONE, f: 0 }).ok, 1);
});

Deno.test("readDatagram() gives an unknown code a result and a reason", () => {
  assertEquals(withDetails({ c: 999 }, { c: "x" }, {}), [
    { result: "validation-failure", count: 1, reason: "code-999" },
    { result: "validation-failure", count: 1, reason: "code-unknown" },
    { result: "validation-failure", count: 1, reason: "code-unknown" },
  ]);
});

Deno.test("readDatagram() cuts texts to printable ASCII, and leaves out what is not what it says", () => {
  const [detail] = withDetails({
    c: 205,
    s: "not an address",
    n: "[192.0.2.1]",
    h: "\r\n",
    r: "300.1.1.1",
    a: "javascript:alert(1)",
    f: "\u202e\x1b[31m" + "x".repeat(300),
  });
  assertEquals(detail, {
    result: "validation-failure",
    count: 1,
    reason: "??[31m" + "x".repeat(249),
  });
});

Deno.test("readDatagram() drops a policy text that is too long, and counts on", () => {
  const [count] = counted({
    d: "a.test",
    policies: [{ "policy-type": 2, "policy-string": ["x".repeat(70_000)], "mx-host": ["a"] }],
  }).policies;
  assertEquals(count!.policy.strings, []);
  assertEquals(count!.ok, 1);
});
