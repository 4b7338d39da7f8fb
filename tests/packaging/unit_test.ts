import { assertEquals } from "@std/assert";

const UNIT = new URL("../../packaging/mta-sts-resolver.service", import.meta.url);

/** `systemd-analyze security` counts in tenths: 1.5. */
const EXPOSURE_LIMIT = 15;

/** Runs `systemd-analyze`; returns what it says of our unit, and all it says if it fails. */
function complaints(...args: string[]): string[] {
  const { success, stdout, stderr } = new Deno.Command("systemd-analyze", { args }).outputSync();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).split("\n"));
  const warnings = err!.filter((line) => line.includes("mta-sts-resolver"));
  return success ? warnings : [...out!, ...err!];
}

function hasSystemdAnalyze(): boolean {
  try {
    return new Deno.Command("systemd-analyze", { args: ["--version"] }).outputSync().success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}

const ignore = !hasSystemdAnalyze();
const note = ignore ? " (not tested: there is no systemd-analyze here)" : "";

Deno.test({
  name: "mta-sts-resolver.service is a unit that systemd understands" + note,
  ignore,
  fn() {
    const directory = Deno.makeTempDirSync();
    try {
      // Neither the program nor kill need be installed where the test runs.
      const file = `${directory}/mta-sts-resolver.service`;
      const unit = Deno.readTextFileSync(UNIT);
      Deno.writeTextFileSync(file, unit.replace(/(?<=^Exec\w+=)\S+/gm, Deno.execPath()));
      assertEquals(complaints("verify", file), []);
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "mta-sts-resolver.service leaves little exposed" + note,
  ignore,
  fn() {
    const args = ["--offline=true", `--threshold=${EXPOSURE_LIMIT}`, "--no-pager"];
    assertEquals(complaints("security", ...args, UNIT.pathname), []);
  },
});
