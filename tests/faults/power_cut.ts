/**
 * What a power cut can lose. A store is written to as by a daemon, second by second of a clock of its own; at
 * random moments the file and its WAL are copied as they lie there, and a cut is played on the copy. It spares
 * what a checkpoint has forced to the disk:
 *
 * - `octet`: the rest of the WAL ends anywhere;
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

/** Cuts played on each copy, and copies made of one store, so that files stay small. */
const CUTS_PER_COPY = 10;
const COPIES_PER_STORE = 8;

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

type CutKind = (typeof CUTS)[number];

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
interface Moment {
  readonly file: Uint8Array;
  readonly wal: Uint8Array;
  readonly stored: readonly { domain: string; at: number }[];
  readonly now: number;
}

/** What lies on the disk at a moment, and at the last checkpoint before it. */
interface Copy extends Moment {
  /** Octets of the WAL that a checkpoint has forced to the disk: no cut takes them away. */
  readonly synced: number;
  /** The moment after that checkpoint, and the file before it. */
  readonly checkpoint: Moment & { readonly before: Uint8Array };
}

/** Plays `count` cuts. @returns What came of them, by kind. */
export function playPowerCuts(count: number, seed = 12): Record<CutKind, CutReport> {
  const random = createRandom(seed);
  const empty = () => ({ cuts: 0, broken: 0, worstSeconds: 0, lost: 0 });
  const reports = { octet: empty(), frame: empty(), sectors: empty(), checkpoint: empty() };
  let cut = 0;
  while (cut < count) {
    for (const copy of write(random)) {
      for (let each = 0; each < CUTS_PER_COPY && cut < count; each++, cut++) {
        const kind = CUTS[cut % CUTS.length]!;
        judge(play(copy, { kind, random }), reports[kind]);
      }
      if (cut === count) break;
    }
  }
  return reports;
}

/** Writes to a new store, and gives a copy now and then. */
function* write(random: Random): Generator<Copy, undefined> {
  using bench = new Bench();
  const store = bench.open();
  const stored: { domain: string; at: number }[] = [];
  const look = (): Moment => ({
    file: Deno.readFileSync(bench.path),
    wal: Deno.readFileSync(`${bench.path}-wal`),
    stored: stored.slice(),
    now: bench.now,
  });
  const changed = () => Deno.statSync(bench.path).mtime?.getTime();
  const start = look();
  let checkpoint: Copy["checkpoint"] = { ...start, wal: new Uint8Array(), before: start.file };
  let seen = changed();
  for (let copies = 0; copies < COPIES_PER_STORE; copies++) {
    for (let left = 1 + random.int(COPY_WITHIN); left > 0; left--) {
      bench.now += SECOND;
      for (let more = random.int(RATE); more > 0; more--) {
        const domain = `d${stored.length}.example`;
        store.putPolicy(policyOf(domain, { fetchedAt: bench.now }));
        stored.push({ domain, at: bench.now });
      }
      // The last second is cut before its flush, too.
      if (left > 1 || random.int(2) === 0) store.flush();
      if (changed() === seen) continue;
      // Only a checkpoint changes the file.
      seen = changed();
      checkpoint = { ...look(), before: checkpoint.file };
    }
    const moment = look();
    const isSameLog = saltsOf(moment.wal) === saltsOf(checkpoint.wal);
    yield { ...moment, synced: isSameLog ? usedOf(checkpoint.wal) : 0, checkpoint };
  }
}

/** Tells one filling of a WAL from the next, which begins at its start again. */
function saltsOf(wal: Uint8Array, at = 16): string {
  return wal.subarray(at, at + 8).join();
}

/** Octets of a WAL that count; behind them are the frames of an earlier filling. */
function usedOf(wal: Uint8Array): number {
  let end = WAL_HEADER;
  while (end + FRAME <= wal.length && saltsOf(wal, end + 8) === saltsOf(wal)) end += FRAME;
  return Math.min(end, wal.length);
}

/** What is left of a moment. */
function play(copy: Copy, { kind, random }: { kind: CutKind; random: Random }): Moment {
  const { wal, synced } = copy;
  const open = usedOf(wal) - synced;
  switch (kind) {
    case "octet":
      return { ...copy, wal: wal.slice(0, synced + random.int(open + 1)) };
    case "frame": {
      const start = Math.max(synced, WAL_HEADER);
      const frames = Math.floor((usedOf(wal) - start) / FRAME);
      return { ...copy, wal: wal.slice(0, start + random.int(frames + 1) * FRAME) };
    }
    case "sectors": {
      const left = wal.slice();
      for (let count = 1 + random.int(8); count > 0 && open > 0; count--) {
        const at = synced + random.int(Math.ceil(open / SECTOR)) * SECTOR;
        const sector = left.subarray(at, at + SECTOR);
        sector.set(random.int(2) === 0 ? sector.slice().fill(0) : random.bytes(sector.length));
      }
      return { ...copy, wal: left };
    }
    case "checkpoint": {
      const { checkpoint } = copy;
      const file = checkpoint.file.slice();
      for (let at = 0; at + PAGE <= checkpoint.before.length; at += PAGE) {
        if (random.int(2) === 0) file.set(checkpoint.before.subarray(at, at + PAGE), at);
      }
      return { ...checkpoint, file };
    }
  }
}

function judge({ file, wal, stored, now }: Moment, report: CutReport): void {
  const directory = Deno.makeTempDirSync({ prefix: "power-cut-" });
  const path = `${directory}/cache.db`;
  Deno.writeFileSync(path, file);
  Deno.writeFileSync(`${path}-wal`, wal);
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
    const isBeginning = rows.every(({ domain }, index) => domain === stored[index]?.domain);
    if (!whole || !isBeginning) report.broken++;
    const firstLost = stored[rows.length];
    report.lost += stored.length - rows.length;
    if (firstLost !== undefined) {
      report.worstSeconds = Math.max(report.worstSeconds, (now - firstLost.at) / SECOND);
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
