/**
 * Pages, metrics and health on the sockets of a configuration: the same for all three daemons.
 *
 * @module
 */

import { type Endpoint, formatEndpoint, toListenAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ListenAddress } from "../config/types.ts";
import { createHttpServer, type HttpServer } from "../http/server.ts";
import { openSocket } from "../postfix/listen.ts";
import { forLocalNames, type Site } from "../status/site.ts";

/** What a socket serves. */
export interface ServeSiteOptions {
  readonly site: Site;
  readonly clock: Clock;
  readonly log: Log;
  /** A connection lost its place to another. */
  readonly displaced?: () => void;
}

/**
 * Serves a site on one address.
 *
 * @throws {Error} If the address cannot be used; with one line for the operator.
 */
export async function serveSite(
  address: ListenAddress,
  { site, clock, log, displaced }: ServeSiteOptions,
): Promise<HttpServer> {
  const socket = await openSocket(address);
  const handle = isLoopback(address) ? forLocalNames(site) : site;
  const server = createHttpServer({ handle, clock, log, ...(displaced && { displaced }) });
  server.serve(socket);
  log.info("serving http", { address: formatEndpoint(socket.address) });
  return server;
}

/**
 * Serves a site on several addresses.
 *
 * @param options `socketMode` is for UNIX sockets.
 * @returns A function that closes them all.
 * @throws {Error} As {@link serveSite}; none of them is served then.
 */
export async function serveSites(
  endpoints: readonly Endpoint[],
  { socketMode, ...options }: ServeSiteOptions & { readonly socketMode: number },
): Promise<() => void> {
  const servers: HttpServer[] = [];
  const close = () => servers.forEach((server) => server.close());
  try {
    for (const endpoint of endpoints) {
      servers.push(await serveSite(toListenAddress(endpoint, socketMode), options));
    }
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

/** Whether only this machine can connect. A UNIX socket does not count: no browser can be led to it. */
function isLoopback(address: ListenAddress): boolean {
  return address.kind === "inet" && /^(?:127\.|::1$|localhost$)/.test(address.hostname);
}
