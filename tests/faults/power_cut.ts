/**
 * What a power cut can lose. A store is written to as by a daemon, second by second of a clock of its own; at
 * random moments the file and its WAL are copied as they lie there, and a cut is played on the copy:
 *
 * - `octet`: the WAL ends anywhere;
 * - `frame`: it ends between two frames;
 * - `sectors`: some sectors of it were never written, and hold zeros or garbage;
 * - `checkpoint`: the WAL is whole, and of the pages that a checkpoint was copying some are old and some are new.
 *
 * Then the copy is opened: it must be whole, hold every policy but the last ones, and nothing that was
 * never stored. Prints the figures and, as the last line, `N passed, N failed`.
 *
 * Run as: power_cut.ts [CUTS]
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { Bench, policyOf, SECOND } from "../cache/harness.ts";
import { createRandom } from "../fakes/random.ts";
import type { Random } from "../fakes/random.ts";

/** Cuts played on each copy. */
const CUTS_PER_COPY = 10;

/** Between two copies at most this many seconds pass; a checkpoint comes each minute. */
const COPY_WITHIN = 150;

/** Policies stored within a second at most. */
const RATE = 6;

const PAGE = 4096;
const SECTOR = 512;
const WAL_HEADER = 32;
const FRAME = 24 + PAGE;

/** The kinds of cuts. */
export const CUTS = ["octet", "frame", "sectors", "checkpoint"] as const;

/** What came of the cuts of one kind. */
export interface CutReport {
  cuts: number;
  /** Files that SQLite does not find whole, or that lack more than the last policies. */
  broken: number;
  /** Age of the oldest policy lost in any of them, s. */
  worstSeconds: number;
  /** Policies lost in all. */
  lost: number;
}

/** A moment's file, and what had been stored until then, in order, with its time. */
interface Copy {
  readonly file: Uint8Array;
  readonly wal: Uint8Array;
  readonly before: Uint8Array;
  readonly stored: readonly { domain: string; at: number }[];
  readonly now: number;
}

/** Plays `count` cuts. @returns What came of them, by kind. */
export function playPowerCuts(count: number, seed = 12): Record<(typeof CUTS)[number], CutReport> {
  const random = createRandom(seed);
  const empty = () => ({ cuts: 0, broken: 0, worstSeconds: 0, lost: 0 });
  const reports = { octet: empty(), frame: empty(), sectors: empty(), checkpoint: empty() };
  const copies = write(random);
  for (let cut = 0; cut < count;) {
    const copy = copies.next().value!;
    for (let each = 0; each < CUTS_PER_COPY && cut < count; each++, cut++) {
      const kind = CUTS[cut % CUTS.length]!;
      judge(copy, play(copy, { kind, random }), reports[kind]);
    }
  }
  copies.return(undefined);
  return reports;
}

/** Writes without end, and gives a copy now and then. */
function* write(random: Random): Generator<Copy, undefined> {
  using bench = new Bench();
  const store = bench.open();
  const stored: { domain: string; at: number }[] = [];
  for (;;) {
    let before = Deno.readFileSync(bench.path);
    let size = sizeOf(bench);
    for (let left = 1 + random.int(COPY_WITHIN); left > 0; left--) {
      bench.now += SECOND;
      for (let more = random.int(RATE); more > 0; more--) {
        const domain = `d${stored.length}.example`;
        store.putPolicy(policyOf(domain, { fetchedAt: bench.now }));
        stored.push({ domain, at: bench.now });
      }
      // The last second is cut before its flush, too.
      if (left > 1 || random.int(2) === 0) store.flush();
      if (left > 1 && sizeOf(bench) !== size) {
        before = Deno.readFileSync(bench.path);
        size = sizeOf(bench);
      }
    }
    const file = Deno.readFileSync(bench.path);
    const wal = Deno.readFileSync(`${bench.path}-wal`);
    yield { file, wal, before, stored: stored.slice(), now: bench.now };
  }
}

function sizeOf(bench: Bench): number {
  return Deno.statSync(bench.path).size;
}

/** The file and WAL that are left. */
function play(
  { file, wal, before }: Copy,
  { kind, random }: { kind: (typeof CUTS)[number]; random: Random },
): { file: Uint8Array; wal: Uint8Array } {
  switch (kind) {
    case "octet":
      return { file, wal: wal.slice(0, random.int(wal.length + 1)) };
    case "frame": {
      const frames = Math.floor((wal.length - WAL_HEADER) / FRAME);
      return { file, wal: wal.slice(0, WAL_HEADER + random.int(frames + 1) * FRAME) };
    }
    case "sectors": {
      const left = wal.slice();
      for (let count = 1 + random.int(8); count > 0; count--) {
        const at = random.int(Math.ceil(left.length / SECTOR)) * SECTOR;
        const sector = left.subarray(at, at + SECTOR);
        sector.set(random.int(2) === 0 ? sector.slice().fill(0) : random.bytes(sector.length));
      }
      return { file, wal: left };
    }
    case "checkpoint": {
      const torn = file.slice();
      // Page 1 holds the size of the file, which the WAL knows better.
      for (let at = 0; at + PAGE <= before.length; at += PAGE) {
        if (random.int(2) === 0) torn.set(before.subarray(at, at + PAGE), at);
      }
      return { file: torn, wal };
    }
  }
}

function judge(copy: Copy, left: { file: Uint8Array; wal: Uint8Array }, report: CutReport): void {
  const directory = Deno.makeTempDirSync({ prefix: "power-cut-" });
  const path = `${directory}/cache.db`;
  Deno.writeFileSync(path, left.file);
  Deno.writeFileSync(`${path}-wal`, left.wal);
  report.cuts++;
  const database = new DatabaseSync(path);
  try {
    const whole = database.prepare("PRAGMA integrity_check").get()?.integrity_check === "ok";
    // Before the first checkpoint all is in the WAL, the tables included.
    const isEmpty = database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
    const rows = isEmpty
      ? []
      : database.prepare("SELECT domain FROM policies ORDER BY rowid").all();
    // What is there must be the beginning of what was stored.
    const isBeginning = rows.every(({ domain }, index) => domain === copy.stored[index]?.domain);
    if (!whole || !isBeginning) report.broken++;
    const firstLost = copy.stored[rows.length];
    report.lost += copy.stored.length - rows.length;
    if (firstLost !== undefined) {
      report.worstSeconds = Math.max(report.worstSeconds, (copy.now - firstLost.at) / SECOND);
    }
  } catch {
    report.broken++;
  } finally {
    database.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

if (import.meta.main) {
  const reports = playPowerCuts(parseInt(Deno.args[0] ?? "2000", 10));
  console.table(reports);
  const failed = Object.values(reports).filter(({ broken, cuts }) =>
    broken > 0 || cuts === 0
  ).length;
  console.log(`${CUTS.length - failed} passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}
