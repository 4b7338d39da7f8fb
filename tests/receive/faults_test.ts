/** No state of the file stops the store, and nothing that was stored is lost while it can be read. */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { ReceivedStore } from "../../src/receive/types.ts";
import { FileFault } from "../../src/sqlite/fault.ts";
import {
  ALWAYS,
  countsOf,
  detailOf,
  policyOf,
  reportOf,
  type StoreBench,
  withStore,
} from "./support.ts";

const ASIDE = "file of received reports corrupt, set aside";
const TAKEN_OVER = "file of received reports replaced, counts taken over";
const UNUSABLE = "file of received reports unusable, reports stay where they are";

/** Enough for many pages. */
const MANY = 800;

function fill(store: ReceivedStore): void {
  for (let index = 0; index < MANY; index++) {
    const domain = `d${index % 40}.test`;
    const details = index % 10 === 0 ? [detailOf({ mxHost: `mx.${domain}` })] : [];
    const failed = details.length;
    store.add(
      reportOf({ domain, reportId: `${index}`, submitter: `s${index % 7}.test`, failed, details }),
    );
  }
}

function events({ lines }: StoreBench): string[] {
  return lines.map((line) =>
    [ASIDE, TAKEN_OVER, UNUSABLE].find((event) => line.includes(event)) ?? line
  );
}

async function repair({ store, clock }: StoreBench): Promise<void> {
  await clock.advance(60_000);
  store.flush();
}

/** A leaf in the middle of a table without row ids. */
function middlePage(path: string, table: string): number {
  const database = new DatabaseSync(path);
  const sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?";
  const root = database.prepare(sql).get(table)?.rootpage as number;
  database.close();
  const file = Deno.readFileSync(path);
  const page = new DataView(file.buffer, (root - 1) * 4096, 4096);
  assertEquals(
    page.getUint8(0),
    2,
    "an inner page of an index (https://www.sqlite.org/fileformat.html)",
  );
  const cells = page.getUint16(3);
  assert(cells > 2);
  return page.getUint32(page.getUint16(12 + 2 * Math.floor(cells / 2)));
}

function overwrite(path: string, page: number): void {
  using file = Deno.openSync(path, { write: true });
  file.seekSync((page - 1) * 4096, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(4096).fill(0xaa));
}

/** Reads everything, and repairs what turns out to be damaged. */
async function readAndRepair({ clock }: StoreBench, store: ReceivedStore): Promise<void> {
  for (let round = 0; round < 3; round++) {
    try {
      countsOf(store);
      for (const domain of store.domains()) {
        for (const { id } of store.reports(domain, 10_000)) store.body(id);
      }
    } catch (error) {
      assert(error instanceof FileFault);
    }
    await clock.advance(60_000);
    store.flush();
  }
}

Deno.test("garbage amid the counts costs the rows on that page, loudly, not those before and behind", () =>
  withStore(async (bench) => {
    const { store, path, open } = bench;
    fill(store);
    store.close();
    overwrite(path, middlePage(path, "outcome"));
    const again = open();
    await readAndRepair(bench, again);
    assertEquals(again.error, undefined);
    assertEquals(events(bench), [ASIDE, TAKEN_OVER]);
    const rows = again.outcomes(ALWAYS).reduce((sum, { successful }) => sum + successful / 10, 0);
    const lost = MANY - rows;
    assert(lost > 20 && lost < 150, `${lost} of ${MANY} lost`);
    // From both ends: both the first and the last domain are whole.
    for (const domain of ["d0.test", "d39.test"]) {
      const kept = again.outcomes({ ...ALWAYS, domain });
      assertEquals(
        kept.reduce((sum, { successful }) => sum + successful, 0),
        10 * MANY / 40,
        domain,
      );
    }
    assertEquals(again.add(reportOf({ submitter: "new.test" })), "kept");
  }));

