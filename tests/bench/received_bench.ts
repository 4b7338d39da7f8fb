/**
 * `deno task bench-received [DOMAINS [SENDERS [DAYS]]]`: how long reports of others take to be read, judged and stored, how
 * large the store gets, and how long a summary takes of one domain and of all. By default 1,000 domains × 20 senders × 30
 * days, which is 600,000 reports.
 *
 * The reports are JSON in gzip, as senders write them; each tenth domain has failures, as some of its senders see them.
 * DKIM is left out: a signature costs a look-up of its key and 0.1 ms.
 *
 * @module
 */

import process from "node:process";
import { gzipSync } from "node:zlib";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createAdmission } from "../../src/receive/admission.ts";
import { DAY_MS, dayNumber, formatDay } from "../../src/receive/days.ts";
import { ReceivedFileView } from "../../src/receive/received_file_view.ts";
import { createReceivedStore } from "../../src/receive/received_store.ts";
import { lastDays, readSummary } from "../../src/receive/summary.ts";
import type { ReceivedStore, ReceivedView } from "../../src/receive/types.ts";
import type { Report } from "../../src/tlsrpt/report.ts";
import type { ResultType } from "../../src/tlsrpt/result_type.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";
import { memoryOf } from "../fakes/memory.ts";
import { createRandom, type Random } from "../fakes/random.ts";

const [domainCount, senderCount, dayCount] = [1000, 20, 30].map((usual, index) =>
  Deno.args[index] === undefined ? usual : parseInt(Deno.args[index], 10)
) as [number, number, number];

const RESULTS: readonly ResultType[] = [
  "certificate-expired",
  "validation-failure",
  "starttls-not-supported",
  "sts-policy-fetch-error",
];

const random = createRandom(8460);
const today = dayNumber(Date.now());
const domains = Array.from({ length: domainCount }, (_, index) => `domain${index}.example.com`);

/** Every tenth domain has failures, as three of ten senders see them on some days. */
function makeReport(domain: number, { sender, day }: { sender: number; day: number }): Report {
  const name = domains[domain]!;
  const begin = (today - 1 - day) * DAY_MS;
  const fails = domain % 10 === 0 && sender % 10 < 3 && random.int(3) > 0;
  const failed = fails ? 1 + random.int(50) : 0;
  const mxHosts = [`mx1.${name}`, `mx2.${name}`];
  const strings = ["version: STSv1", "mode: enforce", ...mxHosts.map((mx) => `mx: ${mx}`)];
  return {
    organization: `Sender ${sender} Inc.`,
    contact: `smtp-tls-reporting@sender${sender}.example.net`,
    reportId: `${formatDay(today - 1 - day)}T00:00:00Z_${name}_${sender}`,
    begin,
    end: begin + DAY_MS - 1000,
    domain: name,
    policies: [{
      type: "sts",
      domain: name,
      strings: [...strings, "max_age: 604800"],
      mxHosts,
      successful: random.int(2000),
      failed,
      details: failed === 0 ? [] : failures(random, { failed, mxHosts, domain }),
    }],
  };
}

function failures(
  random: Random,
  { failed, mxHosts, domain }: { failed: number; mxHosts: readonly string[]; domain: number },
): Report["policies"][number]["details"] {
  const result = RESULTS[domain % RESULTS.length]!;
  return Array.from({ length: 1 + random.int(3) }, (_, index) => ({
    result,
    count: Math.max(1, Math.floor(failed / (index + 1))),
    mxHost: mxHosts[index % 2]!,
    mxHelo: mxHosts[index % 2]!,
    receivingIp: `198.51.100.${random.int(255)}`,
    sendingIp: `192.0.${random.int(20)}.${random.int(255)}`,
    ...(result === "validation-failure" && { reason: "MX_HOSTS_MISMATCH" }),
  }));
}

function openStore(path: string): ReceivedStore {
  const log = createLog({ level: "warn", format: "text" });
  const metrics = createMetrics();
  return createReceivedStore({ path, log, metrics, now: Date.now, keepDays: 400 });
}

/** Time that the processor has worked for this process, ms. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs an action, and says how long it took and the processor worked, ms. */
function timed<T>(action: () => T): { value: T; ms: number; cpu: number } {
  const [start, cpu] = [performance.now(), cpuTime()];
  const value = action();
  return { value, ms: performance.now() - start, cpu: cpuTime() - cpu };
}

/** Elapsed time, and that of the processor, which other work on the machine does not change. */
function seconds({ ms, cpu }: { readonly ms: number; readonly cpu: number }): string {
  return `${(ms / 1000).toFixed(1)} s (processor ${(cpu / 1000).toFixed(1)} s)`;
}

function say(what: string, value: string): void {
  console.log(`${what.padEnd(44)} ${value}`);
}

