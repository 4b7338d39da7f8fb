/**
 * The metrics of a report daemon that has just started.
 *
 * @module
 */

import { createLog } from "../../src/base/log.ts";
import { Aggregator } from "../../src/collect/aggregator.ts";
import { createReportContext } from "../../src/daemon/report_context.ts";
import { startDelivery } from "../../src/daemon/report_delivery.ts";
import { openReportHttp } from "../../src/daemon/report_http.ts";
import { openReportSources } from "../../src/daemon/report_sources.ts";
import { loadConfig } from "../../src/config/load.ts";

/** The metrics as text. */
export async function reportMetrics(): Promise<string> {
  const directory = Deno.makeTempDirSync();
  const text = `report: {collect: "unix:${directory}/t.sock", feed: "unix:${directory}/f.sock"}`;
  const { config } = loadConfig({ file: "x", readTextFile: () => text, env: () => undefined });
  const log = createLog({ level: "error", format: "text" });
  const file = `${directory}/r.db`;
  const context = createReportContext({ config: () => config, log, file });
  const aggregator = new Aggregator({ ...context });
  const delivery = startDelivery(context);
  const sources = await openReportSources({ context, aggregator });
  const close = await openReportHttp({ context, aggregator, delivery });
  const metrics = context.metrics.render();
  close();
  delivery.close();
  sources.close();
  aggregator.close();
  context.store.close();
  Deno.removeSync(directory, { recursive: true });
  return metrics;
}
