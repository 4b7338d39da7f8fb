/**
 * Every class of failure, with what `lookup` says of it, the reply Postfix gets and the counter
 * that counts it. The test prints the table it has checked.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { explain } from "../../src/cli/explain.ts";
import { formatExplanation, verdictOf } from "../../src/cli/lookup_report.ts";
import { loadConfig } from "../../src/config/load.ts";
import { DNS_FAILURES } from "../../src/dns/types.ts";
import { FETCH_FAILURES } from "../../src/sts/fetch_failure.ts";
import { tlsrptResult } from "../../src/tlsrpt/result_type.ts";
import type { FetchOutcome } from "../../src/https/types.ts";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createObserver } from "../../src/status/observer.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import { createFakeDns } from "../fakes/fake_dns.ts";
import type { FakeReply } from "../fakes/fake_dns.ts";
import { createWorld, ZONE } from "../fakes/world.ts";

const DOMAIN = "example.com";
const NEXT_HOP = { domain: DOMAIN, bracketed: false, port: 25 };
const POLICY = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n";
const GOOD: Record<string, FakeReply> = {
  [`TXT _mta-sts.${DOMAIN}`]: ["v=STSv1; id=1;"],
  [`MX ${DOMAIN}`]: [{ preference: 10, exchange: "mx.example.com" }],
};

interface Row {
  readonly failure: string;
  readonly says: string;
  readonly deliver: string;
  readonly defer: string;
  readonly counter: string;
}

/** What `lookup` says, in the line with the reason. */
async function lookupLine(
  table: Record<string, FakeReply>,
  outcome: FetchOutcome,
  reason: string,
): Promise<string> {
  const { config } = loadConfig({
    readTextFile: () => {
      throw new Deno.errors.NotFound();
    },
    env: () => undefined,
  });
  const { clock } = createWorld();
  const explanation = await explain(NEXT_HOP, {
    config,
    zone: ZONE,
    network: { dns: createFakeDns(table), fetchPolicy: () => Promise.resolve(outcome) },
    clock,
    validates: true,
    cached: { kind: "read", from: "nobody", policy: undefined },
  });
  assertEquals(verdictOf(explanation), "failure");
  const line = formatExplanation(explanation).split("\n").find((text) => text.includes(reason));
  assert(line !== undefined, `lookup does not name ${reason}`);
  return line.replace(/^ +(TXT record|MX hosts)? */, "");
}

/** The replies in a zone that delivers and in one that defers, and the counters that moved. */
async function daemonRow(table: Record<string, FakeReply>, outcome: FetchOutcome) {
  const world = createWorld({ table });
  world.hosts[DOMAIN] = outcome;
  const deliver = await world.reply(DOMAIN);
  const defer = await world.reply(DOMAIN, { onDnsFailure: "defer" });
  const metrics = createMetrics();
  const log = createLog({ level: "error", format: "text", write: () => {} });
  const observe = createObserver({
    log,
    metrics,
    warnings: createWarnings({ log, clock: world.clock }),
    now: world.clock.now.bind(world.clock),
    refreshInterval: 86_400_000,
    // Only what is counted shall be there.
    failures: { dns: [], fetch: [] },
  });
  world.events.forEach(observe);
  return { deliver, defer, metrics: metrics.render() };
}

async function row(
  failure: string,
  reason: string,
  { table, outcome, counter }: {
    table: Record<string, FakeReply>;
    outcome: FetchOutcome;
    counter: string;
  },
): Promise<Row> {
  const says = await lookupLine(table, outcome, reason);
  const { deliver, defer, metrics } = await daemonRow(table, outcome);
  assertStringIncludes(metrics, `${counter} `);
  return { failure, says, deliver, defer, counter };
}

Deno.test("lookup, reply and counter distinguish every failure (RFC 8461 §3.1, §3.3)", async () => {
  const rows: Row[] = [];
  const fetched: FetchOutcome = { kind: "fetched", text: POLICY, bytes: POLICY.length };
  for (const reason of DNS_FAILURES) {
    const table = { ...GOOD, [`TXT _mta-sts.${DOMAIN}`]: reason };
    const counter = `mta_sts_txt_lookups_total{result="${reason}"}`;
    rows.push(await row(`TXT: ${reason}`, reason, { table, outcome: fetched, counter }));
  }
  for (const reason of FETCH_FAILURES) {
    const outcome: FetchOutcome = reason === "policy-syntax"
      ? { kind: "fetched", text: "version: STSv1\nmode: enforce\nmax_age: 1\n", bytes: 42 }
      : { kind: "failed", reason, detail: "what was seen" };
    const counter = `mta_sts_fetch_failures_total{reason="${reason}",tlsrpt="${
      tlsrptResult(reason)
    }"}`;
    rows.push(await row(`fetch: ${reason}`, reason, { table: GOOD, outcome, counter }));
  }
  for (const reason of DNS_FAILURES) {
    const table = { ...GOOD, [`MX ${DOMAIN}`]: reason };
    const counter = `mta_sts_mx_lookups_total{result="${reason}"}`;
    rows.push(await row(`MX, TLSA: ${reason}`, reason, { table, outcome: fetched, counter }));
  }
  for (const { failure, deliver, defer } of rows) {
    const expected = failure.startsWith("MX") ? "TEMP " : "NOTFOUND ";
    assert(deliver.startsWith(expected), `${failure}: ${deliver}`);
    assert(defer.startsWith(failure.startsWith("fetch") ? "NOTFOUND " : "TEMP "), defer);
  }
  console.table(rows);
});
