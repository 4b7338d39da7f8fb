/**
 * A soak: mixed traffic for a long time, with one fault after the other switched on and off, and a
 * report at the end. Known domains must be answered rightly and in time throughout, memory and file must
 * stay small, and nothing may be lost.
 *
 * Run as: soak.ts [SECONDS]
 *
 * @module
 */

import { CacheView } from "../../src/cache/cache_view.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import type { Daemon, Outside } from "../fakes/daemon.ts";
import { createRandom } from "../fakes/random.ts";
import type { Random } from "../fakes/random.ts";
import { configure, countLost, learn, makeCacheDirectory } from "./ground.ts";
import { ask, readRss, startProbe } from "./probe.ts";
import { FAULTS } from "./scenarios.ts";

/** Domains known from the start, and those that become known on the way. */
const KNOWN = 40;
const NEWCOMERS = 200;

/** A fault lasts and a pause takes at most this long, ms. */
const SPELL_MS = 8000;

/** Unknown names asked at once now and then, like a newsletter to many small domains. */
const BURST = 200;

/** The longest pause between two tries to write the file, and a little, ms (docs/cache-file.md). */
const STORED_MS = 65_000;

const LIMITS = { p99: 50, rss: 250, fileBytes: 20 * 1024 * 1024, wrong: 0 };

/** Bars of the chart of memory over time. */
const CHART = "▁▂▃▄▅▆▇█";
const CHART_WIDTH = 60;

interface Totals {
  answers: number;
  wrong: number;
  firstWrong: string | undefined;
  p99: number;
  worst: number;
  kinds: Map<string, number>;
  rss: number[];
  faults: Map<string, number>;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function soak(seconds: number): Promise<boolean> {
  await using outside = await startOutside();
  const cacheFile = await makeCacheDirectory(outside);
  const known = Array.from({ length: KNOWN }, (_, index) => `known${index}.example`);
  const config = await configure(outside, cacheFile);
  const daemon = await startDaemon({ config });
  const expected = await learn({ outside, daemon }, known);
  const totals: Totals = {
    answers: 0,
    wrong: 0,
    firstWrong: undefined,
    p99: 0,
    worst: 0,
    kinds: new Map(),
    rss: [],
    faults: new Map(),
  };
  const probe = startProbe({ port: daemon.port, pid: daemon.pid, expected });
  const random = createRandom(seconds);
  const end = performance.now() + seconds * 1000;
  const others = mix({ outside, daemon, random, totals, end, expected });
  while (performance.now() < end) {
    await spell({ outside, daemon, random, totals, cacheFile, known });
    const tally = probe.take();
    totals.answers += tally.answers;
    totals.wrong += tally.wrong;
    totals.firstWrong ??= tally.firstWrong;
    totals.p99 = Math.max(totals.p99, tally.p99);
    totals.worst = Math.max(totals.worst, tally.worst);
    totals.rss.push(tally.peakRss);
  }
  await others;
  await probe.stop();
  await untilStored(cacheFile, [...expected.keys()]);
  const rss = readRss(daemon.pid);
  await daemon[Symbol.asyncDispose]();
  const lost = await countLost({ outside, config }, expected);
  return report(totals, { seconds, lost, rss, fileBytes: Deno.statSync(cacheFile).size });
}

/**
 * Waits until the cache file has what was learned while it could not be written: after a fault the daemon tries again in
 * one second, two, four and so on, and it is about to be killed. What is never stored counts as lost.
 */
async function untilStored(cacheFile: string, domains: readonly string[]): Promise<void> {
  const end = performance.now() + STORED_MS;
  while (performance.now() < end) {
    const view = new CacheView(cacheFile, { now: Date.now });
    const isStored = domains.every((domain) =>
      view.getPolicy(domain) !== undefined && view.getMx(domain) !== undefined
    );
    view.close();
    if (isStored) return;
    await sleep(500);
  }
}

/** One fault, and a while without. */
async function spell(
  { outside, daemon, random, totals, cacheFile, known }: {
    outside: Outside;
    daemon: Daemon;
    random: Random;
    totals: Totals;
    cacheFile: string;
    known: readonly string[];
  },
): Promise<void> {
  const faults = FAULTS.filter(({ needsMount, needsRoot }) => !needsMount && !needsRoot);
  const fault = random.pick(faults);
  const mend = await fault.bring({ outside, daemon, cacheFile, domains: known });
  await sleep(1000 + random.int(SPELL_MS));
  await mend();
  totals.faults.set(fault.name, (totals.faults.get(fault.name) ?? 0) + 1);
  await sleep(random.int(SPELL_MS));
}

/** All traffic beside the watched one: newcomers, and names without a policy. */
async function mix(
  { outside, daemon, random, totals, end, expected }: {
    outside: Outside;
    daemon: Daemon;
    random: Random;
    totals: Totals;
    end: number;
    expected: Map<string, string>;
  },
): Promise<void> {
  let newcomer = 0;
  for (let turn = 0; performance.now() < end; turn++) {
    const names = Array.from(
      { length: random.int(BURST) },
      (_, index) => `n${turn}-${index}.example`,
    );
    if (newcomer < NEWCOMERS && random.int(4) === 0) {
      const domain = `newcomer${newcomer++}.example`;
      outside.publish(domain);
      names.push(domain);
    }
    try {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: daemon.port });
      for (const name of names) {
        const reply = await ask(conn, name);
        const kind = reply.slice(0, reply.indexOf(" "));
        totals.kinds.set(kind, (totals.kinds.get(kind) ?? 0) + 1);
        // Once found, a newcomer is one of those that must not be lost; the probe takes it up, too.
        if (reply.startsWith("OK ")) expected.set(name, reply);
      }
      conn.close();
    } catch {
      totals.kinds.set("no connection", (totals.kinds.get("no connection") ?? 0) + 1);
    }
    await sleep(random.int(1000));
  }
}

