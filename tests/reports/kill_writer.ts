/**
 * Counts sessions, closes the day and ends deliveries until it is killed; prints a line for each domain once it is stored.
 *
 * Run as: kill_writer.ts FILE DOMAINS
 *
 * @module
 */

import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createReportStore } from "../../src/reports/report_store.ts";
import { bare, DAY } from "./support.ts";

const [path = "", domains = "0"] = Deno.args;
const now = () => (DAY + 1) * 86_400_000 + 3_600_000;
const store = createReportStore({
  path,
  log: createLog({ level: "error", format: "text" }),
  metrics: createMetrics(),
  now,
  proven: now,
  onLastSeen() {},
  sender: () => ({ organization: "Example", contact: "tls@example.com" }),
});

const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

if (store.lastClosed() === undefined) {
  for (let index = 0; index < Number(domains); index++) {
    const domain = `d${index}.test`;
    if (store.report(DAY, domain) !== undefined) continue;
    if (store.count({ day: DAY, counts: [bare(domain)] }) === 0) say(`counted ${domain}`);
  }
}
for (let open; (open = store.nextToClose(DAY + 1)) !== undefined;) {
  store.planSlice(open, { limit: 7, dueAt: () => now() });
  say(`planned ${open.cursor}`);
}
for (let due; (due = store.due(now(), 5)).length > 0;) {
  for (const { day, domain, uri } of due) {
    if (uri === undefined) store.plan(day, domain, [`mailto:r@${domain}`], now());
    else {
      store.settle({ day, domain, uri }, { state: "sent" });
      say(`sent ${domain}`);
    }
  }
}
say("done");
store.close();
