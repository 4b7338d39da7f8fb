/**
 * The addresses the daemon listens on, and how they change on reload: those that stay are not
 * touched, so that no connection and no query is lost.
 *
 * @module
 */

import { type Endpoint, formatEndpoint } from "../base/address.ts";
import type { InheritedSocket } from "../postfix/inherited.ts";
import type { ListenAddress } from "../config/types.ts";
import type { Log } from "../base/telemetry.ts";
import { adoptSocket } from "../postfix/inherited.ts";
import type { SocketmapServer } from "../postfix/server.ts";

/** The open listeners. */
export interface Listeners {
  /**
   * Opens what is wanted and not open yet. Beside adopted sockets an address that is in use is logged and left
   * out: it may be one of theirs that goes by another name, and those are served either way.
   *
   * @returns A function that closes what is open and no longer wanted.
   * @throws {Error} If an address cannot be had; what this call had opened is closed again.
   */
  open(wanted: readonly ListenAddress[]): Promise<() => void>;
  /**
   * Serves sockets that the process was started with, until its end.
   *
   * @throws {Error} With one line for the operator, if one cannot be taken over.
   */
  adopt(sockets: readonly InheritedSocket[]): Promise<void>;
  /** Where clients reach the daemon, as far as that is known. */
  addresses(): Endpoint[];
}

/** Creates the set of listeners of a server; none is open yet. */
export function createListeners(
  server: Pick<SocketmapServer, "listen" | "unlisten" | "serveListener">,
  log: Log,
): Listeners {
  /** What was asked for, by its written form, and what came of it. */
  const open = new Map<string, ListenAddress>();
  const adopted: Endpoint[] = [];
  /** Adopted sockets, with or without an address. */
  let held = 0;

  function close(name: string): void {
    const actual = open.get(name);
    if (actual === undefined) return;
    open.delete(name);
    server.unlisten(actual);
    log.info("no longer listening", { address: formatEndpoint(actual) });
  }

  return {
    async open(wanted: readonly ListenAddress[]): Promise<() => void> {
      const names = wanted.map(formatEndpoint);
      const before = [...open.keys()];
      const added: string[] = [];
      try {
        for (const [index, address] of wanted.entries()) {
          const name = names[index]!;
          if (open.has(name) || adopted.some((each) => formatEndpoint(each) === name)) continue;
          const actual = await openOne(address, { server, log, held });
          if (actual === undefined) continue;
          open.set(name, actual);
          added.push(name);
        }
      } catch (error) {
        added.forEach(close);
        throw error;
      }
      return () => before.filter((name) => !names.includes(name)).forEach(close);
    },
    async adopt(sockets): Promise<void> {
      for (const { fd, name } of sockets) {
        const source = await adoptSocket({ fd, name });
        server.serveListener(source);
        held++;
        if (source.address !== undefined) adopted.push(source.address);
        const address = source.address && formatEndpoint(source.address);
        log.info("listening", { address, socket: name });
      }
    },
    addresses: () => [...open.values(), ...adopted],
  };
}

/** @returns `undefined` if it is left out. */
async function openOne(
  address: ListenAddress,
  { server, log, held }: { server: Pick<SocketmapServer, "listen">; log: Log; held: number },
): Promise<ListenAddress | undefined> {
  try {
    const actual = await server.listen(address);
    log.info("listening", { address: formatEndpoint(actual) });
    // A UNIX socket is as safe as its directory, a port is whoever's comes first.
    if (held > 0 && actual.kind === "inet") {
      log.warn("not held by systemd", {
        address: formatEndpoint(actual),
        remedy: "add it to mta-sts-resolver.socket, or others can take it during a restart",
      });
    }
    return actual;
  } catch (error) {
    const inUse = error instanceof Error && error.cause instanceof Deno.errors.AddrInUse;
    if (held === 0 || !inUse) throw error;
    log.error("left out", { address: formatEndpoint(address), reason: error.message });
    return undefined;
  }
}
