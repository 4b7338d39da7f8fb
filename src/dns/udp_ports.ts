/**
 * The UDP sockets for questions to one DNS resolver.
 *
 * To forge an answer without seeing the question, an attacker has to guess its id and its source port
 * (RFC 5452 §4.3). A port for each question would cost more than the question, since it takes longer to make a socket
 * than to get an answer. So there are a few sockets, each on a random port from the kernel, and every question takes
 * one of them at random. Each is given up after a number of questions or a time, whichever comes first, before an
 * attacker could find its port and use it.
 *
 * The sockets are the runtime's own. With one of them, a question and its answer take 30 to 45 µs of processor time,
 * with one of Node's 55 to 85 µs (docs/performance-method.md). The runtime calls them unstable, so deno.json names
 * them under `unstable`.
 *
 * @module
 */

import ipaddr from "ipaddr.js";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { createRandomBits } from "./random_bits.ts";
import type { ServerAddress } from "./resolv_conf.ts";

/** Ports to choose from: three more bits to guess even for an attacker who knows them all, and room for a burst of answers. */
const PORTS = 8;

/** Sockets open at once, including those given up that still wait for answers. */
const MAX_SOCKETS = 24;

/** Questions asked from one port. With this many, a new socket costs a hundredth of what they cost. */
const MAX_QUESTIONS = 256;

/** A port is given up after this, ms. It takes seconds to find an open port by probing (CVE-2020-25705). */
const MAX_AGE_MS = 10_000;

/** Octets read of a datagram. We ask for 1232 at most, and ask again over TCP for what is truncated. */
const BUFFER_BYTES = 4096;

/** Addresses that stand for this host, and the addresses from which it answers. */
const LOCAL_ADDRESSES: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** One socket with the questions asked from it. */
export interface Port<Q> {
  /** By id. */
  readonly questions: Map<number, Q>;
  /** Sends a message. `failed` is called if the system refuses to. */
  send(message: Uint8Array, failed: (detail: string) => void): void;
}

interface OpenPort<Q> extends Port<Q> {
  /** `undefined` if the system has none left. */
  readonly socket: Deno.DatagramConn | undefined;
  readonly openedAt: number;
  /** Questions it may still take. */
  left: number;
  retired: boolean;
}

/** Options of {@link UdpPorts}. */
export interface UdpPortsOptions<Q> {
  /** Tells the age of a port. */
  readonly clock: Clock;
  /** A datagram came from the address and port of the DNS resolver. Its bytes may be kept. */
  onMessage(message: Uint8Array, port: Port<Q>): void;
}

/** The sockets. */
export class UdpPorts<Q> {
  readonly #target: ServerAddress;
  readonly #options: UdpPortsOptions<Q>;
  readonly #random = createRandomBits();
  readonly #current: (OpenPort<Q> | undefined)[] = Array(PORTS).fill(undefined);
  readonly #open = new Set<OpenPort<Q>>();
  /** The address of the DNS resolver as the system prints it, once seen. */
  #source: string;

  /** Opens nothing yet. */
  constructor(server: ServerAddress, options: UdpPortsOptions<Q>) {
    const hostname = LOCAL_ADDRESSES[server.hostname] ?? server.hostname;
    this.#target = { ...server, hostname };
    this.#source = hostname;
    this.#options = options;
  }

  /** Chooses a port for a question and an id that is free there, and keeps the question under that id. */
  take(question: Q): { readonly port: Port<Q>; readonly id: number } {
    const port = this.#choose();
    port.left--;
    let id = this.#random();
    while (port.questions.has(id)) id = this.#random();
    port.questions.set(id, question);
    return { port, id };
  }

  /** Forgets a question that is settled. */
  release(port: Port<Q>, id: number): void {
    port.questions.delete(id);
    const open = port as OpenPort<Q>;
    if (open.retired && open.questions.size === 0) this.#end(open);
  }

  /** Closes all sockets at once. The questions are left to the caller. */
  close(): void {
    for (const port of [...this.#open]) this.#end(port);
    this.#current.fill(undefined);
  }

  #choose(): OpenPort<Q> {
    const slot = this.#random() % PORTS;
    const port = this.#current[slot];
    if (port !== undefined) {
      const isFresh = port.left > 0 && this.#options.clock.now() - port.openedAt < MAX_AGE_MS;
      if (isFresh || this.#open.size >= MAX_SOCKETS) return port;
      port.retired = true;
      if (port.questions.size === 0) this.#end(port);
    }
    return this.#current[slot] = this.#openPort();
  }

  #openPort(): OpenPort<Q> {
    const { hostname, port: targetPort } = this.#target;
    const { socket, detail } = bind(hostname.includes(":") ? "::" : "0.0.0.0");
    const target = { transport: "udp", hostname, port: targetPort } as const;
    const port: OpenPort<Q> = {
      socket,
      questions: new Map(),
      openedAt: this.#options.clock.now(),
      left: MAX_QUESTIONS,
      retired: false,
      send(message, failed): void {
        if (socket === undefined) return failed(detail);
        socket.send(message, target).catch((error) => failed(messageOf(error)));
      },
    };
    this.#open.add(port);
    if (socket === undefined) port.left = 0;
    else this.#receive(socket, port);
    return port;
  }

  async #receive(socket: Deno.DatagramConn, port: OpenPort<Q>): Promise<void> {
    const { port: targetPort } = this.#target;
    const buffer = new Uint8Array(BUFFER_BYTES);
    try {
      for (;;) {
        const [message, from] = await socket.receive(buffer);
        // Nothing from anywhere else is an answer (RFC 5452 §9.1).
        const { hostname, port: source } = from as Deno.NetAddr;
        if (source !== targetPort || !this.#isSource(hostname)) continue;
        this.#options.onMessage(message.slice(), port);
      }
    } catch {
      // Closed or broken: the next question opens another one. Questions under way meet silence.
      port.left = 0;
    }
  }

  #isSource(address: string): boolean {
    if (address === this.#source) return true;
    if (!ipaddr.IPv6.isValid(address) || !ipaddr.IPv6.isValid(this.#target.hostname)) return false;
    const [seen, wanted] = [address, this.#target.hostname].map(normalize);
    if (seen !== wanted) return false;
    this.#source = address;
    return true;
  }

  #end(port: OpenPort<Q>): void {
    if (!this.#open.delete(port)) return;
    try {
      port.socket?.close();
    } catch {
      // It is closed already.
    }
  }
}

function normalize(address: string): string {
  return ipaddr.IPv6.parse(address).toNormalizedString();
}

/** @returns A socket at a port of the kernel's choice, or why there is none. */
function bind(
  hostname: string,
): { readonly socket: Deno.DatagramConn | undefined; readonly detail: string } {
  try {
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    return { socket, detail: "" };
  } catch (error) {
    return { socket: undefined, detail: messageOf(error) };
  }
}
