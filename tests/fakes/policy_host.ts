/**
 * Policy hosts on loopback with real TLS, and two ways to reach each by its name: the program's own
 * relay, with a dial that knows where the hosts are, and a proxy as an operator has one.
 *
 * Every domain gets a TLS listener of its own, which shows its own certificate. TLS runs end to
 * end either way, so that the name in the certificate counts as it does outside.
 *
 * Answers are written as bytes, since most tests want ones no HTTP server would give.
 *
 * @module
 */

import type { Dial } from "../../src/https/connect.ts";
import { createPolicyClient } from "../../src/https/policy_client.ts";
import { createRelay, type Relay } from "../../src/https/relay.ts";
import { chooseRoute } from "../../src/https/route.ts";
import { createClock } from "../../src/base/clock.ts";
import { type Certificate, createAuthority, createCertificate } from "./certificates.ts";

/** Larger than any request head a test makes; also the size of a read, bytes. */
const HEAD_MAX_BYTES = 65_536;

/** More fetches at once than any test makes. */
const RELAY_CONCURRENCY = 100;

/** Answers one request; the connection is closed afterwards. Errors in it are ignored, assertions too. */
export type Answer = (conn: Deno.Conn, head: string) => Promise<void> | void;

/** What stands behind one policy host name. */
export interface HostOptions {
  /** Called with the request's head once it has come. */
  readonly answer?: Answer;
  /** Short for an answer with this policy and all headers right. */
  readonly policy?: string;
  /** The certificate chain to show, leaf first; by default one for the host's name from the authority. */
  readonly chain?: readonly Certificate[];
  /** Takes the bare TCP connection in place of TLS and `answer`. */
  readonly raw?: (conn: Deno.Conn) => Promise<void> | void;
}

/** The hosts of one test. */
export interface PolicyHosts {
  /** Signs the certificates of all hosts; `client` trusts it. */
  readonly authority: Certificate;
  /** Trusts `authority` and goes through the relay of `direct`. */
  readonly client: Deno.HttpClient;
  /** Connects to the host of that name, whatever the address. */
  readonly direct: { readonly relay: Relay; readonly dial: Dial };
  /** For a client of one's own, such as the one a configured proxy leads to. */
  readonly proxyUrl: string;
  /** `host:port` of every connection asked for, also for hosts not there. */
  readonly connects: readonly string[];
  /** The head of every request answered. */
  readonly requests: readonly string[];
  /** Starts `mta-sts.<domain>`, or replaces what stands there. */
  add(domain: string, options: HostOptions): void;
  /** Ends listeners, connections and the client. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a proxy without hosts; add them to the result, and dispose of it at the end. */
export function startPolicyHosts(): PolicyHosts {
  // A name exempted from proxies would not come here, but to the hosts of the real world.
  for (const name of ["NO_PROXY", "no_proxy"]) Deno.env.delete(name);
  for (const [name, value] of Object.entries(chooseRoute({ proxy: undefined }).environment)) {
    Deno.env.set(name, value);
  }
  const authority = createAuthority();
  const hosts = new Map<string, Deno.Addr>();
  const connects: string[] = [];
  const requests: string[] = [];
  const sockets = new SocketGroup();
  const proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  sockets.accept(proxy, async (conn) => {
    const target = /^CONNECT (\S+) /.exec(await readHead(conn))?.[1] ?? "";
    connects.push(target);
    const addr = hosts.get(target);
    if (addr === undefined) {
      await writeText(conn, "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    await sockets.tunnel(conn, addr, "HTTP/1.1 200 OK\r\n\r\n");
  });
  const proxyUrl = `http://127.0.0.1:${proxy.addr.port}`;
  const relay = createRelay({ clock: createClock(), concurrency: RELAY_CONCURRENCY });
  const client = createPolicyClient({ proxy: relay.proxy, caCerts: [authority.certPem] });
  const dial: Dial = ({ host }, signal) => {
    connects.push(`${host}:443`);
    const addr = hosts.get(`${host}:443`) as Deno.NetAddr | undefined;
    if (addr === undefined) {
      return Promise.reject(new Deno.errors.ConnectionRefused("Connection refused (os error 111)"));
    }
    return Deno.connect({ hostname: "127.0.0.1", port: addr.port, signal });
  };
  return {
    authority,
    client,
    direct: { relay, dial },
    proxyUrl,
    connects,
    requests,
    add(domain, options): void {
      const host = `mta-sts.${domain}`;
      hosts.set(`${host}:443`, startHost(host, options));
    },
    async [Symbol.asyncDispose](): Promise<void> {
      client.close();
      relay.close();
      await sockets.close();
    },
  };

  function startHost(host: string, options: HostOptions): Deno.Addr {
    if (options.raw !== undefined) {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      sockets.accept(listener, options.raw);
      return listener.addr;
    }
    const chain = options.chain ??
      [createCertificate({ subject: host, dns: [host], issuer: authority })];
    const answer = options.answer ?? respond(options.policy ?? "");
    const listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: chain.map((certificate) => certificate.certPem).join(""),
      key: chain[0]?.keyPem ?? "",
    });
    sockets.accept(listener, async (conn) => {
      const head = await readHead(conn);
      requests.push(head);
      await answer(conn, head);
    });
    return listener.addr;
  }
}

/** An answer with status, headers and body; by default all as RFC 8461 §3.3 wants it. */
export function respond(
  body: string | Uint8Array,
  options: { readonly status?: string; readonly headers?: readonly string[] } = {},
): Answer {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const { status = "200 OK", headers = ["content-type: text/plain"] } = options;
  const head = [`HTTP/1.1 ${status}`, `content-length: ${bytes.length}`, ...headers, "", ""];
  // One message, lest the body wait for the client to acknowledge the head.
  const message = Uint8Array.from([...new TextEncoder().encode(head.join("\r\n")), ...bytes]);
  return (conn) => writeAll(conn, message);
}

/** Writes text as UTF-8. */
export function writeText(conn: Deno.Conn, text: string): Promise<void> {
  return writeAll(conn, new TextEncoder().encode(text));
}

/** Writes all bytes. */
export async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Waits until the other side has gone, throwing away what it sends. */
export async function awaitEnd(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(HEAD_MAX_BYTES);
  while (await conn.read(buffer) !== null);
}

async function readHead(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(HEAD_MAX_BYTES);
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    const size = await conn.read(buffer);
    if (size === null) return head;
    head += new TextDecoder().decode(buffer.subarray(0, size));
  }
  return head;
}

