/**
 * A mail server on loopback as far as a checker goes with one: greeting, EHLO, STARTTLS, and real TLS
 * behind it with any certificate. Every step can go wrong on purpose.
 *
 * With `implicit` TLS begins at once, as at a web server.
 *
 * @module
 */

import type { Certificate } from "./certificates.ts";
import { awaitEnd, SocketGroup, writeText } from "./policy_host.ts";

/** What the server does at one step: says this, says nothing any more, or hangs up. */
export type Behaviour = string | "silent" | "close";

/** How the server behaves; by default as it should, without TLS as long as there is no chain. */
export interface SmtpServerOptions {
  /** The certificate chain to show, leaf first. */
  readonly chain?: readonly Certificate[];
  readonly greeting?: Behaviour;
  /** The reply to the first EHLO; the default offers STARTTLS if there is a chain. */
  readonly hello?: Behaviour;
  readonly startTls?: Behaviour;
  /** Takes the bare connection in place of TLS. */
  readonly rawTls?: (conn: Deno.Conn) => Promise<void> | void;
  /** The reply to EHLO inside TLS. */
  readonly helloAgain?: Behaviour;
  /** TLS without SMTP before it. */
  readonly implicit?: boolean;
}

/** A running server. */
export interface SmtpServer extends AsyncDisposable {
  readonly port: number;
  /** What clients said, those inside TLS with a `*` before them. */
  readonly commands: readonly string[];
  /** Resolves when the server has fallen silent for the first time. */
  readonly silence: Promise<void>;
}

/** What a server of TLS 1.1 answers: a fatal alert `protocol_version`. */
const PROTOCOL_VERSION_ALERT = new Uint8Array([0x15, 3, 2, 0, 2, 2, 70]);

/** For `rawTls`: speaks nothing newer than TLS 1.1. */
export async function refuseTlsVersion(conn: Deno.Conn): Promise<void> {
  await conn.read(new Uint8Array(1024));
  await conn.write(PROTOCOL_VERSION_ALERT);
  await awaitEnd(conn);
}

/** Starts a server on 127.0.0.1. */
export function startSmtpServer(options: SmtpServerOptions = {}): SmtpServer {
  const { chain } = options;
  const offer = chain === undefined ? "" : "250-STARTTLS\r\n";
  const {
    greeting = "220 mx.example ESMTP\r\n",
    hello = `250-mx.example\r\n250-SIZE 1000\r\n${offer}250 8BITMIME\r\n`,
    startTls = "220 go ahead\r\n",
    helloAgain = "250 mx.example\r\n",
  } = options;
  const sockets = new SocketGroup();
  const commands: string[] = [];
  const silence = Promise.withResolvers<void>();
  const inner = chain && Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: chain.map(({ certPem }) => certPem).join(""),
    key: chain[0]?.keyPem ?? "",
  });
  if (inner !== undefined) {
    sockets.accept(inner, (conn) => options.implicit ? awaitEnd(conn) : serveInside(conn));
  }
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  sockets.accept(listener, serve);
  return {
    port: listener.addr.port,
    commands,
    silence: silence.promise,
    [Symbol.asyncDispose]: () => sockets.close(),
  };

  async function serve(conn: Deno.Conn): Promise<void> {
    if (options.implicit) return await beginTls(conn, "");
    if (!await behave(conn, greeting)) return;
    for await (const command of readCommands(conn)) {
      commands.push(command);
      if (command === "QUIT") return;
      if (command === "STARTTLS") {
        if (!startTls.startsWith("220")) {
          if (!await behave(conn, startTls)) return;
          continue;
        }
        return await beginTls(conn, startTls);
      }
      if (!await behave(conn, hello)) return;
    }
  }

  /** @returns Whether the session goes on. */
  async function behave(conn: Deno.Conn, behaviour: Behaviour): Promise<boolean> {
    if (behaviour === "close") return false;
    if (behaviour !== "silent") {
      await writeText(conn, behaviour);
      return true;
    }
    silence.resolve();
    await awaitEnd(conn);
    return false;
  }

  async function beginTls(conn: Deno.Conn, ready: string): Promise<void> {
    if (options.rawTls !== undefined) {
      await writeText(conn, ready);
      await options.rawTls(conn);
    } else if (inner !== undefined) {
      await sockets.tunnel(conn, inner.addr, ready);
    }
  }

  async function serveInside(conn: Deno.Conn): Promise<void> {
    for await (const command of readCommands(conn)) {
      commands.push(`*${command}`);
      if (command === "QUIT" || !await behave(conn, helloAgain)) return;
    }
  }
}

async function* readCommands(conn: Deno.Conn): AsyncGenerator<string> {
  const buffer = new Uint8Array(4096);
  for (;;) {
    const size = await conn.read(buffer);
    if (size === null) return;
    const text = new TextDecoder().decode(buffer.subarray(0, size));
    yield* text.split("\r\n").filter((line) => line !== "");
  }
}
