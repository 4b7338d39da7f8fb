import { assert, assertEquals } from "@std/assert";
import { closest } from "../../src/config/suggest.ts";
import { isUsable, lintPolicy } from "../../src/publish/lint.ts";
import { LINT_RULES } from "../../src/publish/lint_rules.ts";
import type { LintCode } from "../../src/publish/lint_rules.ts";
import { formatPolicy, parsePolicy } from "../../src/sts/policy.ts";
import { createRandom } from "../fakes/random.ts";

interface Vector {
  readonly id: string;
  readonly body: string;
}

const VECTORS: readonly Vector[] = JSON.parse(
  Deno.readTextFileSync(new URL("../vectors/policies.json", import.meta.url)),
);

const GOOD = "version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 1209600\n";

/** The findings as `line severity code`. */
function lint(text: string): string[] {
  return lintPolicy(text, { suggest: closest })
    .map(({ line, severity, code }) => `${line} ${severity} ${code}`);
}

/** The good policy with lines put in before `max_age`, the fourth line then. */
function withLine(line: string): string {
  return GOOD.replace("max_age", `${line}\nmax_age`);
}

function isAccepted(text: string): boolean {
  try {
    parsePolicy(text);
    return true;
  } catch {
    return false;
  }
}

Deno.test("lintPolicy() has nothing to say about a good policy, with LF, CRLF or no last line end (RFC 8461 §3.2)", () => {
  assertEquals(lint(GOOD), []);
  assertEquals(lint(GOOD.replaceAll("\n", "\r\n")), []);
  assertEquals(lint(GOOD.slice(0, -1)), []);
  assertEquals(lint("mode: none \t\nversion:\tSTSv1\nmax_age:86400"), []);
  assertEquals(lint(formatPolicy({ mode: "testing", mx: ["*.mx.a.example"], maxAge: 604800 })), []);
});

Deno.test("lintPolicy() has an error exactly when the parser refuses: all vectors", () => {
  for (const { id, body } of VECTORS) {
    const findings = lintPolicy(body, { suggest: closest });
    assertEquals(isUsable(findings), isAccepted(body), id);
  }
});

Deno.test("lintPolicy() has an error exactly when the parser refuses: mutated policies", () => {
  const random = createRandom(8461);
  for (let round = 0; round < 3000; round++) {
    const text = random.mutate(random.pick(VECTORS).body.slice(0, 500));
    const findings = lintPolicy(text, { suggest: closest });
    assertEquals(isUsable(findings), isAccepted(text), JSON.stringify(text));
    const last = text.split("\n").length;
    assert(findings.every(({ line }) => line >= 0 && line <= last));
  }
});

Deno.test("lintPolicy() names each departure from the grammar with its line (RFC 8461 §3.2)", () => {
  const cases: [string, string[]][] = [
    ["", ["4 warning blank-line"]],
    [" x: y", ["4 warning leading-space"]],
    ["x : y", ["4 warning space-before-colon"]],
    ["# comment", ["4 warning not-a-field"]],
    ["x:", ["4 warning no-value"]],
    ["x: a\rb", ["4 warning bare-cr"]],
    ["x: a\tb", ["4 warning unprintable"]],
    ["x: a\ufffdb", ["4 warning unprintable"]],
    ["mx: 192.0.2.1", ["4 warning mx-address"]],
    ["mx: [192.0.2.1]", ["4 warning mx-address"]],
    ["mx: 2001:db8::1", ["4 warning mx-address"]],
    ["mx: bücher.example", ["4 warning mx-u-label"]],
    ["mx: *", ["4 warning mx-wildcard"]],
    ["mx: mx*.a.example", ["4 warning mx-wildcard"]],
    ["mx: a.*.example", ["4 warning mx-wildcard"]],
    ["mx: b.example, c.example", ["4 warning mx-several"]],
    ["mx: b.example:25", ["4 warning mx-port"]],
    ["mx: b_c.example", ["4 warning mx-invalid"]],
    ["mx: b.example.", ["4 warning mx-final-dot"]],
    ["mx: B.example", ["4 note mx-upper-case"]],
    ["mx: mx.a.EXAMPLE.", [
      "4 note mx-repeated",
      "4 warning mx-final-dot",
      "4 note mx-upper-case",
    ]],
    ["mx: localhost", ["4 note mx-single-label"]],
    ["mx: *.example", ["4 warning mx-wildcard-wide"]],
    ["mode: none", ["4 warning duplicate-field"]],
    ["mode: maybe", ["4 warning bad-mode", "4 warning duplicate-field"]],
    ["Mx: b.example", ["4 warning misspelt-field"]],
    ["nmx: b.example", ["4 warning misspelt-field"]],
    ["contact: a", ["4 note unknown-field"]],
    ["contact: é", ["4 note unknown-field", "4 note not-ascii"]],
  ];
  for (const [line, expected] of cases) {
    assertEquals(lint(withLine(line)), expected, JSON.stringify(line));
  }
});

