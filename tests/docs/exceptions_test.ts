import { assertEquals, assertStringIncludes } from "@std/assert";
import { loadText } from "../config/load_text.ts";

const PAGE = Deno.readTextFileSync(new URL("../../docs/exceptions.md", import.meta.url));

Deno.test("exceptions.md begins with a configuration that loads, one entry of each kind", () => {
  const [, yaml = ""] = /```yaml\n([^]*?)```/.exec(PAGE) ?? [];
  const { config } = loadText(yaml);
  assertEquals(config.domains.map(({ domain, policy, dane }) => [domain, policy, dane]), [
    ["partner.example", "ignore", undefined],
    ["bank.example", "enforce", undefined],
    ["*.corp.example", undefined, "off"],
  ]);
});

Deno.test("exceptions.md names the metrics and the events of exceptions", () => {
  const sources = ["exception_watch.ts"].map((name) =>
    Deno.readTextFileSync(new URL(`../../src/status/${name}`, import.meta.url))
  ).join();
  const words = sources.matchAll(
    /"(mta_sts_exception\w*|exception (?:in|first|has|removed)[a-z ]*)"/g,
  );
  for (const [, word] of words) assertStringIncludes(PAGE, `\`${word}\``);
});