Deno.test("garbage in any other place is survived, and most counts are", async () => {
  let damaged = 0;
  for (const place of [0.3, 0.6, 0.9]) {
    await withStore(async (bench) => {
      const { store, path, open } = bench;
      fill(store);
      const counts = countsOf(store);
      store.close();
      overwrite(path, Math.floor(Deno.statSync(path).size / 4096 * place));
      const again = open();
      await readAndRepair(bench, again);
      assertEquals(again.error, undefined);
      if (bench.lines.length > 0) damaged++;
      const rows = countsOf(again);
      assert(rows.length > counts.length * 0.8, `${rows.length} of ${counts.length} at ${place}`);
    });
  }
  assert(damaged >= 2, `damage was met ${damaged} times`);
});

Deno.test("a file removed while open is written anew with all that was in it", () =>
  withStore((bench) => {
    const { store, path, open } = bench;
    fill(store);
    const counts = countsOf(store);
    const reports = store.reports("d3.test", 99);
    for (const suffix of ["", "-wal", "-shm"]) Deno.removeSync(path + suffix);
    assertEquals(countsOf(store), counts);
    store.flush();
    assertEquals(events(bench), [TAKEN_OVER]);
    store.close();
    const again = open();
    assertEquals(countsOf(again), counts);
    assertEquals(again.reports("d3.test", 99), reports);
    assert(again.body(reports[0]!.id) instanceof Uint8Array);
    assertEquals(
      again.add(reportOf({ domain: "d0.test", reportId: "0", submitter: "s0.test" })),
      "changed",
    );
    const load = (submitter: string) => again.arrivals({ submitter, domains: [], at: 0 });
    assertEquals([load("s1.test").isNew, load("never.test").isNew], [false, true]);
  }));

Deno.test("a file replaced by a backup is joined with what was there; no report counts twice", () =>
  withStore(async (bench) => {
    const { store, path } = bench;
    const policies = [policyOf({ ok: 5 }), policyOf({ type: "tlsa", ok: 7 })];
    const unsigned = reportOf({ reportId: "x", authentication: "unsigned", policies });
    await withStore((elsewhere) => {
      elsewhere.store.add(reportOf({ submitter: "only-backup.test" }));
      elsewhere.store.add(reportOf({ reportId: "x", failed: 1 }));
      elsewhere.store.close();
      fill(store);
      store.add(unsigned);
      Deno.copyFileSync(elsewhere.path, `${path}.new`);
      Deno.chmodSync(`${path}.new`, 0o600);
      Deno.renameSync(`${path}.new`, path);
    });
    store.flush();
    assertEquals(events(bench), [TAKEN_OVER]);
    const rows = store.outcomes({ ...ALWAYS, domain: "a.test" });
    assertEquals(rows.map(({ submitter, authentication }) => `${submitter} ${authentication}`), [
      "only-backup.test dkim",
      "sender.test dkim",
    ]);
    const sum = store.outcomes(ALWAYS).reduce((all, { successful }) => all + successful, 0);
    assertEquals(sum, 10 * (MANY + 2));
  }));

Deno.test("garbage in place of the file is set aside when it is opened", () =>
  withStore((bench) => {
    bench.store.close();
    Deno.writeTextFileSync(bench.path, "garbage ".repeat(5000));
    const store = bench.open();
    assertEquals(events(bench), [ASIDE]);
    assertEquals(store.add(reportOf()), "kept");
    const aside = [...Deno.readDirSync(bench.path.replace(/[^/]*$/, ""))].map(({ name }) => name);
    assert(aside.some((name) => name.startsWith("received.db.corrupt-")));
    assertMatch(bench.metrics.render(), /store_errors_total\{kind="corrupt"\} 1/);
  }));

Deno.test("what cannot be read is not nothing, and a report that is not taken is 'full'", () =>
  withStore(async (bench) => {
    const { store, path } = bench;
    store.close();
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    const broken = bench.open();
    assertEquals(broken.add(reportOf()), "full");
    assertStringIncludes(broken.error ?? "", "is not a file");
    assertThrows(() => broken.outcomes(ALWAYS), FileFault);
    assertThrows(() => broken.arrivals({ submitter: "", domains: [], at: 0 }), FileFault);
    assertEquals(events(bench), [UNUSABLE]);
    for (let round = 0; round < 5; round++) {
      broken.add(reportOf());
      await bench.clock.advance(60_000);
    }
    assertEquals(events(bench), [UNUSABLE], "said once");
    Deno.removeSync(path);
    assertEquals(broken.add(reportOf()), "kept");
    assertEquals(broken.error, undefined);
    assertEquals(countsOf(broken).length, 1);
  }));