Deno.test("lintPolicy() makes errors of what costs the policy", () => {
  const cases: [string, string[]][] = [
    [GOOD.replace("STSv1", "STSv2"), ["1 error bad-version"]],
    [GOOD.replace("version", "\ufeffversion"), ["1 error byte-order-mark"]],
    [GOOD.replace("mode:", "mode :"), ["2 error space-before-colon"]],
    [GOOD.replace("enforce", "Enforce"), ["2 error bad-mode"]],
    [GOOD.replace("mx.a.example", "*"), ["3 error mx-wildcard"]],
    [GOOD.replace("1209600", "1e6"), ["4 error bad-max-age"]],
    [GOOD.replaceAll("\n", "\r"), ["1 error bare-cr"]],
    [GOOD.replace("max_age", "maxage"), ["0 error missing-max-age", "4 warning misspelt-field"]],
    ["version: STSv1\nmode: testing\nmax_age: 1209600\n", ["0 error missing-mx"]],
    ["", [
      "0 error missing-version",
      "0 error missing-mode",
      "0 error missing-max-age",
      "0 error missing-mx",
    ]],
    [GOOD + "x".repeat(65536), ["0 error too-large"]],
  ];
  for (const [text, expected] of cases) assertEquals(lint(text), expected, text.slice(0, 80));
});

Deno.test("lintPolicy() remarks on max_age (RFC 8461 §3.2)", () => {
  const withAge = (age: number) => lint(GOOD.replace("1209600", String(age)));
  assertEquals(withAge(31557600), []);
  assertEquals(withAge(31557601), ["4 warning max-age-over-limit"]);
  assertEquals(withAge(604800), []);
  assertEquals(withAge(604799), ["4 note max-age-short"]);
  assertEquals(withAge(0), ["4 warning max-age-zero"]);
  // RFC 8461 §8.3: a policy on its way out has a short life.
  assertEquals(lint("version: STSv1\nmode: none\nmax_age: 60\n"), []);
});

Deno.test("lintPolicy() tells the A-label of a U-label", () => {
  const [found] = lintPolicy(withLine("mx: bücher.example"), { suggest: closest });
  assertEquals(found?.message, "mx holds characters outside ASCII: it is 'xn--bcher-kva.example'");
});

Deno.test("lintPolicy() takes linear time on many lines", () => {
  const lines = GOOD + "mx: a.example\n".repeat(4000) + "mode: none\n".repeat(700);
  assertEquals(lint(lines).length, 3999 + 700);
});

Deno.test("LINT_RULES has a section and advice for every code, and every code occurs", () => {
  for (const { section, advice } of Object.values(LINT_RULES)) {
    assert(/^\d\.\d$/.test(section) && advice !== "");
  }
  const seen = new Set(
    VECTORS.flatMap(({ body }) => lintPolicy(body, { suggest: closest }))
      .map(({ code }) => code),
  );
  const elsewhere: LintCode[] = ["leading-space", "mx-port", "mx-wildcard-wide"];
  const unseen = Object.keys(LINT_RULES).filter((code) => !seen.has(code as LintCode));
  assertEquals(unseen, elsewhere);
});

Deno.test("docs/publish.md names every finding", async () => {
  const manual = await Deno.readTextFile(new URL("../../docs/publish.md", import.meta.url));
  const unnamed = Object.keys(LINT_RULES).filter((code) => !manual.includes(`\`${code}\``));
  assertEquals(unnamed, []);
});
