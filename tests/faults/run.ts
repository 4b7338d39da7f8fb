/**
 * Breaks one thing after the other under a running daemon, and reports what became of its answers.
 *
 * For each fault: a daemon with known policies is asked for them all the time; the fault is brought
 * about, held for some seconds, and ended; then a domain never seen before must be found and stored.
 * At last the daemon is killed, and another one must know every policy with DNS switched off.
 *
 * Prints a table and, as the last line, `N passed, N failed`.
 *
 * Run as: run.ts [PART OF A FAULT'S NAME…]
 *
 * @module
 */

import { CacheView } from "../../src/cache/cache_view.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import type { Daemon, Outside } from "../fakes/daemon.ts";
import { createRandom } from "../fakes/random.ts";
import { configure, countLost, learn, makeCacheDirectory } from "./ground.ts";
import { startProbe } from "./probe.ts";
import type { Tally } from "./probe.ts";
import { FAULTS } from "./scenarios.ts";
import type { Fault } from "./scenarios.ts";

/** Known domains. */
const DOMAINS = 40;

/** How long a fault lasts, ms: several checks, retries and flushes. */
const HOLD_MS = 5000;

/** What is allowed. */
const LIMITS = { p99: 50, rss: 180, recovery: 75 };

/** A small file system for the faults that need one, bytes. */
const MOUNT_SIZE = 4 * 1024 * 1024;

/** Kills of the daemon while it stores policies, each within this time of its first answer, ms. */
const KILLS = 50;
const KILL_WITHIN_MS = 150;

