/**
 * What a process takes.
 *
 * @module
 */

/**
 * Memory of a process that is in use, MB: now (`VmRSS`) or at most so far (`VmHWM`).
 *
 * @throws {Error} If there is no such process.
 */
export function memoryOf(pid: number, kind: "VmRSS" | "VmHWM" = "VmRSS"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const [, kilobytes = ""] = new RegExp(`^${kind}:\\s+(\\d+) kB`, "m").exec(status) ?? [];
  return parseInt(kilobytes, 10) / 1024;
}
