import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseMxPattern } from "../../src/sts/mx_pattern.ts";
import {
  expiryOf,
  formatPolicy,
  MAX_AGE_LIMIT,
  parsePolicy,
  type Policy,
  POLICY_MAX_BYTES,
  policyOctets,
  policyStrings,
  PolicySyntaxError,
  readPolicyFile,
  readPolicyLines,
} from "../../src/sts/policy.ts";
import { createRandom } from "../fakes/random.ts";
import { assertQuick } from "./timing.ts";
import vectors from "../vectors/policies.json" with { type: "json" };

const GOOD = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmax_age: 86400\n";

/** The parsed policy, or the message of the error; any other error passes. */
function outcome(text: string): Policy | string {
  try {
    return parsePolicy(text);
  } catch (error) {
    if (error instanceof PolicySyntaxError) return error.message;
    throw error;
  }
}

/** A policy of four fields, some of them replaced; the empty string leaves a field out. */
function policyText(fields: Record<string, string>): string {
  const lines = {
    version: "version: STSv1",
    mode: "mode: enforce",
    mx: "mx: a.test",
    max_age: "max_age: 1",
  };
  return Object.values({ ...lines, ...fields }).filter((line) => line !== "").join("\n");
}

Deno.test("parsePolicy() agrees with the vectors (RFC 8461 §3.2)", () => {
  for (const { id, body, expect, policy } of vectors) {
    const result = outcome(body);
    if (expect === "accept") assertEquals(result as unknown, policy as unknown, id);
    else assertEquals(typeof result, "string", id);
  }
});

Deno.test("parsePolicy() takes LF and CRLF, white space after the colon and at the end (RFC 8461 §3.2)", () => {
  const expected = { mode: "enforce", mx: ["mail.example.com"], maxAge: 86400 };
  const texts = [
    GOOD,
    GOOD.replaceAll("\n", "\r\n"),
    GOOD.replaceAll("\n", " \t\r\n"),
    GOOD.replaceAll(": ", ":"),
    GOOD.replaceAll(": ", ":\t  \t"),
    `\n \n\t\r\n${GOOD}\n\n`,
    GOOD.slice(0, -1),
    GOOD.slice(0, -1) + " ",
    GOOD.split("\n").reverse().join("\n"),
  ];
  for (const text of texts) assertEquals(outcome(text) as unknown, expected, JSON.stringify(text));
});

