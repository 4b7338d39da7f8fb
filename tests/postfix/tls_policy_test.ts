import { assert, assertEquals, assertThrows } from "@std/assert";
import { MAX_REPLY_BYTES } from "../../src/postfix/socketmap.ts";
import { formatAnswer, type ReplyOptions } from "../../src/postfix/tls_policy.ts";
import type { Answer } from "../../src/resolver/types.ts";
import { parsePolicyReply } from "../fakes/postfix_grammar.ts";
import { createRandom } from "../fakes/random.ts";

type SecureAnswer = Extract<Answer, { kind: "secure" }>;

/** Postfix 3.4, and Postfix 3.10. */
const PLAIN: ReplyOptions = { requireSni: true, tlsrpt: false };
const TLSRPT: ReplyOptions = { requireSni: true, tlsrpt: true };

function secure(more: Partial<SecureAnswer> = {}): SecureAnswer {
  return {
    kind: "secure",
    domain: "example.com",
    patterns: ["mx1.example.com", "*.mx.example.com"],
    hosts: undefined,
    policyStrings: ["version: STSv1", "mode: enforce", "mx: mx1.example.com", "max_age: 86400"],
    ...more,
  };
}

Deno.test("formatAnswer() without a policy to enforce is 'NOTFOUND ', space included", () => {
  assertEquals(formatAnswer({ kind: "notfound" }, PLAIN), "NOTFOUND ");
  assertEquals(formatAnswer({ kind: "notfound" }, TLSRPT), "NOTFOUND ");
});

Deno.test("formatAnswer() for DANE names no attributes (RFC 8461 §2)", () => {
  assertEquals(formatAnswer({ kind: "dane-only" }, PLAIN), "OK dane-only");
  assertEquals(formatAnswer({ kind: "dane-only" }, TLSRPT), "OK dane-only");
});

Deno.test("formatAnswer() for 'temp' prints the reason without unprintable characters", () => {
  const reply = formatAnswer(
    { kind: "temp", reason: "DNS timeout\nOK may", cause: "dane-dns" },
    PLAIN,
  );
  assertEquals(reply, "TEMP DNS timeout?OK may");
});

Deno.test("formatAnswer() matches the hosts when known, else the patterns (RFC 8461 §4.1)", () => {
  const match = (more: Partial<SecureAnswer>) => formatAnswer(secure(more), PLAIN);
  assertEquals(
    match({}),
    "OK secure match=mx1.example.com:.mx.example.com servername=hostname",
  );
  assertEquals(
    match({ hosts: ["a.mx.example.com", "mx1.example.com"] }),
    "OK secure match=a.mx.example.com:mx1.example.com servername=hostname",
  );
  // No name twice, also when a host is published twice; order as given.
  assertEquals(
    match({ hosts: ["b.mx.example.com", "a.mx.example.com", "b.mx.example.com"] }),
    "OK secure match=b.mx.example.com:a.mx.example.com servername=hostname",
  );
  assertEquals(
    match({ patterns: ["*.example.com", "a.example.com", "*.example.com"] }),
    "OK secure match=.example.com:a.example.com servername=hostname",
  );
});

Deno.test("formatAnswer() lists the patterns if the answer says so, whatever hosts are known", () => {
  const hosts = ["a.mx.example.com"];
  const reply = (more: Partial<SecureAnswer>) => formatAnswer(secure({ hosts, ...more }), PLAIN);
  const patterns = "OK secure match=mx1.example.com:.mx.example.com servername=hostname";
  assertEquals(reply({ listsPatterns: true }), patterns);
  assertEquals(
    reply({ listsPatterns: false }),
    "OK secure match=a.mx.example.com servername=hostname",
  );
  // What no MX host matches is deferred all the same.
  assertEquals(
    reply({ listsPatterns: true, hosts: [] }),
    "TEMP no MX host of example.com matches its MTA-STS policy",
  );
});

Deno.test("formatAnswer() asks for SNI only where it is wanted (RFC 8461 §7.1)", () => {
  assertEquals(
    formatAnswer(secure({ patterns: ["mx.example.com"] }), { requireSni: false, tlsrpt: false }),
    "OK secure match=mx.example.com",
  );
});

