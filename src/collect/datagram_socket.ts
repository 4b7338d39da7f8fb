/**
 * Where Postfix's datagrams arrive: a UNIX socket of our own, or standard input, where systemd passes the socket of
 * a socket unit.
 *
 * Losses happen in the kernel, which queues `net.unix.max_dgram_qlen` datagrams for a socket and lets Postfix drop
 * the next. Nothing here can see that.
 *
 * @module
 */

import { explainBindError, openSocketFile, type SocketFile } from "../base/socket_file.ts";

/** A shorter queue loses datagrams in a burst of mail: 10 is the kernel's default, systemd sets 512. */
export const QUEUE_LENGTH_MIN = 128;

/** How long a datagram may take to get into a queue with room for it, ms. */
const SEND_MS = 200;

/** After this many empty reads of standard input in a row, each further one waits: a closed one must not spin. */
const EMPTY_READS = 100;

/** The wait, ms. */
const EMPTY_WAIT_MS = 20;

/** Where datagrams come from. */
export interface DatagramSource {
  /**
   * Waits for the next one.
   *
   * @param buffer Takes it; what does not fit is lost.
   * @returns A part of `buffer`, valid until the next call; `undefined` once the source is closed.
   */
  receive(buffer: Uint8Array): Promise<Uint8Array | undefined>;
  /** Ends it. */
  close(): void;
}

/**
 * Opens a socket at a path. A socket that a killed process left behind is replaced without a gap.
 *
 * @param mode As in chmod(2).
 * @throws {Error} With one line for the operator.
 */
export async function openDatagramSocket(path: string, mode: number): Promise<DatagramSource> {
  try {
    const bind = (at: string) => Deno.listenDatagram({ transport: "unixpacket", path: at });
    return createSource(await openSocketFile(path, { mode, bind }));
  } catch (error) {
    const reason = explainBindError(error, "path");
    throw new Error(`Cannot receive datagrams on ${path}: ${reason}`, { cause: error });
  }
}

/**
 * Takes standard input.
 *
 * @param onSilence Called when it gives nothing again and again, as anything but a socket does.
 * @throws {Error} With one line for the operator, if that is a terminal.
 */
export function adoptStandardInput(onSilence: () => void): DatagramSource {
  if (Deno.stdin.isTerminal()) {
    throw new Error(
      "Cannot receive datagrams on standard input: it is a terminal; set StandardInput=socket in " +
        "the unit, and one ListenDatagram= in its socket unit",
    );
  }
  return createStreamSource(Deno.stdin, onSilence);
}

/** As {@link adoptStandardInput}, for any descriptor whose reads give one datagram each. */
export function createStreamSource(
  input: { read(buffer: Uint8Array): Promise<number | null> },
  onSilence: () => void,
): DatagramSource {
  let empty = 0;
  return {
    async receive(buffer) {
      const length = await input.read(buffer);
      // A datagram without an octet looks like the end; a datagram socket has none.
      empty = length === null ? empty + 1 : 0;
      if (empty > EMPTY_READS) {
        onSilence();
        await new Promise((done) => setTimeout(done, EMPTY_WAIT_MS));
      }
      return buffer.subarray(0, length ?? 0);
    },
    close() {},
  };
}

/**
 * Measures how many datagrams the kernel queues for a socket that is created now, up to `limit`. (The runtime lets a
 * program read /proc only if it may do everything.)
 *
 * @returns `undefined` if this cannot be measured.
 */
export async function measureQueueLength(
  limit: number = QUEUE_LENGTH_MIN,
): Promise<number | undefined> {
  let directory: string | undefined;
  const sockets: Deno.DatagramConn[] = [];
  try {
    directory = Deno.makeTempDirSync({ prefix: "mta-sts-resolver-" });
    const path = `${directory}/receiver`;
    const listen = (at: string) => {
      const socket = Deno.listenDatagram({ transport: "unixpacket", path: at });
      sockets.push(socket);
      return socket;
    };
    const receiver = listen(path);
    const sender = listen(`${directory}/sender`);
    let held = 0;
    while (held < limit) {
      const sending = sender.send(new Uint8Array(1), { transport: "unixpacket", path });
      if (!await settlesSoon(sending)) {
        // It would try for ever; once there is room, it ends.
        await receiver.receive();
        await sending;
        break;
      }
      held++;
    }
    return held;
  } catch {
    return undefined;
  } finally {
    for (const socket of sockets) socket.close();
    if (directory !== undefined) Deno.removeSync(directory, { recursive: true });
  }
}

/** Whether a datagram got into the queue; one that finds it full never does by itself. */
async function settlesSoon(sending: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), SEND_MS);
  });
  const settled = await Promise.race([sending.then(() => true), late]);
  clearTimeout(timer);
  return settled;
}

function createSource({ socket, release }: SocketFile<Deno.DatagramConn>): DatagramSource {
  let isClosed = false;
  return {
    async receive(buffer) {
      try {
        const [octets] = await socket.receive(buffer);
        return octets;
      } catch (error) {
        if (isClosed) return undefined;
        throw error;
      }
    },
    close() {
      isClosed = true;
      release();
      socket.close();
    },
  };
}
