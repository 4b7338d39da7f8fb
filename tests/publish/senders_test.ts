import { assertEquals } from "@std/assert";
import { closest } from "../../src/config/suggest.ts";
import { lintPolicy } from "../../src/publish/lint.ts";
import { judgeSenders } from "../../src/publish/senders.ts";

const GOOD = "version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 1209600\n";

/** What is made of it by ours, postfix-mta-sts-resolver, postfix-tlspol, mox and the strict reader. */
function acceptances(text: string): string {
  return judgeSenders(lintPolicy(text, { suggest: closest }))
    .map(({ acceptance }) => acceptance).join(" ");
}

function withLine(line: string): string {
  return GOOD.replace("max_age", `${line}\nmax_age`);
}

Deno.test("judgeSenders() has all senders apply a policy without mistakes", () => {
  assertEquals(acceptances(GOOD), "applies applies applies applies applies");
  assertEquals(acceptances(withLine("contact: a")), "applies applies applies applies applies");
});

Deno.test("judgeSenders() tells senders apart by the mistake", () => {
  const cases: [string, string][] = [
    [withLine(""), "applies applies refuses unknown refuses"],
    [withLine("# comment"), "applies applies refuses refuses refuses"],
    [withLine("contact: é"), "applies refuses applies applies applies"],
    [withLine("mx: 192.0.2.1"), "applies differs refuses unknown unknown"],
    [withLine("mx: b.example."), "applies differs differs unknown refuses"],
    [withLine("mode: none"), "applies differs applies unknown applies"],
    [GOOD.replaceAll("\n", "\r"), "refuses applies refuses refuses refuses"],
    [GOOD.replace("version", "\ufeffversion"), "refuses refuses refuses refuses refuses"],
    [GOOD.replace("1209600", "99999999"), "applies refuses applies applies unknown"],
    [GOOD.replace("1209600", "0"), "applies applies differs unknown applies"],
    [GOOD.replace("1209600", "+5"), "refuses unknown refuses refuses refuses"],
    ["version: STSv1\n", "refuses refuses refuses refuses refuses"],
  ];
  for (const [text, expected] of cases) assertEquals(acceptances(text), expected, text);
});

Deno.test("judgeSenders() gives the reasons of the gravest reaction alone, with their lines", () => {
  const findings = lintPolicy(withLine("\nmx: b.example.\n"), { suggest: closest });
  const [, , tlspol] = judgeSenders(findings);
  assertEquals(tlspol, {
    sender: "postfix-tlspol",
    acceptance: "refuses",
    reasons: [{ why: "a malformed line costs the whole policy", lines: [4, 6] }],
  });
});
