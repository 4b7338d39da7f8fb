/**
 * Puts reports into a store, and prints a line for each once it is there: `NUMBER KEEPING`.
 *
 * Run as: writer.ts FILE FIRST COUNT
 *
 * @module
 */

import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { DAY_MS } from "../../src/receive/days.ts";
import { createReceivedStore } from "../../src/receive/received_store.ts";
import { DAY, reportOf } from "./support.ts";

const [path = "", first = "0", count = "0"] = Deno.args;
const now = () => (DAY + 1) * DAY_MS + 3_600_000;
const store = createReceivedStore({
  path,
  log: createLog({ level: "error", format: "text" }),
  metrics: createMetrics(),
  now,
  keepDays: 400,
});
const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

for (let index = Number(first); index < Number(first) + Number(count); index++) {
  const keeping = store.add(reportOf({ domain: `d${index % 100}.test`, reportId: `${index}` }));
  say(`${index} ${keeping}`);
}
say("done");
store.close();
