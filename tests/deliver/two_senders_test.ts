/**
 * Two mail servers that report to each other, with a Postfix that makes events for report mails too (3.10.0 to 3.10.3):
 * real stores, days that close, and a clock under the test's hand.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import { startDayClose } from "../../src/deliver/day_close.ts";
import { Deliverer } from "../../src/deliver/deliverer.ts";
import { createReportStore, type ReportStore } from "../../src/reports/report_store.ts";
import type { FailureDetail } from "../../src/tlsrpt/report.ts";
import { createFakeDns } from "../fakes/fake_dns.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { DAY, session } from "../reports/support.ts";

const DAY_MS = 86_400_000;

/** One side: it counts, closes days and sends; its mails make sessions to the other side's domain. */
class Side implements Disposable {
  readonly store: ReportStore;
  /** Report mails that it sent. */
  sent = 0;
  readonly #clock: ManualClock;
  readonly #stops: (() => void)[];

  constructor(own: string, { path, clock }: { path: string; clock: ManualClock }) {
    this.#clock = clock;
    const log = createLog({ level: "error", format: "text" });
    const metrics = createMetrics();
    this.store = createReportStore({
      ...{ path, log, metrics, now: () => clock.now(), proven: () => clock.proven() },
      onLastSeen() {},
      sender: () => ({ organization: own, contact: `tls@${own}` }),
    });
    const { store } = this;
    const stopClosing = startDayClose({
      ...{ store, clock, log },
      settle: () => true,
      window: () => 600_000,
      keepDays: () => 7,
    });
    const deliverer = new Deliverer({
      ...{ queue: store, clock, log, metrics },
      warnings: createWarnings({ log, clock }),
      settings: () => ({
        ...{ exclude: [], denyRecipients: [], noMail: undefined, https: false },
        perDestination: 100,
      }),
      lookup: createFakeDns(Object.fromEntries(
        ["a.test", "b.test"].map((domain) => [
          `TXT _smtp._tls.${domain}`,
          [`v=TLSRPTv1; rua=mailto:r@${domain}`],
        ]),
      )).lookup,
      mail: ({ to }) => {
        this.sent++;
        this.count(to.slice(to.indexOf("@") + 1));
        return Promise.resolve({ kind: "accepted" });
      },
      post: () => Promise.reject(new Error("not asked for")),
      random: () => 0.5,
    });
    deliverer.start();
    this.#stops = [stopClosing, () => deliverer.stop()];
  }

  /** A session of today to a domain. */
  count(domain: string, details: readonly FailureDetail[] = []): void {
    const day = Math.floor(this.#clock.now() / DAY_MS);
    this.store.count({ day, counts: [session(domain, { details })] });
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
    this.store.close();
  }
}

/** Both sides for the first hour of a day, in which its reports are sent; then they stop. */
async function live(
  directory: string,
  { day, events }: { day: number; events: (one: Side, other: Side) => void },
): Promise<[number, number]> {
  const clock = new ManualClock((DAY + day) * DAY_MS + 1000);
  using one = new Side("a.test", { path: `${directory}/a.db`, clock });
  using other = new Side("b.test", { path: `${directory}/b.db`, clock });
  events(one, other);
  await clock.advance(3_600_000);
  return [one.sent, other.sent];
}

Deno.test("two senders whose only mail are reports fall silent; a failure is reported all the same", async () => {
  const directory = Deno.makeTempDirSync();
  const failure: FailureDetail = { result: "certificate-expired", count: 1 };
  const days: ((one: Side, other: Side) => void)[] = [
    (one, other) => {
      one.count("b.test");
      other.count("a.test");
    },
    // A report on the mail of the first day goes each way, and makes a session.
    () => {},
    () => {},
    (one) => one.count("b.test", [failure]),
    () => {},
    // Mail beside a report is reported.
    (_, other) => other.count("a.test"),
    () => {},
    () => {},
  ];
  const sent: [number, number][] = [];
  try {
    for (const [day, events] of days.entries()) sent.push(await live(directory, { day, events }));
    assertEquals(sent, [[0, 0], [1, 1], [0, 0], [0, 0], [1, 0], [0, 0], [0, 1], [0, 0]]);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
