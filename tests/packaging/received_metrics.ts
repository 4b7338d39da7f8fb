/**
 * The metrics of a receiver of reports that has seen a failing sender of each kind.
 *
 * @module
 */

import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { checkReceiver } from "../../src/daemon/received_health.ts";
import { declarePostMetrics } from "../../src/daemon/received_post.ts";
import { createReceivedSite } from "../../src/daemon/received_site.ts";
import { parseHead } from "../../src/http/request.ts";
import { DAY_MS } from "../../src/receive/days.ts";
import { createInbox } from "../../src/receive/inbox.ts";
import { createReceivedStore } from "../../src/receive/received_store.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { detailOf, reportOf } from "../receive/support.ts";

/** A noon. */
const NOW = Date.UTC(2026, 10, 29, 12);

/** The metrics as text. */
export async function receivedMetrics(): Promise<string> {
  const directory = Deno.makeTempDirSync();
  const clock = new ManualClock(NOW);
  const metrics = createMetrics();
  const log = createLog({ level: "error", format: "text" });
  const now = () => clock.now();
  const path = `${directory}/received.db`;
  const store = createReceivedStore({ path, log, metrics, now, keepDays: 400 });
  createInbox({
    admit: () => Promise.reject(new TypeError("nothing arrives")),
    store,
    log,
    metrics,
    now,
  });
  declarePostMetrics(metrics);
  for (const authentication of ["dkim", "unsigned"] as const) {
    const day = Math.floor(NOW / DAY_MS) - 1;
    const submitter = `${authentication}.test`;
    store.add(reportOf({ authentication, submitter, day, failed: 1, details: [detailOf()] }));
  }
  const site = await createReceivedSite({
    hostname: "mail.example",
    clock,
    log,
    metrics,
    view: store,
    domains: () => ["a.test"],
    health: () => {
      const state = { error: undefined, isFull: false };
      return checkReceiver({ store: state, maildir: undefined, certificate: undefined }, NOW);
    },
    remedyOf: () => "",
    checkNow: undefined,
    pause: () => Promise.resolve(),
  });
  const { body } = await site(parseHead("GET /metrics HTTP/1.1\r\nhost: localhost")!);
  store.close();
  Deno.removeSync(directory, { recursive: true });
  return String(body);
}
