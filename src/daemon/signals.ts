/**
 * The signals of the daemon: TERM and INT stop it, HUP has it read its configuration again.
 *
 * @module
 */

const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Waits for the first TERM or INT, and then leaves both to the system: a second one ends the
 * process at once. Nothing is lost then, because policies are written when they are stored.
 *
 * @returns The name of the signal.
 */
export function waitForStop(): Promise<string> {
  return new Promise((resolve) => {
    const listeners = STOP_SIGNALS.map((signal) => ({ signal, listener: () => stop(signal) }));
    for (const { signal, listener } of listeners) Deno.addSignalListener(signal, listener);

    function stop(first: string): void {
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
      resolve(first);
    }
  });
}

/**
 * Calls `reload` at each HUP.
 *
 * @returns A function that leaves HUP to the system again.
 */
export function onReload(reload: () => void): () => void {
  Deno.addSignalListener("SIGHUP", reload);
  return () => Deno.removeSignalListener("SIGHUP", reload);
}
