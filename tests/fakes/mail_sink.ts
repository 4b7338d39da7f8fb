/**
 * A mail server on loopback that takes every mail, or refuses as told.
 *
 * @module
 */

import { awaitEnd, SocketGroup, writeText } from "./policy_host.ts";

/** A mail as it came. */
export interface SunkMail {
  readonly from: string;
  readonly to: string;
  /** Without the dots of SMTP. */
  readonly content: string;
}

/** A running server. */
export interface MailSink extends AsyncDisposable {
  readonly port: number;
  readonly mails: readonly SunkMail[];
  /** Connections so far. */
  readonly connections: number;
  /** The reply to a recipient that gets no mail, until it is taken away. */
  refuse: ((to: string) => string | undefined) | undefined;
  /** Takes mails without a word, as long as it is set. */
  isMute: boolean;
}

/** Starts a server on 127.0.0.1. */
export function startMailSink(): MailSink {
  const sockets = new SocketGroup();
  const mails: SunkMail[] = [];
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let connections = 0;
  const sink: MailSink = {
    port: listener.addr.port,
    mails,
    get connections() {
      return connections;
    },
    refuse: undefined,
    isMute: false,
    [Symbol.asyncDispose]: () => sockets.close(),
  };
  sockets.accept(listener, async (conn) => {
    connections++;
    // Each reply is written by itself, and none shall wait for the client to acknowledge the one before.
    (conn as Deno.TcpConn).setNoDelay(true);
    await writeText(conn, "220 mx.test ESMTP\r\n");
    let from = "";
    let to = "";
    let content: string[] | undefined;
    for await (const line of readLines(conn)) {
      if (content !== undefined) {
        if (line !== ".") {
          content.push(line.startsWith(".") ? line.slice(1) : line);
          continue;
        }
        if (to !== "") {
          mails.push({
            from,
            to,
            content: content.map((each) => `${each}\r\n`).join(""),
          });
        }
        if (sink.isMute) return await awaitEnd(conn);
        await writeText(conn, to === "" ? "554 no recipients\r\n" : "250 queued\r\n");
        content = undefined;
        to = "";
        continue;
      }
      const [verb = ""] = line.split(/[ :]/, 1);
      const address = /<(.*)>/.exec(line)?.[1] ?? "";
      const refusal = verb === "RCPT" ? sink.refuse?.(address) : undefined;
      if (verb === "MAIL") from = address;
      if (verb === "RCPT" && refusal === undefined) to = address;
      if (verb === "DATA") content = [];
      const hello = "250-mx.test\r\n250 PIPELINING\r\n";
      const normal = verb === "EHLO" ? hello : verb === "DATA" ? "354 go\r\n" : "250 ok\r\n";
      await writeText(conn, refusal ?? normal);
      if (verb === "QUIT") return;
    }
  });
  return sink;
}

async function* readLines(conn: Deno.Conn): AsyncGenerator<string> {
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (;;) {
    const size = await conn.read(buffer);
    if (size === null) return;
    text += new TextDecoder().decode(buffer.subarray(0, size));
    const lines = text.split("\r\n");
    text = lines.pop() ?? "";
    yield* lines;
  }
}