/** All sockets of a test and the work on them, to be ended together. */
export class SocketGroup {
  readonly #open = new Set<Disposable>();
  readonly #tasks = new Set<Promise<void>>();

  /** Serves every connection of a listener until `close`. */
  accept(listener: Deno.Listener, serve: (conn: Deno.Conn) => Promise<void> | void): void {
    this.#open.add(listener);
    this.#run(async () => {
      for await (const conn of listener) this.#run(() => this.#use(conn, () => serve(conn)));
    });
  }

  /** Connects on to a listener and copies bytes both ways until both sides are done; says `greeting` before. */
  async tunnel(conn: Deno.Conn, addr: Deno.Addr, greeting: string): Promise<void> {
    const { port } = addr as Deno.NetAddr;
    const target = await Deno.connect({ hostname: "127.0.0.1", port });
    await this.#use(target, async () => {
      await writeText(conn, greeting);
      const onward = copy(conn, target);
      await copy(target, conn);
      // Nothing more to come from the host: what the client still says would go nowhere.
      tryClose(conn);
      tryClose(target);
      await onward;
    });
  }

  /** Ends everything and waits for it. */
  async close(): Promise<void> {
    for (const socket of this.#open) tryClose(socket);
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  async #use(conn: Deno.Conn, work: () => Promise<void> | void): Promise<void> {
    this.#open.add(conn);
    try {
      await work();
    } finally {
      this.#open.delete(conn);
      tryClose(conn);
    }
  }

  #run(work: () => Promise<void>): void {
    // A client that goes away in the middle is what many tests are about.
    const task = work().catch(() => {}).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(HEAD_MAX_BYTES);
  try {
    for (;;) {
      const size = await from.read(buffer);
      if (size === null) break;
      await writeAll(to, buffer.subarray(0, size));
    }
    await to.closeWrite();
  } catch {
    // A reset on either side ends the tunnel.
    tryClose(from);
    tryClose(to);
  }
}

function tryClose(socket: Disposable): void {
  try {
    socket[Symbol.dispose]();
  } catch {
    // Closed already.
  }
}
