/**
 * Servers of others, run as a plain user in a directory of their own: PostgreSQL refuses to run as root.
 *
 * @module
 */

/** Polls end after so many ms. A server of others takes less than a second to start, unless the machine is busy. */
const POLL_MS = 15_000;

/** What a server is run as where the tests are root's: `nobody`. */
const USER = { uid: 65534, gid: 65534 };

/** Whether a program can be run. */
export function isInstalled(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** A directory that the plain user owns; the caller removes it. */
export function makeUserDir(): string {
  const directory = Deno.makeTempDirSync({ prefix: "engine-" });
  if (Deno.uid() === 0) Deno.chownSync(directory, USER.uid, USER.gid);
  return directory;
}

/** Gives a file to the plain user. */
export function giveToUser(path: string): void {
  if (Deno.uid() === 0) Deno.chownSync(path, USER.uid, USER.gid);
}

/** A command that runs as the plain user. */
export function asUser(
  [program, ...args]: readonly [string, ...string[]],
  options: Deno.CommandOptions = {},
): Deno.Command {
  const own = Deno.uid() === 0 ? USER : {};
  return new Deno.Command(program, { args, ...own, ...options });
}

/**
 * Waits until a condition holds.
 *
 * @throws {Error} If it does not within 15 seconds.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { ms = POLL_MS }: { readonly ms?: number } = {},
): Promise<void> {
  const end = performance.now() + ms;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
