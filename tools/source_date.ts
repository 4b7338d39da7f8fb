/**
 * When the source last changed. Everything that is built has this time, so that a second build gives the
 * same files.
 *
 * @module
 */

const ROOT = new URL("../", import.meta.url);

/**
 * `SOURCE_DATE_EPOCH` of the environment, else the time of the last commit.
 *
 * @throws {Error} If neither is known.
 */
export function sourceDate(): Date {
  const given = Deno.env.get("SOURCE_DATE_EPOCH");
  const seconds = given ?? lastCommit();
  if (!/^[0-9]{1,10}$/.test(seconds)) {
    throw new Error(
      `Cannot find the date of the source: found '${seconds}', set SOURCE_DATE_EPOCH`,
    );
  }
  return new Date(Number(seconds) * 1000);
}

function lastCommit(): string {
  const { success, stdout } = new Deno.Command("git", {
    args: ["log", "-1", "--format=%ct"],
    cwd: ROOT,
    stderr: "null",
  }).outputSync();
  return success ? new TextDecoder().decode(stdout).trim() : "";
}
