/**
 * Addresses of sockets and name servers as people write them. This file judges only their form. It resolves and
 * opens nothing.
 *
 * @module
 */

import { isHostname, isIpv4, isIpv6 } from "./host.ts";

/** A socket without its mode, which has its own key in the configuration file. */
export type Endpoint =
  | { readonly kind: "inet"; readonly hostname: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** A socket to listen on. */
export type ListenAddress =
  | { readonly kind: "inet"; readonly hostname: string; readonly port: number }
  /** `mode` as in chmod(2), for example `0o660`. */
  | { readonly kind: "unix"; readonly path: string; readonly mode: number };

/** The form of an address in messages and manuals. */
export const ENDPOINT_FORM = 'an address such as "inet:127.0.0.1:8461" or "unix:/run/postfix.sock"';

/**
 * `sun_path` of sockaddr_un holds 108 bytes on Linux, including the closing NUL. The daemon binds a socket under
 * its path with `.new` appended.
 */
export const SOCKET_PATH_MAX_BYTES = 103;

/** Port of DNS, RFC 1035 §4.2. */
const DNS_PORT = 53;

/**
 * Reads `inet:HOST:PORT`, `HOST:PORT`, `[IPV6]:PORT` or `unix:/PATH`, as Postfix writes them.
 * Port 0 means any free port.
 *
 * @returns `undefined` for anything else.
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return isSocketPath(path) ? { kind: "unix", path } : undefined;
  }
  const [, host, digits] = /^(?:inet:)?(\[[^\]]*\]|[^:]*):([0-9]{1,5})$/.exec(text) ?? [];
  if (host === undefined) return undefined;
  const hostname = host.startsWith("[") ? host.slice(1, -1) : host;
  const valid = host.startsWith("[") ? isIpv6(hostname) : isIpv4(hostname) || isHostname(hostname);
  const port = parseInt(digits ?? "", 10);
  return valid && port <= 65535 ? { kind: "inet", hostname, port } : undefined;
}

/** Writes an address in the form that {@link parseEndpoint} reads. */
export function formatEndpoint(address: Endpoint | ListenAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const { hostname, port } = address;
  return `inet:${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** Adds the mode to a UNIX socket. */
export function toListenAddress(endpoint: Endpoint, mode: number): ListenAddress {
  return endpoint.kind === "unix" ? { ...endpoint, mode } : endpoint;
}

/**
 * Reads the address of a name server, with or without a port.
 *
 * @returns `192.0.2.1:53` or `[2001:db8::1]:53`; `undefined` if it is not a literal address,
 * because no name can be resolved before there is a name server.
 */
export function parseNameServer(text: string): string | undefined {
  if (isIpv4(text)) return `${text}:${DNS_PORT}`;
  if (isIpv6(text)) return `[${text}]:${DNS_PORT}`;
  const endpoint = parseEndpoint(`inet:${text}`) ?? parseEndpoint(`inet:${text}:${DNS_PORT}`);
  if (endpoint?.kind !== "inet" || endpoint.port === 0) return undefined;
  const { hostname, port } = endpoint;
  if (isIpv6(hostname)) return `[${hostname}]:${port}`;
  return isIpv4(hostname) ? `${hostname}:${port}` : undefined;
}

/** Whether a UNIX socket can be bound under this path. */
export function isSocketPath(path: string): boolean {
  return isAbsolutePath(path) && new TextEncoder().encode(path).length <= SOCKET_PATH_MAX_BYTES;
}

/** Whether the path starts at the root and can be printed. */
export function isAbsolutePath(path: string): boolean {
  return /^\/[^\p{C}]+$/u.test(path);
}