Deno.test("formatAnswer() adds the attributes of Postfix 3.10 in a fixed order", () => {
  assertEquals(
    formatAnswer(
      secure({
        domain: "good.test",
        patterns: ["mx1.good.test"],
        policyStrings: [
          "version: STSv1",
          "mode: enforce",
          "mx: mx1.good.test",
          "max_age: 86400",
        ],
      }),
      TLSRPT,
    ),
    "OK secure match=mx1.good.test servername=hostname policy_type=sts policy_domain=good.test " +
      "mx_host_pattern=mx1.good.test { policy_string = version: STSv1 } " +
      "{ policy_string = mode: enforce } { policy_string = mx: mx1.good.test } " +
      "{ policy_string = max_age: 86400 }",
  );
  assertEquals(parsePolicyReply(formatAnswer(secure({ hosts: ["x.mx.example.com"] }), TLSRPT)), {
    kind: "policy",
    level: "secure",
    match: ["x.mx.example.com"],
    servername: "hostname",
    policyType: "sts",
    policyDomain: "example.com",
    mxHostPatterns: ["mx1.example.com", "*.mx.example.com"],
    policyStrings: secure().policyStrings,
  });
});

Deno.test("formatAnswer() when no MX host is in the policy defers, or leaves it to Postfix 3.10.5", () => {
  const answer = secure({ hosts: [] });
  assertEquals(
    formatAnswer(answer, PLAIN),
    "TEMP no MX host of example.com matches its MTA-STS policy",
  );
  const reply = parsePolicyReply(formatAnswer(answer, TLSRPT));
  assert(reply.kind === "policy");
  // A name that no certificate has, for Postfix 3.10.0 to 3.10.4.
  assertEquals(reply.match, ["mx-not-in-policy.invalid"]);
  assertEquals(reply.mxHostPatterns, answer.patterns);
});

Deno.test("formatAnswer() leaves out lines of the policy that Postfix would stumble over", () => {
  const lines: [line: string, kept: boolean][] = [
    ["comment: {a} {{b}}", true],
    ["comment: a=b, c", true],
    ["comment: gr\u00fc\u00dfe \u{1f600}", true],
    ["comment: {", false],
    ["comment: }", false],
    ["comment: }{", false],
    ["comment: a } { policy_failure = sts-policy-invalid", false],
    ["comment: a\tb", false],
    ["comment: a\nb", false],
    ["comment: a\0b", false],
    ["comment: a\x85b", false],
  ];
  for (const [line, kept] of lines) {
    const reply = formatAnswer(secure({ policyStrings: ["mode: enforce", line] }), TLSRPT);
    const policy = parsePolicyReply(reply);
    assert(policy.kind === "policy");
    assertEquals(policy.policyStrings, kept ? ["mode: enforce", line] : ["mode: enforce"], line);
  }
});

Deno.test("formatAnswer() drops the report lines of a policy that is too long, then defers", () => {
  const line = "comment: " + "x".repeat(1000);
  const long = formatAnswer(secure({ policyStrings: Array(100).fill(line) }), TLSRPT);
  const policy = parsePolicyReply(long);
  assert(policy.kind === "policy");
  assertEquals(policy.policyStrings, []);
  assertEquals(policy.mxHostPatterns, secure().patterns);

  const patterns = Array.from({ length: 4000 }, (_, n) => `mail${n}.mx.example.com`);
  const most = formatAnswer(secure({ patterns }), PLAIN);
  assert(most.length > 80_000 && most.length <= MAX_REPLY_BYTES, `${most.length}`);
  assertEquals(
    formatAnswer(secure({ patterns }), TLSRPT),
    "TEMP the MTA-STS policy of example.com is too long for a reply",
  );
  assertEquals(
    formatAnswer(secure({ patterns: [...patterns, ...patterns.map((p) => `x${p}`)] }), PLAIN),
    "TEMP the MTA-STS policy of example.com is too long for a reply",
  );
});

