/**
 * The program as a process of its own, run to its end.
 *
 * Commands that use the network set the trust roots of their process by its environment, so they are not run in
 * that of the tests.
 *
 * @module
 */

/** What a run came to. */
export interface ProgramRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the program from source. @param args Command and options. */
export async function runProgram(args: readonly string[]): Promise<ProgramRun> {
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", main, ...args],
    // Without: half a second after its start Deno uses TLS itself, with the trust roots of that moment for good.
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}
