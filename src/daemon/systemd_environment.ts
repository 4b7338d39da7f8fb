/**
 * What systemd passes to a service in its environment: where to report, how often, and sockets that
 * are already open (sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3)). This file only reads it
 * and opens nothing.
 *
 * @module
 */

import type { InheritedSocket } from "../postfix/inherited.ts";

/** What systemd expects and provides. */
export interface SystemdEnvironment {
  /** Path of the socket to report to, with a leading `@` in the abstract namespace. */
  readonly notifySocket: string | undefined;
  /** The longest time between two keep-alives, ms. */
  readonly watchdog: number | undefined;
  readonly sockets: readonly InheritedSocket[];
}

/** SD_LISTEN_FDS_START: after standard input, output and error. */
const FIRST_FD = 3;

/** Microseconds in a millisecond. */
const USEC_PER_MSEC = 1000;

/**
 * Reads the environment.
 *
 * @param env Reads one variable.
 * @param pid Of this process: variables that name another belong to an ancestor and are ignored.
 */
export function readSystemdEnvironment(
  env: (name: string) => string | undefined,
  pid: number,
): SystemdEnvironment {
  const forUs = (owner: string | undefined) => owner === String(pid);
  const watchdogOwner = env("WATCHDOG_PID");
  const watched = watchdogOwner === undefined || forUs(watchdogOwner);
  const usec = watched ? readCount(env("WATCHDOG_USEC"), 15) : 0;
  const count = forUs(env("LISTEN_PID")) ? readCount(env("LISTEN_FDS"), 3) : 0;
  const names = env("LISTEN_FDNAMES")?.split(":") ?? [];
  return {
    notifySocket: env("NOTIFY_SOCKET") || undefined,
    watchdog: usec > 0 ? usec / USEC_PER_MSEC : undefined,
    sockets: Array.from({ length: count }, (_, index) => ({
      fd: FIRST_FD + index,
      name: names[index] ?? "unknown",
    })),
  };
}

/**
 * Whether a file is the stream to the journal (`JOURNAL_STREAM`, systemd.exec(5)). Programs started by a
 * service inherit the variable, but may have their standard error elsewhere, such as on a terminal.
 *
 * @param stream `DEVICE:INODE`.
 */
export function isStream(
  stream: string,
  { dev, ino }: { readonly dev: bigint; readonly ino: bigint },
): boolean {
  return stream === `${dev}:${ino}`;
}

/** @returns 0 for anything but a decimal number of at most `digits` digits. */
function readCount(text: string | undefined, digits: number): number {
  return text !== undefined && text.length <= digits && /^[0-9]+$/.test(text)
    ? parseInt(text, 10)
    : 0;
}
