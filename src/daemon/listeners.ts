/**
 * The addresses on which the daemon listens, and how they change on reload. A reload does not touch
 * those that stay, so that no connection and no query is lost.
 *
 * @module
 */

import { type Endpoint, formatEndpoint } from "../base/address.ts";
import type { InheritedSocket } from "../postfix/inherited.ts";
import type { ListenAddress } from "../config/types.ts";
import type { Log } from "../base/log.ts";
import { type AddressChange, changesMode } from "./address_change.ts";
import { adoptSocket } from "../postfix/inherited.ts";
import type { SocketmapServer } from "../postfix/server.ts";

/** The open listeners. */
export interface Listeners {
  /**
   * Opens each wanted address that is not open yet. If sockets were adopted, an address in use is logged
   * and left out: it may be one of those sockets under another name, which is served either way.
   *
   * @returns What makes the wanted addresses the only ones, or everything as before.
   * @throws {Error} If an address cannot be used; what this call had opened is closed again.
   */
  open(wanted: readonly ListenAddress[]): Promise<AddressChange>;
  /**
   * Serves sockets that the process was started with, until the daemon stops.
   *
   * @throws {Error} With one line for the operator, if one cannot be taken over.
   */
  adopt(sockets: readonly InheritedSocket[]): Promise<void>;
  /** Where clients reach the daemon, as far as known. */
  addresses(): Endpoint[];
}

type Server = Pick<SocketmapServer, "listen" | "unlisten" | "serveListener">;

/** Creates the set of listeners of a server; none is open yet. */
export function createListeners(server: Server, log: Log): Listeners {
  return new ServerListeners(server, log);
}

class ServerListeners implements Listeners {
  readonly #server: Server;
  readonly #log: Log;
  /** The address that each wanted one led to, by the written form of the wanted one. */
  readonly #open = new Map<string, ListenAddress>();
  /** The wanted address with the mode that its socket has, by its written form. */
  readonly #modes = new Map<string, ListenAddress>();
  readonly #adopted: Endpoint[] = [];
  /** Adopted sockets, with or without an address. */
  #adoptedCount = 0;

  constructor(server: Server, log: Log) {
    this.#server = server;
    this.#log = log;
  }

  async open(wanted: readonly ListenAddress[]): Promise<AddressChange> {
    const before = [...this.#open.keys()];
    const added: string[] = [];
    try {
      for (const address of wanted) {
        const name = formatEndpoint(address);
        if (this.#isOpen(name)) continue;
        const actual = await this.#listen(address);
        if (actual === undefined) continue;
        this.#open.set(name, actual);
        this.#modes.set(name, address);
        added.push(name);
      }
    } catch (error) {
      for (const name of added) this.#close(name);
      throw error;
    }
    const names = wanted.map(formatEndpoint);
    const unwanted = before.filter((name) => !names.includes(name));
    return {
      apply: () => {
        for (const name of unwanted) this.#close(name);
        for (const address of wanted) this.#setMode(address);
      },
      withdraw: () => added.forEach((name) => this.#close(name)),
    };
  }

  async adopt(sockets: readonly InheritedSocket[]): Promise<void> {
    for (const { fd, name } of sockets) {
      const source = await adoptSocket({ fd, name });
      this.#server.serveListener(source);
      this.#adoptedCount++;
      if (source.address !== undefined) this.#adopted.push(source.address);
      const address = source.address && formatEndpoint(source.address);
      this.#log.info("listening", { address, socket: name });
    }
  }

  addresses(): Endpoint[] {
    return [...this.#open.values(), ...this.#adopted];
  }

  #isOpen(name: string): boolean {
    return this.#open.has(name) || this.#adopted.some((each) => formatEndpoint(each) === name);
  }

  #setMode(wanted: ListenAddress): void {
    const name = formatEndpoint(wanted);
    const open = this.#modes.get(name);
    if (open === undefined || !changesMode(open, { wanted, log: this.#log })) return;
    this.#modes.set(name, wanted);
  }

  #close(name: string): void {
    const actual = this.#open.get(name);
    if (actual === undefined) return;
    this.#open.delete(name);
    this.#modes.delete(name);
    this.#server.unlisten(actual);
    this.#log.info("no longer listening", { address: formatEndpoint(actual) });
  }

  /** @returns `undefined` if the address is left out. */
  async #listen(address: ListenAddress): Promise<ListenAddress | undefined> {
    const log = this.#log;
    const hasAdopted = this.#adoptedCount > 0;
    try {
      const actual = await this.#server.listen(address);
      log.info("listening", { address: formatEndpoint(actual) });
      // A directory protects a UNIX socket. A port belongs to the first process that opens it.
      if (hasAdopted && actual.kind === "inet") {
        log.warn("address not held by systemd", {
          address: formatEndpoint(actual),
          remedy:
            "add it to mta-sts-resolver.socket, or another process can take it during a restart",
        });
      }
      return actual;
    } catch (error) {
      const inUse = error instanceof Error && error.cause instanceof Deno.errors.AddrInUse;
      if (!hasAdopted || !inUse) throw error;
      log.error("address left out", { address: formatEndpoint(address), reason: error.message });
      return undefined;
    }
  }
}
