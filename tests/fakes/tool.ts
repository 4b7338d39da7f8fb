/**
 * Programs of others that judge what ours makes. They may not be installed.
 *
 * @module
 */

/** What a program said. */
export interface ToolResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program. @returns `undefined` if it is not installed. */
export async function runTool(
  [program, ...args]: readonly [string, ...string[]],
  { input = "" }: { readonly input?: string } = {},
): Promise<ToolResult | undefined> {
  try {
    const child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    const writing = writer.write(new TextEncoder().encode(input)).then(() => writer.close());
    const [{ code, stdout, stderr }] = await Promise.all([
      child.output(),
      writing.catch(() => {}),
    ]);
    const [out, err] = [stdout, stderr].map((octets) => new TextDecoder().decode(octets));
    return { code, out: out!, err: err! };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