function report(
  totals: Totals,
  end: { seconds: number; lost: number; rss: number; fileBytes: number },
): boolean {
  const { answers, wrong, firstWrong, p99, worst, kinds, rss, faults } = totals;
  const peak = Math.max(...rss);
  const checks: [string, boolean][] = [
    [`known domains: ${answers} answers, ${wrong} wrong ${firstWrong ?? ""}`, wrong === 0],
    [
      `p99 in the worst spell ${p99.toFixed(1)} ms, slowest ${worst.toFixed(1)} ms`,
      p99 <= LIMITS.p99,
    ],
    [
      `memory at most ${peak.toFixed(0)} MB, ${end.rss.toFixed(0)} MB at the end`,
      peak <= LIMITS.rss,
    ],
    [`cache file ${(end.fileBytes / 1024).toFixed(0)} KB`, end.fileBytes <= LIMITS.fileBytes],
    [`policies lost: ${end.lost}`, end.lost === 0],
  ];
  console.log(`soak of ${end.seconds} s`);
  console.log("other answers:", [...kinds].map(([kind, count]) => `${count} ${kind}`).join(", "));
  for (const [name, count] of [...faults].sort()) console.log(`  ${count} × ${name}`);
  console.log(`memory over time, up to ${peak.toFixed(0)} MB: ${chart(rss, peak)}`);
  for (const [text, holds] of checks) console.log(`${holds ? "ok  " : "FAIL"} ${text}`);
  const failed = checks.filter(([, holds]) => !holds).length;
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  return failed === 0;
}

function chart(values: readonly number[], peak: number): string {
  const step = Math.max(1, Math.ceil(values.length / CHART_WIDTH));
  let bars = "";
  for (let at = 0; at < values.length; at += step) {
    const highest = Math.max(...values.slice(at, at + step));
    bars += CHART[Math.round((highest / peak) * (CHART.length - 1))];
  }
  return bars;
}

Deno.exit(await soak(parseInt(Deno.args[0] ?? "3600", 10)) ? 0 : 1);