Deno.test("parsePolicy() says what is wrong and where (RFC 8461 §3.2)", () => {
  const notPrinting = "the value holds characters that do not print";
  const noField = "line 1: the line does not begin with a field name and a colon";
  const badMx = "line 3: mx is not a host name or *. and one";
  const table: [Record<string, string>, string][] = [
    [{ version: "" }, "version is missing"],
    [{ version: " version: STSv1" }, "line 1: the line begins with white space"],
    [{ version: "\ufeffversion: STSv1" }, "line 1: the line begins with a byte order mark"],
    [{ version: "version STSv1" }, noField],
    [{ version: "<p>version: STSv1" }, noField],
    [{ version: "version: stsv1" }, "line 1: version is not STSv1"],
    [{ version: "version: STSv1 mode: none" }, "line 1: version is not STSv1"],
    [{ version: "version: STSv1\u00a0" }, "line 1: version is not STSv1"],
    [{ version: "version: STSv1\r\r" }, "line 1: there is a CR without LF, which ends no line"],
    [{ mode: "" }, "mode is missing"],
    [{ mode: "Mode: enforce" }, "mode is missing"],
    [{ mode: "mode : enforce" }, "line 2: there is white space before the colon"],
    [{ mode: "mode:" }, "line 2: the value is missing"],
    [{ mode: "mode: \t" }, "line 2: the value is missing"],
    [{ mode: "mode: Enforce" }, "line 2: mode is not enforce, testing or none"],
    [{ mode: "mode: bogus\nmode: enforce" }, "line 2: mode is not enforce, testing or none"],
    [{ mode: "mode:\nmode: enforce" }, "line 2: the value is missing"],
    [{ mode: "mode: enforce\0" }, `line 2: ${notPrinting}`],
    [{ mode: "mode: enforce\ufffd" }, `line 2: ${notPrinting}`],
    [{ mode: "mode: constructor" }, "line 2: mode is not enforce, testing or none"],
    [{ mx: "" }, "mx is missing"],
    [{ mx: "mx" }, "line 3: the line does not begin with a field name and a colon"],
    [{ mx: "mx:" }, "line 3: the value is missing"],
    [{ mx: "mx: *" }, badMx],
    [{ mx: "mx: 192.0.2.1\nmx: *" }, badMx],
    [{ mode: "mode: testing", mx: "mx: a b" }, badMx],
    [{ max_age: "" }, "max_age is missing"],
    [{ mode: "mode: none", max_age: "" }, "max_age is missing"],
    [{ max_age: "max_age: 1\r" }, "line 4: there is a CR without LF, which ends no line"],
    ...["-1", "+1", "1.0", "1e5", "0x10", "1 0", "12345678901", "١"].map((
      value,
    ): [Record<string, string>, string] => [
      { max_age: `max_age: ${value}` },
      "line 4: max_age is not a number of 1 to 10 digits",
    ]),
    [{ max_age: "max_age: x\nmax_age: 1" }, "line 4: max_age is not a number of 1 to 10 digits"],
  ];
  for (const [fields, message] of table) {
    assertEquals(outcome(policyText(fields)), message, JSON.stringify(fields));
  }
});

Deno.test("parsePolicy() throws an error that carries the line", () => {
  const error = assertThrows(
    () => parsePolicy(policyText({ mode: "\nmode: x" })),
    PolicySyntaxError,
  );
  assertEquals([error.name, error.line, error instanceof SyntaxError], [
    "PolicySyntaxError",
    3,
    true,
  ]);
  assertEquals(
    assertThrows(() => parsePolicy(""), PolicySyntaxError, "version is missing").line,
    0,
  );
});

Deno.test("parsePolicy() lets the first of repeated fields count, and all mx (RFC 8461 §3.2)", () => {
  const text = policyText({
    version: "version: STSv1\nversion: STSv2",
    mode: "mode: testing\nmode: none\nmode: x",
    mx: "mx: B.test\nmx: *.a.test\nmx: b.test.\nmx: bad_one\nmx: c.test",
    max_age: "max_age: 0000000007\nmax_age: 8\nmax_age:",
  });
  assertEquals(parsePolicy(text), {
    mode: "testing",
    mx: ["b.test", "*.a.test", "c.test"],
    maxAge: 7,
  });
});

Deno.test("parsePolicy() needs no mx for mode none (RFC 8461 §3.2)", () => {
  const none = { mode: "none" as const, maxAge: 1 };
  assertEquals(parsePolicy(policyText({ mode: "mode: none", mx: "" })), { ...none, mx: [] });
  assertEquals(parsePolicy(policyText({ mode: "mode: none", mx: "mx: *" })), { ...none, mx: [] });
  assertEquals(parsePolicy(policyText({ mode: "mode: none" })), { ...none, mx: ["a.test"] });
});

Deno.test("parsePolicy() ignores unknown fields, malformed ones too (RFC 8461 §3.2)", () => {
  const lines = [
    "x: y",
    "x:y:z",
    "x: caf\u00e9",
    "x",
    ":",
    "x :",
    "-x: y",
    "é: y",
    "x: \0",
    "x: a\rb",
    "{",
  ];
  assertEquals(parsePolicy(`${lines.join("\n")}\n${GOOD}${lines.join("\r\n")}`), parsePolicy(GOOD));
});

