/**
 * The metrics of the report daemon: docs/tls-reports.md has them all.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { metricRows } from "./metric_rows.ts";
import { reportMetrics } from "./report_metrics.ts";

Deno.test("docs/tls-reports.md has the metrics of the report daemon, all of them", async () => {
  const manual = Deno.readTextFileSync(new URL("../../docs/tls-reports.md", import.meta.url));
  const rows = manual.split("\n").filter((line) => line.startsWith("| `mta_sts_"));
  assertEquals(rows.map((row) => row.replaceAll(/ +/g, " ")), metricRows(await reportMetrics()));
});
