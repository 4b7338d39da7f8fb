/**
 * Reports the state of the daemon to systemd or another service manager with the same protocol
 * (sd_notify(3)): datagrams of `KEY=VALUE` lines to a UNIX socket.
 *
 * Deno sends such datagrams only with the flag `--unstable-net`, which is compiled into the program,
 * and only from a socket with a name. Ours has a name for a moment only.
 *
 * @module
 */

import type { Log } from "../base/log.ts";

/** Where states go. */
export interface Notifier {
  /** Sends one datagram of these lines, after those before it. Never rejects. */
  send(...lines: readonly string[]): Promise<void>;
  /** Closes the socket once everything is sent; later datagrams are dropped. */
  close(): void;
}

/**
 * Creates a notifier. A failure is logged once, as a warning: the daemon works without it.
 *
 * @param address `NOTIFY_SOCKET`; `undefined` if no service manager listens.
 */
export function createNotifier(address: string | undefined, log: Log): Notifier {
  if (address === undefined) return { send: () => Promise.resolve(), close() {} };
  const path = address.replace(/^@/, "\0");
  let warned = false;
  let socket: Deno.DatagramConn | undefined;
  try {
    socket = openSender();
  } catch (error) {
    warn(error);
  }
  let last = Promise.resolve();

  function warn(error: unknown): void {
    if (!warned) log.warn("service manager not notified", { address, error: String(error) });
    warned = true;
  }

  async function send(bytes: Uint8Array): Promise<void> {
    try {
      await socket?.send(bytes, { transport: "unixpacket", path });
    } catch (error) {
      warn(error);
    }
  }

  return {
    send(...lines) {
      const bytes = new TextEncoder().encode(lines.join("\n"));
      return last = last.then(() => send(bytes));
    },
    close() {
      last.then(() => {
        socket?.close();
        socket = undefined;
      });
    },
  };
}

/** Opens a socket and removes its file at once, because nobody replies to it. */
function openSender(): Deno.DatagramConn {
  if (Deno.listenDatagram === undefined) throw new TypeError("started without '--unstable-net'");
  const directory = Deno.makeTempDirSync({ prefix: "mta-sts-resolver-" });
  try {
    return Deno.listenDatagram({ transport: "unixpacket", path: `${directory}/notify` });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}