Deno.test("parsePolicy() caps max_age at its limit (RFC 8461 §3.2)", () => {
  for (const [text, seconds] of [["31557600", 31557600], ["31557601", MAX_AGE_LIMIT], ["0", 0]]) {
    assertEquals(parsePolicy(policyText({ max_age: `max_age: ${text}` })).maxAge, seconds);
  }
});

Deno.test("parsePolicy() refuses what is larger than 64 KiB in UTF-8 (RFC 8461 §3.3)", () => {
  const room = POLICY_MAX_BYTES - GOOD.length - "x: ".length;
  assertEquals(parsePolicy(`${GOOD}x: ${"a".repeat(room)}`).maxAge, 86400);
  assertEquals(outcome(`${GOOD}x: ${"a".repeat(room + 1)}`), "larger than 64 KiB");
  const [pairs, odd] = [Math.floor(room / 2), room % 2];
  assertEquals(parsePolicy(`${GOOD}x: ${"é".repeat(pairs)}${"a".repeat(odd)}`).maxAge, 86400);
  assertEquals(outcome(`${GOOD}x: ${"é".repeat(pairs + 1)}`), "larger than 64 KiB");
});

Deno.test("formatPolicy() prints what parsePolicy() reads (RFC 8461 §3.2)", () => {
  const policy: Policy = { mode: "enforce", mx: ["a.test", "*.b.test"], maxAge: 604800 };
  const text =
    "version: STSv1\r\nmode: enforce\r\nmx: a.test\r\nmx: *.b.test\r\nmax_age: 604800\r\n";
  assertEquals(formatPolicy(policy), text);
  assertEquals(parsePolicy(text), policy);
  const none: Policy = { mode: "none", mx: [], maxAge: 0 };
  assertEquals(parsePolicy(formatPolicy(none)), none);
});

Deno.test("policyStrings() quotes the well-formed lines as published (RFC 8460 §4.5)", () => {
  const text =
    "version: STSv1 \r\n\nmode:enforce\t\nMX: a\nmx:\t192.0.2.1\nmx: Mail.Example.com\n" +
    "# comment\nx: \0\nx: a\rb\nx: caf\u00e9 {x}\nx: \ufffd\nx:\n y: z\nnonsense\nmode: bogus\nmax_age: 1";
  assertEquals(policyStrings(text), [
    "version: STSv1",
    "mode:enforce",
    "MX: a",
    "mx: 192.0.2.1",
    "mx: Mail.Example.com",
    "x: caf\u00e9 {x}",
    "mode: bogus",
    "max_age: 1",
  ]);
  assertEquals(policyStrings(""), []);
});

Deno.test("readPolicyLines() judges each line by itself (RFC 8461 §3.2)", () => {
  const problems = (text: string) => readPolicyLines(text).map((line) => line.problem);
  assertEquals(readPolicyLines("mode:\tenforce \r\n\nx"), [
    {
      number: 1,
      text: "mode:\tenforce",
      key: "mode",
      value: "enforce",
      wellFormed: true,
      problem: undefined,
    },
    { number: 2, text: "", key: "", value: "", wellFormed: false, problem: "the line is blank" },
    {
      number: 3,
      text: "x",
      key: "",
      value: "",
      wellFormed: false,
      problem: "the line does not begin with a field name and a colon",
    },
  ]);
  assertEquals(problems(""), []);
  assertEquals(problems("\n"), ["the line is blank"]);
  assertEquals(problems("\ufeffversion: STSv1"), ["the line begins with a byte order mark"]);
  assertEquals(problems("\tmode: none"), ["the line begins with white space"]);
  assertEquals(problems("mode : none"), ["there is white space before the colon"]);
  assertEquals(problems(`${"n".repeat(32)}: 1`), [undefined]);
  assertEquals(problems(`${"n".repeat(33)}: 1`), [
    "the line does not begin with a field name and a colon",
  ]);
  assertEquals(problems("a\rb: 1\rc"), ["the line does not begin with a field name and a colon"]);
  assertEquals(problems("a: 1\rb"), ["there is a CR without LF, which ends no line"]);
  assertEquals(problems("a: \ud800"), ["the value holds characters that do not print"]);
});

