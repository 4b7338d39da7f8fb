/**
 * The metrics of received reports: what the store says of the last days, the same after a restart, after an import of
 * old reports, and after the store has forgotten.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createMetrics } from "../../src/base/metrics.ts";
import { checkReceiver } from "../../src/daemon/received_health.ts";
import { SHOWN_MS } from "../../src/daemon/received_overview.ts";
import { createReceivedSite } from "../../src/daemon/received_site.ts";
import { parseHead } from "../../src/http/request.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { daysAgo, failure, outcome, TableView, TODAY } from "../status/received_rows.ts";

/** A daemon over a view: its samples, read at once. */
async function startOver(view: TableView, domains = ["a.test", "b.test"]) {
  const clock = new ManualClock(TODAY);
  const site = await createReceivedSite({
    hostname: "mail.example",
    clock,
    log: { warn() {} },
    metrics: createMetrics(),
    view,
    domains: () => domains,
    health: () => {
      const store = { error: undefined, isFull: false };
      return checkReceiver({ store, maildir: undefined, certificate: undefined }, TODAY);
    },
    remedyOf: () => "",
    checkNow: undefined,
    pause: () => Promise.resolve(),
  });
  const scrape = async () => {
    const { body } = await site(parseHead("GET /metrics HTTP/1.1\r\nhost: localhost")!);
    const lines = String(body).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return lines.map((line) => line.replace("mta_sts_received_", ""));
  };
  return { clock, scrape };
}

/** A view with a sender that fails since yesterday. */
function viewOf(): TableView {
  const view = new TableView();
  for (let days = 10; days >= 1; days--) {
    const isBad = days === 1;
    const sums = { successful: isBad ? 90 : 100, failed: isBad ? 10 : 0 };
    view.rows.outcomes.push(outcome("a.test", daysAgo(days), { submitter: "s.test", ...sums }));
  }
  view.rows.problems.push(
    failure("a.test", daysAgo(1), {
      submitter: "s.test",
      result: "certificate-expired",
      count: 10,
    }),
    failure("a.test", daysAgo(1), { submitter: "s.test", result: "tlsa-invalid", count: 1 }),
  );
  return view;
}

const EXPECTED = [
  'sessions{domain="a.test",policy="sts",authentication="dkim",outcome="successful"} 190',
  'sessions{domain="a.test",policy="sts",authentication="dkim",outcome="failed"} 10',
  'failures{domain="a.test",result="certificate-expired",authentication="dkim"} 10',
  'failures{domain="a.test",result="tlsa-invalid",authentication="dkim"} 1',
  'newly_failing_senders{domain="a.test",authentication="dkim"} 1',
  `coverage_ratio{domain="a.test"} ${10 / 14}`,
  'coverage_ratio{domain="b.test"} 0',
  `last_day_timestamp_seconds{domain="a.test"} ${Date.UTC(2026, 10, 29) / 1000}`,
];

Deno.test("the metrics are about yesterday and the day before, as far as reports have come", async () => {
  const { scrape } = await startOver(viewOf());
  assertEquals(await scrape(), EXPECTED);
});

Deno.test("neither an import of old reports nor what the store forgets changes the metrics", async () => {
  const view = viewOf();
  const { clock, scrape } = await startOver(view);
  assertEquals(await scrape(), EXPECTED);
  // A mailbox of last spring, with an outage in it.
  for (let days = 200; days >= 190; days--) {
    view.rows.outcomes.push(
      outcome("a.test", daysAgo(days), { submitter: "old.test", successful: 0, failed: 5000 }),
    );
    view.rows.problems.push(
      failure("a.test", daysAgo(days), {
        submitter: "old.test",
        result: "certificate-expired",
        count: 5000,
      }),
    );
  }
  await clock.advance(SHOWN_MS);
  assertEquals(await scrape(), EXPECTED);
  view.rows.outcomes.splice(0, view.rows.outcomes.length, ...viewOf().rows.outcomes);
  await clock.advance(SHOWN_MS);
  assertEquals(await scrape(), EXPECTED);
  // A restart begins with the same values.
  assertEquals(await (await startOver(view)).scrape(), EXPECTED);
});

Deno.test("what is over becomes 0, and what is not known has no series", async () => {
  const view = viewOf();
  const { clock, scrape } = await startOver(view);
  await scrape();
  await clock.advance(5 * 86_400_000);
  const samples = await scrape();
  assertEquals(
    samples.filter((line) => /^(?:sessions|failures|newly)/.test(line)).map((line) => line.at(-1)),
    [
      ..."00000",
    ],
  );
  assert(samples.includes(`coverage_ratio{domain="a.test"} ${9 / 14}`));
  assert(!samples.some((line) => line.startsWith('last_day_timestamp_seconds{domain="b.test"')));
});

Deno.test("today is not over, and counts for no coverage", async () => {
  const view = new TableView();
  for (const days of [0, 1, 14, 15]) {
    view.rows.outcomes.push(outcome("a.test", daysAgo(days), { submitter: "s.test" }));
  }
  const samples = await (await startOver(view)).scrape();
  assert(samples.includes(`coverage_ratio{domain="a.test"} ${2 / 14}`), samples.join("\n"));
});

Deno.test("a store that cannot be read leaves the metrics as they were", async () => {
  const view = viewOf();
  const { clock, scrape } = await startOver(view);
  await scrape();
  view.outcomes = () => {
    throw new Error("disk I/O error");
  };
  await clock.advance(SHOWN_MS);
  assertEquals(await scrape(), EXPECTED);
});

Deno.test("no name that a stranger wrote is a label", async () => {
  const view = new TableView();
  for (let index = 0; index < 500; index++) {
    const submitter = `s${index}.test`;
    view.rows.outcomes.push(
      outcome("a.test", daysAgo(1), { submitter, failed: 1, authentication: "unsigned" }),
    );
    view.rows.problems.push(
      failure("a.test", daysAgo(1), {
        submitter,
        mx: `mx${index}.test`,
        reason: `r${index}`,
        result: "unknown",
        authentication: "unsigned",
      }),
    );
  }
  const samples = await (await startOver(view)).scrape();
  assertEquals(samples.length, 7);
  assert(samples.includes('newly_failing_senders{domain="a.test",authentication="unsigned"} 500'));
});
