/**
 * A web server that takes TLS reports, behind a name of `policy_host.ts`: real TLS, and answers made to order.
 *
 * @module
 */

import { type Certificate, createCertificate } from "./certificates.ts";
import { awaitEnd, type PolicyHosts, SocketGroup, writeText } from "./policy_host.ts";

/** Octets of a read. */
const BUFFER_OCTETS = 65_536;

/** A report as it came. */
export interface Posted {
  readonly head: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A running server. */
export interface ReportHost extends AsyncDisposable {
  /** Its name: `mta-sts.` and the domain. */
  readonly host: string;
  readonly posts: readonly Posted[];
  /** The answer from now on; `undefined` hangs. */
  answer: string | undefined;
}

/** Starts a server behind `mta-sts.DOMAIN`. */
export function startReportHost(
  hosts: Pick<PolicyHosts, "add" | "authority">,
  options: { readonly domain: string; readonly chain?: readonly Certificate[] },
): ReportHost {
  const host = `mta-sts.${options.domain}`;
  const chain = options.chain ??
    [createCertificate({ subject: host, dns: [host], issuer: hosts.authority })];
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: chain.map(({ certPem }) => certPem).join(""),
    key: chain[0]?.keyPem ?? "",
  });
  const sockets = new SocketGroup();
  const posts: Posted[] = [];
  const server: ReportHost = {
    host,
    posts,
    answer: "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
    [Symbol.asyncDispose]: () => sockets.close(),
  };
  sockets.accept(listener, async (conn) => {
    posts.push(await readPost(conn));
    if (server.answer === undefined) await awaitEnd(conn);
    else await writeText(conn, server.answer);
  });
  hosts.add(options.domain, { raw: (conn) => sockets.tunnel(conn, listener.addr, "") });
  return server;
}

async function readPost(conn: Deno.Conn): Promise<Posted> {
  let octets = new Uint8Array();
  const buffer = new Uint8Array(BUFFER_OCTETS);
  for (;;) {
    const text = new TextDecoder("latin1").decode(octets);
    const end = text.indexOf("\r\n\r\n") + 4;
    const length = parseInt(/^content-length: ([0-9]+)\r$/im.exec(text)?.[1] ?? "0", 10);
    if (end >= 4 && octets.length >= end + length) {
      return { head: text.slice(0, end), body: octets.slice(end) };
    }
    const size = await conn.read(buffer);
    if (size === null) throw new Error("the client went away");
    octets = Uint8Array.from([...octets, ...buffer.subarray(0, size)]);
  }
}