Deno.test("a row with values that cannot be right is read, not thrown", () =>
  withStore(({ store, path }) => {
    store.add(reportOf({ failed: 1, details: [detailOf()] }));
    const database = new DatabaseSync(path);
    database.exec(
      "UPDATE outcome SET policy = 99, signed = -4, ok = -1e300, failed = 1e300, content = 5",
    );
    database.exec("UPDATE problem SET result = -1, mx = 12345, network = -7, count = 1e308");
    database.exec("UPDATE report SET received_at = 1e300, way = 77, deviations = 999");
    database.close();
    assertEquals(countsOf(store), [
      `a.test 2026-06-15 sender.test unknown unsigned 0+${Number.MAX_SAFE_INTEGER}`,
      `a.test 2026-06-15 sender.test dkim unknown - - - ${Number.MAX_SAFE_INTEGER}`,
    ]);
    assertEquals(store.reports("a.test", 1)[0]!.deviations, []);
  }));

/** Whether a file system of a bounded size can be had. */
function canMount(): boolean {
  const directory = Deno.makeTempDirSync();
  try {
    return mount(directory) && unmount(directory);
  } finally {
    Deno.removeSync(directory);
  }
}

function mount(directory: string): boolean {
  const args = ["-t", "tmpfs", "-o", "size=3m,mode=0700", "tmpfs", directory];
  return succeeds("mount", args);
}

function unmount(directory: string): boolean {
  return succeeds("umount", ["-l", directory]);
}

function succeeds(program: string, args: string[]): boolean {
  try {
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "a full disk loses nothing that was stored, and takes reports again when there is room",
  ignore: !canMount(),
  async fn() {
    const directory = Deno.makeTempDirSync();
    assert(mount(directory));
    try {
      await withStore(async (bench) => {
        const { store, clock } = bench;
        const ballast = `${directory}/ballast`;
        Deno.writeFileSync(ballast, new Uint8Array(1024 * 1024));
        let kept = 0;
        while (kept < 5000 && store.add(reportOf({ reportId: `${kept}` })) === "kept") kept++;
        assert(kept > 50 && kept < 5000, `${kept} kept`);
        assertEquals(store.outcomes(ALWAYS)[0]!.successful, 10 * kept);
        assertStringIncludes(store.error ?? "", "full: make room for it");
        for (let round = 0; round < 5; round++) {
          store.add(reportOf({ reportId: "later" }));
          await clock.advance(60_000);
        }
        assertEquals(store.outcomes(ALWAYS)[0]!.successful, 10 * kept);
        Deno.removeSync(ballast);
        await repair(bench);
        assertEquals(store.add(reportOf({ reportId: "later" })), "kept");
        assertEquals(store.outcomes(ALWAYS)[0]!.successful, 10 * (kept + 1));
        store.close();
        assertEquals(bench.open().outcomes(ALWAYS)[0]!.successful, 10 * (kept + 1));
        assert(bench.lines.length < 10, bench.lines.join("\n"));
      }, { directory });
    } finally {
      unmount(directory);
      Deno.removeSync(directory);
    }
  },
});

Deno.test("a flush takes what was stored to where a power cut leaves it: into the file itself", () =>
  withStore(({ store, path }) => {
    // Without its write-ahead log.
    const reports = () => {
      Deno.copyFileSync(path, `${path}.copy`);
      const database = new DatabaseSync(`${path}.copy`);
      const row = database.prepare("SELECT count(*) AS count FROM report").get();
      database.close();
      return row?.count;
    };
    store.add(reportOf());
    store.flush();
    assertEquals(reports(), 1);
    store.add(reportOf({ reportId: "two" }));
    assertEquals(reports(), 1);
    store.flush();
    assertEquals(reports(), 2);
  }));
