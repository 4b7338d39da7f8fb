import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { formatConfig } from "../../src/config/show.ts";
import { UsageError } from "../../src/config/usage_error.ts";
import { loadText } from "./load_text.ts";

/** What the entry of one domain comes to. */
function entry(text: string) {
  return loadText(`domains: { ${text} }`).config.domains[0]!;
}

/** The mistakes in a section, without the name of the file. */
function mistakes(text: string): string[] {
  const { message } = assertThrows(() => loadText(`domains:\n${text}`), UsageError);
  return message.split("\n").map((line) => line.replace(/^test\.yml: /, ""));
}

const END = "until: 2026-12-31, reason: ticket 4711";

Deno.test("loadConfig() reads exceptions, their names as A-labels", () => {
  const { config, notes } = loadText(
    `
domains:
  Partner.example.: { policy: ignore, until: 2026-12-31, reason: "their certificate, ticket 4711" }
  bank.example:
    { policy: enforce, mx: ["MX1.bank.example", "*.bücher.example"], dane: off, ${END} }
  "*.Bücher.example": { dane: off, until: "2026-12-31T18:00+01:00", reason: ticket }
`,
    { HOME: "/h" },
  );
  assertEquals(notes, []);
  assertEquals(config.domains, [
    {
      domain: "partner.example",
      policy: "ignore",
      mx: [],
      dane: undefined,
      until: Date.UTC(2027, 0, 1),
      reason: "their certificate, ticket 4711",
    },
    {
      domain: "bank.example",
      policy: "enforce",
      mx: ["mx1.bank.example", "*.xn--bcher-kva.example"],
      dane: "off",
      until: Date.UTC(2027, 0, 1),
      reason: "ticket 4711",
    },
    {
      domain: "*.xn--bcher-kva.example",
      policy: undefined,
      mx: [],
      dane: "off",
      until: Date.UTC(2026, 11, 31, 17),
      reason: "ticket",
    },
  ]);
});

Deno.test("loadConfig() takes the end of an exception as it was written, not as YAML reads it", () => {
  const until = (text: string) =>
    entry(`a.example: { dane: off, reason: x, until: ${text} }`).until;
  const noon = Date.UTC(2026, 11, 31, 12);
  for (const text of ["2026-12-31", '"2026-12-31"']) {
    assertEquals(until(text), Date.UTC(2027, 0, 1), text);
  }
  assertEquals(until("2026-12-31T00:00:00Z"), Date.UTC(2026, 11, 31));
  for (
    const text of ["2026-12-31T12:00Z", "2026-12-31T12:00:00Z", '"2026-12-31 12:00"'].concat(
      "2026-12-31 12:00:00",
      "2026-12-31T14:30:00+02:30",
    )
  ) assertEquals(until(text), noon, text);
  const merged = loadText(`
domains:
  a.example: &all { dane: off, until: 2026-12-31, reason: x }
  b.example: { <<: *all, reason: y }
`).config.domains;
  assertEquals(merged.map(({ until }) => until), [Date.UTC(2027, 0, 1), Date.UTC(2027, 0, 1)]);
});

Deno.test("loadConfig() refuses an exception without an end, a reason or an effect", () => {
  assertEquals(mistakes("  a.example: {}\n  b.example:\n  '*.c.example': {policy: ignore}"), [
    'domains."a.example": must have policy: ignore, policy: enforce or dane: off',
    'domains."a.example".until: must be given: an exception without an end is forgotten',
    'domains."a.example".reason: must be given: whoever finds the exception needs it',
    'domains."b.example": must have policy: ignore, policy: enforce or dane: off',
    'domains."b.example".until: must be given: an exception without an end is forgotten',
    'domains."b.example".reason: must be given: whoever finds the exception needs it',
    'domains."*.c.example".until: must be given: an exception without an end is forgotten',
    'domains."*.c.example".reason: must be given: whoever finds the exception needs it',
  ]);
});

Deno.test("loadConfig() refuses keys of an exception that do not belong together", () => {
  assertEquals(
    mistakes(`
  a.example: {policy: enforce, ${END}}
  b.example: {policy: ignore, mx: mx.b.example, dane: off, ${END}}
  c.example: {dane: off, mx: [mx.b.example], ${END}}`),
    [
      'domains."a.example".mx: must be given with policy: enforce',
      'domains."b.example".mx: must not be given without policy: enforce',
      'domains."b.example".dane: must not be given with policy: ignore, which leaves DANE to Postfix',
      'domains."c.example".mx: must not be given without policy: enforce',
    ],
  );
});

Deno.test("loadConfig() refuses values that an exception cannot have, and names the key", () => {
  const wrong: [string, string][] = [
    [`a.example: {policy: testing, ${END}}`, '.policy: must be one of ignore, enforce, found "tes'],
    [`a.example: {dane: auto, ${END}}`, '.dane: must be off, found "auto"'],
    [`a.example: {polcy: ignore, ${END}}`, ".polcy: unknown key, did you mean policy?"],
    [`a.example: {policy: enforce, mx: [], ${END}}`, ".mx: must be at least one MX host"],
    [`a.example: {policy: enforce, mx: "mx*.a.example", ${END}}`, ".mx: must be an MX host or a"],
    [`a.example: {policy: enforce, mx: 192.0.2.1, ${END}}`, ".mx: must be an MX host or a pat"],
    ["a.example: {dane: off, reason: x, until: never}", ".until: must be a date such as"],
    ["a.example: {dane: off, reason: x, until: 2026-02-30}", ".until: must be a date such as"],
    ["a.example: {dane: off, reason: x, until: 2026-12-31T24:00Z}", ".until: must be a date such"],
    ["a.example: {dane: off, reason: x, until: 20261231}", ".until: must be a date such as 20"],
    ['a.example: {dane: off, reason: " ", until: 2026-12-31}', ".reason: must be one line of te"],
    ['a.example: {dane: off, reason: "a\\nb", until: 2026-12-31}', ".reason: must be one line of"],
    [`a.example: {dane: off, reason: ${"x".repeat(201)}, until: 2026-12-31}`, ".reason: must be"],
  ];
  for (const [text, message] of wrong) {
    assertStringIncludes(mistakes(`  ${text}`).join(), `domains."a.example"${message}`, text);
  }
});

Deno.test("loadConfig() refuses names that no next hop has, and two names of one domain", () => {
  for (const name of ["localhost", "192.0.2.1", "a b.example", "*", "*.", "*.*.example", "a..b"]) {
    const lines = mistakes(`  ${JSON.stringify(name)}: {dane: off, ${END}}`);
    assertEquals(lines, [
      `domains.${
        /^\w+$/.test(name) ? name : JSON.stringify(name)
      }: must be a domain, or *. and a domain, found ${JSON.stringify(name)}`,
    ]);
  }
  assertEquals(
    mistakes(`  bücher.example: {dane: off, ${END}}\n  XN--bcher-kva.example: {dane: off, ${END}}`),
    ['domains."XN--bcher-kva.example": is the same domain as "bücher.example"'],
  );
});

Deno.test("formatConfig() shows exceptions as they would be written", () => {
  const { config } = loadText(`
domains:
  a.example: { policy: ignore, until: 2026-12-31, reason: "their certificate" }
  "*.b.example": { dane: off, until: 2026-12-31T18:00:00+01:00, reason: x }
`);
  assertStringIncludes(
    formatConfig(config),
    `domains:
  "a.example":
    policy: ignore
    until: "2026-12-31"
    reason: "their certificate"
  "*.b.example":
    dane: "off"
    until: "2026-12-31T17:00:00Z"
    reason: "x"
`,
  );
});
