/**
 * Reads which certificates a server presents, for people and for TLSA records.
 *
 * Only Node's TLS shows the certificates, and its verifier is not the one that fetches policies. So
 * this is always a second connection, made after the first was verified or refused, and it verifies
 * nothing.
 *
 * @module
 */

import net from "node:net";
import tls from "node:tls";
import type { ByteLink } from "../mail/reply.ts";
import { SmtpDialogue } from "./smtp_dialogue.ts";
import type { TimeBudget } from "./time_budget.ts";

/** What a server presents in the TLS handshake. */
export interface Presented {
  /** All that the server sends, as far as it forms a chain. DER, the host's own first; at least that one. */
  readonly chain: readonly Uint8Array[];
  /** Such as `TLSv1.3`. */
  readonly protocol?: string;
}

/** Where and how to look. */
export interface PresentedOptions {
  readonly remote: Deno.NetAddr;
  /** For SNI. */
  readonly host: string;
  /** Absent: TLS begins at once, without SMTP before it. */
  readonly helo?: string;
  readonly budget: TimeBudget;
  /** PEM. Nothing is verified, but without any roots the runtime does not connect. */
  readonly caCerts?: readonly string[];
}

/** Certificates of a chain that are read; real ones have up to five. */
const CHAIN_MAX = 10;

/** Connects, begins TLS and reads the certificates. @returns `undefined` if that fails. Never rejects. */
export async function readPresented(options: PresentedOptions): Promise<Presented | undefined> {
  const { remote, helo, budget } = options;
  const address = { host: remote.hostname, port: remote.port };
  if (helo === undefined) return await handshake(address, options);
  const socket = net.connect({ ...address, noDelay: true });
  // A fault ends the reads. Without a listener the event would end the process.
  socket.on("error", () => {});
  try {
    const connected = await budget.run(emitted(socket, "connect"), () => socket.destroy());
    if (connected !== true) return undefined;
    const link = nodeLink(socket);
    const fault = await new SmtpDialogue(link, { budget, helo }).startTls();
    link.detach();
    return fault === undefined ? await handshake({ socket }, options) : undefined;
  } finally {
    socket.destroy();
  }
}

async function handshake(
  to: { readonly socket: net.Socket } | { readonly host: string; readonly port: number },
  { host, budget, caCerts = [] }: Pick<PresentedOptions, "host" | "budget" | "caCerts">,
): Promise<Presented | undefined> {
  const session = tls.connect({
    ...to,
    ...(caCerts.length === 0 ? {} : { ca: [...caCerts] }),
    servername: host,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  session.on("error", () => {});
  try {
    const agreed = await budget.run(emitted(session, "secureConnect"), () => session.destroy());
    if (agreed !== true) return undefined;
    const chain = readChain(session.getPeerCertificate(true));
    const protocol = session.getProtocol();
    return protocol ? { chain, protocol } : { chain };
  } finally {
    session.destroy();
  }
}

/** The chain is a linked list. Its root, if the server sends it, points at itself. */
function readChain(leaf: tls.DetailedPeerCertificate): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next: tls.DetailedPeerCertificate | undefined = leaf;
  while (next?.raw !== undefined && chain.length < CHAIN_MAX) {
    chain.push(new Uint8Array(next.raw));
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}

/** Waits for an event. @returns `false` if the socket ends first. */
function emitted(socket: net.Socket, event: string): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once(event, () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}

/** The link over a socket of Node. It buffers one chunk of data at most. */
function nodeLink(socket: net.Socket): ByteLink & { detach(): void } {
  let held = new Uint8Array(0);
  let ended = false;
  let wake = () => {};
  const onData = (chunk: Uint8Array) => {
    socket.pause();
    held = new Uint8Array(chunk);
    wake();
  };
  const onEnd = () => {
    ended = true;
    wake();
  };
  socket.on("data", onData).on("end", onEnd).on("close", onEnd);
  return {
    async read(buffer) {
      if (held.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          socket.resume();
        });
      }
      if (held.length === 0) return null;
      const size = Math.min(held.length, buffer.length);
      buffer.set(held.subarray(0, size));
      held = held.slice(size);
      return size;
    },
    write(bytes) {
      if (!ended) socket.write(bytes);
      return Promise.resolve();
    },
    close: () => socket.destroy(),
    detach: () => socket.off("data", onData).off("end", onEnd).off("close", onEnd),
  };
}
