import { assert, assertEquals } from "@std/assert";
import { CUTS, playPowerCuts } from "./power_cut.ts";

/** The WAL is copied once a minute, at the first flush after it, and flushes come each second. */
const LOST_AT_MOST_S = 61;

Deno.test("a power cut costs what was stored within the last minute, and never the file", () => {
  const reports = playPowerCuts(120);
  for (const kind of CUTS) {
    const { cuts, broken, worstSeconds } = reports[kind];
    assert(cuts > 0);
    assertEquals(broken, 0, kind);
    assert(worstSeconds <= LOST_AT_MOST_S, `${kind}: ${worstSeconds} s`);
  }
  // Of a cut in the midst of a checkpoint nothing is lost: the WAL is on the disk before.
  assertEquals(reports.checkpoint.lost, 0);
});
