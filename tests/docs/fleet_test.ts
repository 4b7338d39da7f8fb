/** The examples of docs/fleet.md are configurations, and its tables have every word there is. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "@std/yaml";
import { loadConfig } from "../../src/config/load.ts";
import { readAddress } from "../../src/config/shared.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { Refusals } from "../../src/fleet/refusals.ts";

const DOCUMENT = Deno.readTextFileSync(new URL("../../docs/fleet.md", import.meta.url));

/** The code blocks of a language. */
function blocks(language: string): string[] {
  const form = new RegExp(`^ *\`\`\`${language}\\n([^]*?)^ *\`\`\`$`, "gm");
  return [...DOCUMENT.matchAll(form)].map(([, text]) => dedent(text!));
}

/** Loads a configuration, and says where its engine is. */
function engineOf(yaml: string): string {
  const { config, notes } = loadConfig({
    file: "fleet.md",
    readTextFile: () => yaml,
    env: (name) => name === "HOME" ? "/h" : undefined,
  });
  assertEquals(notes, []);
  const reading = readAddress(config.cache.shared);
  assert(reading.kind === "address", JSON.stringify(reading));
  return reading.address.kind;
}

Deno.test("each configuration in docs/fleet.md names an engine, with a secret", () => {
  const configurations = blocks("yaml").filter((text) => text.startsWith("cache:"));
  assertEquals(configurations.map(engineOf), [
    "redis",
    "postgres",
    "redis",
  ]);
});

Deno.test("the example for Kubernetes is YAML, and its configuration is one", () => {
  const [manifest] = blocks("yaml").filter((text) => text.includes("kind: ConfigMap"));
  const parts = manifest!.split("---\n").map((part) => parse(part)) as Record<string, unknown>[];
  assertEquals(parts.map(({ kind }) => kind), ["Secret", "ConfigMap", "Deployment", "Service"]);
  const map = parts[1] as { data: Record<string, string> };
  const yaml = map.data["mta-sts-resolver.yml"]!;
  assertEquals(engineOf(yaml), "redis");
  assertStringIncludes(yaml, "file: memory");
});

Deno.test("docs/fleet.md has every reason for which an entry is refused", () => {
  const metrics = createMetrics();
  new Refusals({ metrics, warnings: { warn() {} } as never });
  const reasons = metrics.samples("mta_sts_shared_refused_total").map(({ labels }) =>
    labels.reason
  );
  assert(reasons.length > 5);
  const [, table = ""] = DOCUMENT.split("## Refused entries\n");
  for (const reason of reasons) assertStringIncludes(table.split("\n## ")[0]!, `\`${reason}\``);
});

/** Takes away the indent of the first line. */
function dedent(text: string): string {
  const [indent = ""] = /^ */.exec(text) ?? [];
  return text.replaceAll(new RegExp(`^${indent}`, "gm"), "");
}
