/**
 * The metrics of the receiver of reports: docs/tls-reports-receiving.md has them all.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { receivedMetrics } from "./received_metrics.ts";

/** The rows of the table. */
async function liveRows(): Promise<string[]> {
  const metrics = await receivedMetrics();
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

Deno.test("docs/tls-reports-receiving.md has the metrics of the receiver, all of them", async () => {
  const path = new URL("../../docs/tls-reports-receiving.md", import.meta.url);
  const rows = Deno.readTextFileSync(path).split("\n")
    .filter((line) => line.startsWith("| `mta_sts_"));
  assertEquals(rows.map((row) => row.replaceAll(/ +/g, " ")), await liveRows());
});
