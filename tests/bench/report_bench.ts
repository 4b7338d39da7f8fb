/**
 * `deno task bench-reports [tlsrpt-collectd]`: how many datagrams of Postfix a second the report daemon counts, what that takes of
 * processor, memory and disk, and, if a path to tlsrpt-collectd is given, the same for that. Then it closes a day of 200,000 domains.
 *
 * The sender blocks, so the receiver sets the pace and nothing is lost. Needs Python 3.
 *
 * @module
 */

import { Aggregator } from "../../src/collect/aggregator.ts";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createReportStore } from "../../src/reports/report_store.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { engineFlags } from "../fakes/engine_flags.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const LOAD = new URL("report_load.py", import.meta.url).pathname;

/** Domains, and datagrams sent. */
const RUNS: readonly (readonly [domains: number, datagrams: number])[] = [
  [1000, 200_000],
  [200_000, 200_000],
];

/** Ticks of a second in /proc/PID/stat. */
const TICKS = 100;

interface Collector {
  readonly name: string;
  command(directory: string): readonly string[];
  readonly file: string;
}

const OURS: Collector = {
  name: "mta-sts-resolver",
  file: "reports.db",
  command(directory) {
    const report = `{collect: "unix:${directory}/t.sock", file: "${directory}/reports.db"}`;
    Deno.writeTextFileSync(`${directory}/c.yml`, `report: ${report}\nlog: {level: error}\n`);
    const flags = ["run", "-A", "--quiet", ...engineFlags()];
    return [Deno.execPath(), ...flags, MAIN, "report", "serve", "-c", `${directory}/c.yml`];
  },
};

function theirs(program: string): Collector {
  return {
    name: "tlsrpt-collectd",
    file: "collectd.sqlite",
    command(directory) {
      const lines = [
        "[tlsrpt_collectd]",
        `storage = sqlite://${directory}/collectd.sqlite`,
        `socketname = ${directory}/t.sock`,
      ];
      Deno.writeTextFileSync(`${directory}/c.cfg`, lines.join("\n") + "\n");
      return [program, "--config_file", `${directory}/c.cfg`];
    },
  };
}

async function measure(collector: Collector, [domains, datagrams]: (typeof RUNS)[number]) {
  const directory = Deno.makeTempDirSync();
  const [program, ...args] = collector.command(directory);
  const process = new Deno.Command(program!, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    while (!exists(`${directory}/t.sock`)) await pause(50);
    await pause(500);
    const before = cpuSeconds(process.pid);
    let peak = 0;
    const timer = setInterval(() => peak = Math.max(peak, memory(process.pid)), 100);
    const { stdout } = await new Deno.Command("python3", {
      args: [LOAD, `${directory}/t.sock`, String(datagrams), String(domains)],
    }).output();
    await pause(2000);
    clearInterval(timer);
    const seconds = Number(new TextDecoder().decode(stdout));
    const cpu = cpuSeconds(process.pid) - before;
    process.kill("SIGTERM");
    await process.status;
    return {
      rate: Math.round(datagrams / seconds),
      cpu: Math.round(cpu / datagrams * 1e6),
      megabytes: Math.round(peak / 1024 ** 2),
      octets: Math.round(sizeOf(directory, collector.file) / Math.min(domains, datagrams)),
    };
  } finally {
    try {
      process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    Deno.removeSync(directory, { recursive: true });
  }
}

/** Closes a day of many domains, slice by slice, without the pauses between them. */
function closeDay(domains: number): { seconds: number; longest: number } {
  const directory = Deno.makeTempDirSync();
  const clock = new ManualClock(Date.UTC(2026, 5, 15));
  const metrics = createMetrics();
  const now = () => clock.now();
  const log = createLog({ level: "error", format: "text" });
  const sender = () => ({ organization: "Example", contact: "tls@example.com" });
  const file = { path: `${directory}/r.db`, log, metrics, sender };
  const store = createReportStore({ ...file, now, proven: now, onLastSeen() {} });
  const aggregator = new Aggregator({ store, clock, metrics });
  for (let index = 0; index < domains; index++) {
    const domain = `d${index}.example`;
    const policy = { type: "no-policy-found", domain, strings: [], mxHosts: [] } as const;
    const policies = [{ policy, ok: 1, failed: 0, details: [] }];
    aggregator.add({ domain, record: undefined, policies });
  }
  aggregator.close();
  const started = performance.now();
  let longest = 0;
  let slices = 0;
  for (let isDone = false; !isDone;) {
    // As the daemon does once a second, which has 200 slices.
    if (++slices % 200 === 0) store.flush();
    const slice = performance.now();
    const open = store.nextToClose(1e6)!;
    isDone = store.planSlice(open, { limit: 50, dueAt: () => 0 });
    longest = Math.max(longest, performance.now() - slice);
  }
  const seconds = (performance.now() - started) / 1000;
  store.close();
  Deno.removeSync(directory, { recursive: true });
  return { seconds, longest };
}

function cpuSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function memory(pid: number): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}

function sizeOf(directory: string, prefix: string): number {
  return Array.from(Deno.readDirSync(directory))
    .filter(({ name }) => name.startsWith(prefix) && !/-(?:wal|shm)$/.test(name))
    .reduce((sum, { name }) => sum + Deno.statSync(`${directory}/${name}`).size, 0);
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.main) {
  const [program] = Deno.args;
  const collectors = [OURS, ...(program === undefined ? [] : [theirs(program)])];
  console.log("collector\tdomains\tdatagrams/s\tCPU µs each\tMB\toctets a domain");
  for (const run of RUNS) {
    for (const collector of collectors) {
      const { rate, cpu, megabytes, octets } = await measure(collector, run);
      console.log([collector.name, run[0], rate, cpu, megabytes, octets].join("\t"));
    }
  }
  const { seconds, longest } = closeDay(200_000);
  console.log(
    `200,000 domains queued in ${seconds.toFixed(1)} s, longest slice ${longest.toFixed(1)} ms`,
  );
}
