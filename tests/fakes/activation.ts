/**
 * Socket activation as systemd does it, by systemd's own tool: it opens the sockets, waits for the
 * first client, and becomes the program.
 *
 * @module
 */

/** Between two attempts to connect, ms. */
const RETRY_MS = 20;

/** Nobody who does not listen by then will, ms. */
const PATIENCE_MS = 20_000;

/** A variable that systemd's tool passes on; it ends at any other, such as the `?` of Deno's task runner. */
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether systemd's tool is here; says so if not. */
export function hasSocketActivate(): boolean {
  try {
    const { success } = new Deno.Command("systemd-socket-activate", { args: ["--version"] })
      .outputSync();
    return success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("Socket activation is not tested: there is no systemd-socket-activate here");
    return false;
  }
}

/**
 * A command that opens sockets and runs the program with them.
 *
 * @param sockets `127.0.0.1:8461` or `/path`, each with its name.
 * @param program The program and its first arguments; more may follow the command.
 */
export function activate(
  sockets: Readonly<Record<string, string>>,
  program: readonly string[],
): string[] {
  // The tool passes none of its environment on unless told to.
  const inherited = Object.keys(Deno.env.toObject()).filter((name) => VARIABLE.test(name));
  const variables = [...inherited, "NO_COLOR", "NOTIFY_SOCKET"];
  return [
    "systemd-socket-activate",
    ...Object.keys(sockets).flatMap((address) => ["--listen", address]),
    `--fdname=${Object.values(sockets).join(":")}`,
    ...variables.flatMap((name) => ["--setenv", name]),
    ...program,
  ];
}

/** Connects and leaves, as soon as somebody listens. */
export async function poke(port: number): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      const isEarly = error instanceof Deno.errors.ConnectionRefused && performance.now() < end;
      if (!isEarly) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