Deno.test("formatAnswer() fills a reply to the last octet that Postfix takes", () => {
  const print = (line: string) => formatAnswer(secure({ policyStrings: [line] }), TLSRPT);
  const room = MAX_REPLY_BYTES - print("x").length + 1;
  assertEquals(print("x".repeat(room)).length, MAX_REPLY_BYTES);
  assert(!print("x".repeat(room + 1)).includes("policy_string"));
  // Octets count, not characters.
  assert(print("\u00fc".repeat(room / 2)).includes("policy_string"));
  assert(!print("\u00fc".repeat(room / 2 + 1)).includes("policy_string"));
});

Deno.test("formatAnswer() never prints a name that is none", () => {
  const bad = [
    "",
    ".",
    "mx.example.com ciphers=null",
    "mx.example.com:evil.test",
    "mx.example.com\nOK may",
    "-mx.example.com",
    "mx..example.com",
    "b\u00fccher.example",
    "192.0.2.1",
    "*",
    "m*.example.com",
  ];
  for (const name of bad) {
    for (
      const answer of [
        secure({ domain: name }),
        secure({ patterns: [name] }),
        secure({ patterns: ["mx.example.com", name] }),
        secure({ hosts: [name] }),
      ]
    ) {
      const reply = formatAnswer(answer, TLSRPT);
      assertEquals(reply, "TEMP internal error: malformed name in an answer", name);
    }
  }
  for (const patterns of [[], ["MX.example.com"], ["mx.example.com."]]) {
    assertEquals(parsePolicyReply(formatAnswer(secure({ patterns }), PLAIN)).kind, "temp");
  }
  assertEquals(
    parsePolicyReply(formatAnswer(secure({ hosts: ["*.example.com"] }), PLAIN)).kind,
    "temp",
  );
});

Deno.test("formatAnswer() prints for any answer what Postfix reads without complaint", () => {
  const random = createRandom(2018);
  const draw = (text: string) => random.int(3) > 0 ? text : random.mutate(text);
  const list = <T>(most: number, item: () => T) => Array.from({ length: random.int(most) }, item);
  for (let round = 0; round < 3000; round++) {
    const answer = secure({
      domain: draw("example.com"),
      patterns: list(4, () => draw(random.pick(["mx.example.com", "*.example.com"]))),
      hosts: random.pick([undefined, list(3, () => draw("mx.example.com"))]),
      policyStrings: list(4, () => draw("comment: {a} = {b}, c")),
    });
    const options = random.pick([PLAIN, TLSRPT]);
    const reply = parsePolicyReply(formatAnswer(answer, options));
    if (reply.kind !== "policy") continue;
    assertEquals(reply.level, "secure");
    assert(reply.match.length > 0);
    assertEquals(reply.servername, "hostname");
    assertEquals(reply.mxHostPatterns.length > 0, options.tlsrpt);
    const lines = answer.policyStrings.map((line) => line.replace(/^ +| +$/g, ""));
    assert(reply.policyStrings.every((line) => lines.includes(line)));
  }
});

Deno.test("parsePolicyReply() refuses what makes Postfix defer the mail", () => {
  const bad = [
    "NOTFOUND",
    "NOTFOUND x",
    "ok secure match=a",
    "OK ",
    "OK safe match=a",
    "OK secure match=",
    "OK secure match=a:",
    "OK dane match=a",
    "OK secure match=a servername=hostname servername=hostname",
    "OK secure match=a servername=-a",
    "OK secure match=a ciphers",
    "OK secure match=a unknown=x",
    "OK secure match=a policy_type=tlsa",
    "OK secure match=a policy_domain=a.example",
    "OK secure match=a policy_type=sts policy_domain=192.0.2.1",
    "OK secure match=a policy_type=sts { policy_string = } }",
    "OK secure match=a policy_type=sts { policy_string = { }",
    "OK secure match=a policy_type=sts { policy_string = a }x",
    "OK secure\nmatch=a",
    "OK secure match=" + "a".repeat(100_000),
  ];
  for (const reply of bad) assertThrows(() => parsePolicyReply(reply), Error, undefined, reply);
});
