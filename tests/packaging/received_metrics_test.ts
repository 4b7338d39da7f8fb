/**
 * The metrics of the receiver of reports: docs/tls-reports-receiving.md has them all.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { metricRows } from "./metric_rows.ts";
import { receivedMetrics } from "./received_metrics.ts";

Deno.test("docs/tls-reports-receiving.md has the metrics of the receiver, all of them", async () => {
  const path = new URL("../../docs/tls-reports-receiving.md", import.meta.url);
  const rows = Deno.readTextFileSync(path).split("\n")
    .filter((line) => line.startsWith("| `mta_sts_"));
  assertEquals(rows.map((row) => row.replaceAll(/ +/g, " ")), metricRows(await receivedMetrics()));
});
