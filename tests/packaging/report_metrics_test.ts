/**
 * The metrics of the report daemon: docs/tls-reports.md has them all.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { reportMetrics } from "./report_metrics.ts";

/** The rows of the table. */
async function liveRows(): Promise<string[]> {
  const metrics = await reportMetrics();
  return metrics.split("# HELP ").slice(1).map((block) => {
    const [head = "", type = "", ...samples] = block.split("\n");
    const [name = ""] = head.split(" ");
    const labels = new Set<string>();
    for (const sample of samples) {
      for (const [, label] of sample.matchAll(/[{,]([a-z_]+)="/g)) labels.add(label!);
    }
    const list = [...labels].sort().map((label) => `\`${label}\``).join(", ");
    const help = head.slice(name.length + 1);
    return `| \`${name}\` | ${type.split(" ").at(-1)} | ${list} | ${help} |`.replaceAll(/ +/g, " ");
  }).sort();
}

Deno.test("docs/tls-reports.md has the metrics of the report daemon, all of them", async () => {
  const manual = Deno.readTextFileSync(new URL("../../docs/tls-reports.md", import.meta.url));
  const rows = manual.split("\n").filter((line) => line.startsWith("| `mta_sts_"));
  assertEquals(rows.map((row) => row.replaceAll(/ +/g, " ")), await liveRows());
});
