/**
 * The flags of the program, as the tasks take them from the file.
 *
 * @module
 */

/** The flags in `tools/permissions.txt`. */
export function permissionFlags(): string[] {
  return Deno.readTextFileSync(new URL("../../tools/permissions.txt", import.meta.url))
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}