Deno.test("parsePolicy() throws nothing but PolicySyntaxError, and prints what it parses (RFC 8461 §3.2)", () => {
  const random = createRandom(32);
  const seeds = vectors.map(({ body }) => body).filter((body) => body.length < 400);
  let parsed = 0;
  for (let round = 0; round < 6000; round++) {
    const text = round % 8 === 0
      ? random.string(random.int(200))
      : random.mutate(random.pick(seeds));
    for (const line of policyStrings(text)) {
      assert(!/[\p{Cc}\p{Cs}]/u.test(line), JSON.stringify(line));
    }
    const policy = outcome(text);
    if (typeof policy === "string") continue;
    parsed++;
    for (const pattern of policy.mx) assertEquals(parseMxPattern(pattern), pattern);
    assert(policy.mx.length > 0 || policy.mode === "none");
    assert(policy.maxAge >= 0 && policy.maxAge <= MAX_AGE_LIMIT);
    assertEquals(parsePolicy(formatPolicy(policy)), policy, JSON.stringify(text));
    assertEquals(parsePolicy(policyStrings(text).join("\n")), policy, JSON.stringify(text));
  }
  assert(parsed > 300 && parsed < 5700);
});

Deno.test("parsePolicy() and policyStrings() take time in proportion to the text", () => {
  const fills = [
    "\n",
    " ",
    "\t\n",
    ":",
    "a:",
    "mx:a\n",
    "mx: ",
    "\r",
    "\ufffd",
    "a-",
    "*.",
    "é",
    "\ud800",
  ];
  for (const fill of fills) {
    const long = fill.repeat(Math.floor((POLICY_MAX_BYTES - GOOD.length) / fill.length));
    for (const text of [GOOD + long, long, `${GOOD}mx: ${long}x`, `${GOOD}x: a${long}x`]) {
      assertQuick(() => outcome(text), `parse ${JSON.stringify(fill)}`);
      assertQuick(() => policyStrings(text), `quote ${JSON.stringify(fill)}`);
    }
  }
});

Deno.test("readPolicyFile() reads policy and quoted lines at once (RFC 8461 §3.2, RFC 8460 §4.5)", () => {
  const text = "version: STSv1\nmode: none\nmax_age:\t5\nodd line\n";
  const file = readPolicyFile(text);
  assertEquals(file, { text, policy: parsePolicy(text), strings: policyStrings(text) });
  assertEquals(expiryOf(file.policy, 1000), 6000);
  assertThrows(() => readPolicyFile("mode: none"), PolicySyntaxError);
});

Deno.test("readPolicyFile() quotes no file with more lines than a reply holds", () => {
  const withLines = (lines: number) =>
    readPolicyFile("version: STSv1\nmode: none\nmax_age: 5\n" + "a:b\n".repeat(lines - 3)).strings;
  assertEquals(withLines(4200).length, 4200);
  assertEquals(withLines(4201), []);
});

Deno.test("policyOctets() counts text, patterns and quoted lines, and wide characters twice", () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, n) => `mx: m${n}.a.b\n`).join("");
  const text = (more: string) => `version: STSv1\nmode: enforce\nmax_age: 86400\n${more}`;
  const octets = (more: string) => policyOctets(readPolicyFile(text(more)));
  const small = octets(lines(1));
  assert(small > text(lines(1)).length && small < 1000, `${small}`);
  // Hundreds of short lines take more than their text.
  assert(octets(lines(200)) > 3 * text(lines(200)).length);
  const note = `${lines(1)}note: ${"x".repeat(1000)}\n`;
  assertEquals(octets(note.replace("xx", "\u20acx")) - octets(note), text(note).length);
});
