import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../src/cli/cli.ts";
import { describeConfig } from "../../src/config/describe.ts";
import { makeDocs } from "../../tools/docs/docs.ts";
import { EXAMPLE } from "../../tools/docs/man_page.ts";
import { literal, prose, verbatim } from "../../tools/docs/roff.ts";
import { loadText } from "../config/load_text.ts";
import { installed, run, withFile } from "./programs.ts";

const DOCS = makeDocs(new Date("2026-01-02T03:04:05Z"));
const PAGES = Object.entries(DOCS).filter(([name]) => /\.[15]$/.test(name));

/** Programs that find faults in a manual page, each with the arguments before its name. */
const CHECKERS: Readonly<Record<string, readonly string[]>> = {
  man: ["--warnings", "--encoding=UTF-8", "--troff-device=utf8", "--ditroff", "--local-file"],
  groff: ["-man", "-ww", "-Tutf8", "-Z"],
  mandoc: ["-Tlint"],
};

/** The words of a page as a reader sees them, on one line. */
function words(page: string): string {
  const names: Record<string, string> = { rs: "\\", aq: "'", ga: "`", ha: "^", ti: "~" };
  return page
    .replaceAll(/^\.(?:TP|PP|SH|SS|nf|fi|br)(?: |$)/gm, "")
    .replaceAll(/\\f[BIR]|\\&/g, "")
    .replaceAll(/\\\((..)/g, (_, name) => names[name]!)
    .replaceAll(/\\\[u([0-9A-F]+)\]/g, (_, code) => String.fromCodePoint(parseInt(code, 16)))
    .replaceAll("\\-", "-")
    .replaceAll(/\s+/g, " ");
}

/** Prose of the tables as it stands on a page. */
function printed(text: string): string {
  return text.replaceAll("`", "").replaceAll("…", "...").replaceAll(/\s+/g, " ");
}

Deno.test("mta-sts-resolver(1) tells every command, option, status and example", () => {
  const page = words(DOCS["mta-sts-resolver.1"]!);
  for (const { name, operands, description, options, exits = [], examples = [] } of COMMANDS) {
    assertStringIncludes(page, printed(`mta-sts-resolver ${name} [OPTION...] ${operands}`));
    assertStringIncludes(page, printed(`${name} ${operands} ${description.join(" ")}`));
    for (const { name, value = "", text } of options) {
      assertStringIncludes(page, printed(`--${name} ${value} ${text}`));
    }
    for (const [code, text] of exits) assertStringIncludes(page, printed(`${code} ${text}`));
    for (const [call, text] of examples) assertStringIncludes(page, printed(`${call} ${text}`));
  }
});

Deno.test("mta-sts-resolver.yml(5) tells every key, those of the other program apart", () => {
  const page = words(DOCS["mta-sts-resolver.yml.5"]!);
  const [ours, theirs] = page.split("KEYS OF POSTFIX-MTA-STS-RESOLVER");
  for (const { path, text, type, allowed, default: fallback, legacy } of describeConfig()) {
    const expected = [
      path,
      text,
      type === "mapping" ? "" : `Allowed: ${allowed}.`,
      fallback === "" ? "" : `Default: ${fallback}.`,
    ].filter((part) => part !== "").join(" ");
    assertStringIncludes(legacy ? theirs! : ours!, printed(expected));
  }
});

Deno.test("mta-sts-resolver.yml(5) shows a configuration that loads", () => {
  const { config, notes } = loadText(EXAMPLE, { HOME: "/h" });
  assertEquals(notes, []);
  assertEquals(config.zones.get("relay")?.onDnsFailure, "defer");
  assertStringIncludes(DOCS["mta-sts-resolver.yml.5"]!, verbatim(EXAMPLE));
});

Deno.test("manual pages bear version and date, and are ASCII", () => {
  for (const [name, page] of PAGES) {
    assert(/^\.TH MTA\\-STS\\-RESOLVER(?:\.YML)? [15] 2026-01-02 "mta-sts-resolver \d/m.test(page));
    assertEquals(/[^\n -~]/.exec(page), null, name);
  }
});

for (const checker of installed(...Object.keys(CHECKERS))) {
  Deno.test(`${checker} finds nothing wrong with the manual pages`, () => {
    for (const page of PAGES) {
      const { out, err } = withFile(page, (path) => run(checker, ...CHECKERS[checker]!, path));
      assertEquals(checker === "mandoc" ? out + err : err, "", page[0]);
    }
  });
}

Deno.test("prose() has nothing taken for a request or an escape", () => {
  assertEquals(prose(".so /etc/passwd"), "\\&.so /etc/passwd");
  assertEquals(prose("'br\\n a-b"), "\\(aqbr\\(rsn a\\-b");
  assertEquals(prose("the key `a.b` here"), "the key \\fBa.b\\fR here");
  assertEquals(prose("a\n.b"), "a .b");
  assertEquals(literal("…é€"), "...\\[u00E9]\\[u20AC]");
  assertEquals(verbatim("a\n.b"), ".nf\na\n\\&.b\n.fi");
});