interface Report {
  readonly fault: string;
  readonly answers: number;
  readonly wrong: number;
  readonly p99: number;
  readonly worst: number;
  readonly peakRss: number;
  readonly lost: number;
  readonly recovery: number;
  readonly verdict: string;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function runFault(fault: Fault): Promise<Report> {
  await using outside = await startOutside();
  const cacheFile = await makeCacheDirectory(outside);
  const directory = cacheFile.slice(0, cacheFile.lastIndexOf("/"));
  if (fault.needsMount) await mount(directory);
  try {
    return await runInside(fault, { outside, cacheFile });
  } finally {
    if (fault.needsMount) await new Deno.Command("umount", { args: ["-l", directory] }).output();
  }
}

async function runInside(
  fault: Fault,
  { outside, cacheFile }: { outside: Outside; cacheFile: string },
): Promise<Report> {
  const domains = Array.from({ length: DOMAINS }, (_, index) => `known${index}.example`);
  const config = await configure(outside, cacheFile);
  const daemon = await startDaemon({ config });
  const expected = await learn({ outside, daemon }, domains);
  const probe = startProbe({ port: daemon.port, pid: daemon.pid, expected });
  await sleep(1000);
  probe.take();
  const mend = await fault.bring({ outside, daemon, cacheFile, domains });
  await sleep(HOLD_MS);
  const tally = probe.take();
  await mend();
  const recovery = await recover(outside, daemon, cacheFile);
  await probe.stop();
  const after = probe.take();
  await daemon[Symbol.asyncDispose]();
  const lost = await countLost({ outside, config }, expected);
  return judge(fault.name, { ...tally, wrong: tally.wrong + after.wrong }, { lost, recovery });
}

/** Seconds until a domain never seen before is found, and stored in the file. */
async function recover(outside: Outside, daemon: Daemon, cacheFile: string): Promise<number> {
  const started = performance.now();
  for (let serial = 0;; serial++) {
    const elapsed = (performance.now() - started) / 1000;
    if (elapsed > LIMITS.recovery) return Infinity;
    const domain = `fresh${serial}.example`;
    outside.publish(domain);
    const [reply = ""] = await daemon.query(domain).catch(() => []);
    if (reply.startsWith("OK ") && isStored(cacheFile, domain)) return elapsed;
    await sleep(200);
  }
}

function isStored(cacheFile: string, domain: string): boolean {
  try {
    const view = new CacheView(cacheFile, { now: Date.now });
    try {
      return view.getPolicy(domain) !== undefined;
    } finally {
      view.close();
    }
  } catch {
    return false;
  }
}

function judge(
  fault: string,
  tally: Tally,
  { lost, recovery }: { lost: number; recovery: number },
): Report {
  const { answers, wrong, p99, worst, peakRss } = tally;
  const faults = [
    ...(wrong > 0 ? [`wrong: ${tally.firstWrong}`] : []),
    ...(answers < 100 ? ["hardly any answers"] : []),
    ...(p99 <= LIMITS.p99 ? [] : [`p99 above ${LIMITS.p99} ms`]),
    ...(peakRss <= LIMITS.rss ? [] : [`memory above ${LIMITS.rss} MB`]),
    ...(lost === 0 ? [] : ["policies lost"]),
    ...(recovery <= LIMITS.recovery ? [] : ["not whole again"]),
  ];
  return {
    fault,
    answers,
    wrong,
    p99: round(p99),
    worst: round(worst),
    peakRss: round(peakRss),
    lost,
    recovery: round(recovery),
    verdict: faults.length === 0 ? "ok" : `FAILED: ${faults.join("; ")}`,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Kills the daemon at random moments while policies are stored, and looks for each one acknowledged. */
async function runKills(): Promise<Report> {
  await using outside = await startOutside();
  const config = await configure(outside, await makeCacheDirectory(outside));
  const random = createRandom(50);
  const acknowledged = new Map<string, string>();
  let slowestStart = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const started = performance.now();
    const daemon = await startDaemon({ config });
    slowestStart = Math.max(slowestStart, performance.now() - started);
    const first = Promise.withResolvers<void>();
    // Three clients that ask for one new domain after the other, until the daemon is gone.
    const asking = [0, 1, 2].map(async (client) => {
      for (let serial = 0; serial < 20; serial++) {
        const domain = `kill${kill}-${client}-${serial}.example`;
        outside.publish(domain);
        const [reply = ""] = await daemon.query(domain);
        if (reply.startsWith("OK ")) acknowledged.set(domain, reply);
        first.resolve();
      }
    });
    await first.promise;
    await sleep(random.int(KILL_WITHIN_MS));
    daemon.signal("SIGKILL");
    await Promise.allSettled(asking);
    await daemon[Symbol.asyncDispose]();
  }
  const lost = await countLost({ outside, config }, acknowledged);
  const answers = acknowledged.size;
  return {
    fault: `kill -9 at ${KILLS} random moments`,
    answers,
    wrong: 0,
    p99: NaN,
    worst: NaN,
    peakRss: NaN,
    lost,
    recovery: round(slowestStart / 1000),
    verdict: lost === 0 && answers > KILLS ? "ok" : "FAILED",
  };
}

async function mount(directory: string): Promise<void> {
  const options = `size=${MOUNT_SIZE},mode=700`;
  const { success } = await new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", options, "tmpfs", directory],
  }).output();
  if (!success) throw new Error("cannot mount a file system for this fault: it takes root");
}

async function main(parts: readonly string[]): Promise<number> {
  const wanted = (name: string) => parts.length === 0 || parts.some((part) => name.includes(part));
  const reports: Report[] = [];
  for (const fault of FAULTS) {
    if (!wanted(fault.name)) continue;
    if ((fault.needsMount || fault.needsRoot) && Deno.uid() !== 0) {
      console.log(`skipped, as it takes root: ${fault.name}`);
      continue;
    }
    reports.push(await runFault(fault));
    console.log(JSON.stringify(reports.at(-1)));
  }
  if (wanted("kill -9")) reports.push(await runKills());
  console.table(reports);
  const failed = reports.filter(({ verdict }) => verdict !== "ok").length;
  console.log(`${reports.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

Deno.exit(await main(Deno.args));
