/**
 * The socket of a service manager: takes what a daemon reports (sd_notify(3)).
 *
 * @module
 */

/** What is not reported by then will not be, ms. */
const PATIENCE_MS = 20_000;

/** A process of its own: this one may lack the flag that datagrams take. */
const RECEIVER = `
  const socket = Deno.listenDatagram({ transport: "unixpacket", path: Deno.args[0] });
  console.log(JSON.stringify("bound"));
  for await (const [bytes] of socket) console.log(JSON.stringify(new TextDecoder().decode(bytes)));
`;

/** A socket that keeps what it gets. */
export interface NotifySocket extends AsyncDisposable {
  /** For `NOTIFY_SOCKET`. */
  readonly path: string;
  /** The datagrams so far. */
  readonly received: readonly string[];
  /** Settles when `count` datagrams have come that contain `text`. */
  got(text: string, count?: number): Promise<void>;
}

/** Opens the socket at this path, which must be free. */
export async function openNotifySocket(path: string): Promise<NotifySocket> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--unstable-net", RECEIVER, path],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const received: string[] = [];
  const looking = new Set<() => void>();
  const reading = (async () => {
    let rest = "";
    for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      received.push(...lines.map((line) => JSON.parse(line)));
      for (const look of looking) look();
    }
  })();

  function got(text: string, count = 1): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(new Error(`Not received: '${text}'\n${received.join("\n\n")}`)),
      PATIENCE_MS,
    );
    const look = () => {
      if (received.filter((datagram) => datagram.includes(text)).length >= count) resolve();
    };
    looking.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      looking.delete(look);
    });
  }

  await got("bound");
  received.length = 0;
  return {
    path,
    received,
    got,
    async [Symbol.asyncDispose]() {
      process.kill();
      await process.status;
      await reading;
    },
  };
}