/** What an import took: elapsed and processor time, ms. */
interface Took {
  ms: number;
  cpu: number;
  worst: number;
}

/** In the order in which they come: day by day, all domains of a sender. Making the reports does not count. */
async function importAll(store: ReceivedStore): Promise<{ all: Took; store: Took }> {
  const admit = createAdmission({
    rules: () => ({ domains: ["*.example.com"].concat(domains), unsigned: "mark", keepDays: 400 }),
    lookupKey: () => Promise.resolve({ kind: "none" }),
    arrivals: () => undefined,
    now: Date.now,
  });
  const [all, inStore] = [{ ms: 0, cpu: 0, worst: 0 }, { ms: 0, cpu: 0, worst: 0 }];
  for (let batch = 0; batch < dayCount * senderCount; batch++) {
    const day = dayCount - 1 - Math.floor(batch / senderCount);
    const made = domains.map((_, domain) =>
      gzipSync(writeReport(makeReport(domain, { sender: batch % senderCount, day })))
    );
    const [start, cpu] = [performance.now(), cpuTime()];
    for (const octets of made) {
      const admission = await admit({ octets, way: "file", at: Date.now() });
      if (admission.kind !== "admitted") throw new Error(JSON.stringify(admission));
      const added = timed(() => store.add(admission.report));
      if (added.value !== "kept") throw new Error(added.value);
      inStore.ms += added.ms;
      inStore.cpu += added.cpu;
      inStore.worst = Math.max(inStore.worst, added.ms);
    }
    store.flush();
    all.ms += performance.now() - start;
    all.cpu += cpuTime() - cpu;
  }
  return { all, store: inStore };
}

function summarizeAll(view: ReceivedView): number {
  const range = lastDays(Date.now(), 7);
  return view.domains().reduce(
    (sum, domain) => sum + readSummary(view, { domain, ...range }).failing,
    0,
  );
}

const directory = Deno.makeTempDirSync({ prefix: "bench-received-" });
try {
  const path = `${directory}/received.db`;
  const reports = domainCount * senderCount * dayCount;
  say("reports", `${domainCount} domains x ${senderCount} senders x ${dayCount} days = ${reports}`);
  const store = openStore(path);
  const took = await importAll(store);
  const perReport = ({ ms, cpu }: Took) =>
    `${seconds({ ms, cpu })}, ${(cpu / reports * 1000).toFixed(0)} us of processor a report`;
  say("read, judged and stored", perReport(took.all));
  say(
    "  of that in the store",
    `${perReport(took.store)}, worst ${took.store.worst.toFixed(0)} ms`,
  );
  const again = timed(() => store.outcomes({ ...lastDays(Date.now(), 400), domain: domains[0]! }));
  say("memory while importing, at most", `${memoryOf(Deno.pid, "VmHWM").toFixed(0)} MB`);
  store.close();
  const octets = Deno.statSync(path).size;
  say("file", `${(octets / 1e6).toFixed(0)} MB, ${(octets / reports).toFixed(0)} octets a report`);
  const view = new ReceivedFileView(path);
  const range = lastDays(Date.now(), 7);
  const one = Array.from(
    { length: 20 },
    (_, index) =>
      timed(() => readSummary(view, { domain: domains[index % domainCount]!, ...range })).ms,
  );
  say(
    "summary of one domain, median and worst",
    `${one.toSorted((a, b) => a - b)[10]!.toFixed(1)} ms, ${Math.max(...one).toFixed(1)} ms`,
  );
  const all = timed(() => summarizeAll(view));
  say(
    "summary of all domains",
    `${seconds(all)} (${all.value} senders with failures)`,
  );
  say(
    "latest 100 reports of a domain",
    `${timed(() => view.reports(domains[1 % domainCount]!, 100)).ms.toFixed(1)} ms`,
  );
  say("all rows of one domain", `${again.ms.toFixed(1)} ms (${again.value.length})`);
  view.close();
  const later = openStore(path);
  const month = Date.now() + 31 * DAY_MS;
  let [slices, worst] = [0, 0];
  const pruned = timed(() => {
    for (let rows = 1; rows > 0; slices++) {
      const slice = timed(() => later.prune(month));
      rows = slice.value;
      worst = Math.max(worst, slice.ms);
    }
  });
  later.close();
  say(
    "bodies dropped after a month",
    `${seconds(pruned)} in ${slices} slices, worst ${worst.toFixed(0)} ms`,
  );
  const left = Deno.statSync(path).size;
  say(
    "file with the counts alone",
    `${(left / 1e6).toFixed(0)} MB, ${(left / reports).toFixed(0)} octets a report`,
  );
} finally {
  Deno.removeSync(directory, { recursive: true });
}
