/**
 * Decides how a fetch reaches its policy host.
 *
 * It goes through our relay (`relay.ts`), unless the operator has set a proxy. So the connection goes to an
 * address that was looked up and judged, whatever the system's resolver, its search domains or a name server that
 * changes its mind would say.
 *
 * Measured in one run (the last row in a second one) with Deno 2.9.6 and nginx on loopback, TLS 1.3, one fetch at
 * a time and 50 at a time, on two processors that other programs used too:
 *
 * | way | p50 | processor time at 50 |
 * | --- | --- | --- |
 * | by name, system's resolver on loopback | 2.1 ms | 1.0 ms |
 * | relay with HTTP's CONNECT | 53 ms | 1.5 ms |
 * | the same, TCP_NODELAY on both of its sides | 48 ms | 1.5 ms |
 * | the same, without the C library's questions | 48 ms | 1.3 ms |
 * | the same over IPv6; with the reply to CONNECT sent ahead | 48 ms; 44 ms | 1.3 ms; 1.4 ms |
 * | relay with SOCKS5, the same otherwise | 2.4 ms | 1.4 ms |
 * | the same, all replies sent ahead | 48 ms | 1.2 ms |
 *
 * The 40 ms come from Nagle's algorithm in `fetch` and the delayed ACK of loopback. After CONNECT, `fetch` writes
 * the last flight of the handshake in two parts, and nobody answers the first. After SOCKS5, it writes the flight
 * in one part, which the host's session ticket acknowledges. Replies sent ahead acknowledge nothing.
 *
 * Before `fetch` goes to any proxy, it still looks the name up, to check the addresses against `--deny-net`. It
 * waits for that, 10 s if the system's resolver is dead, and goes on without an answer. So we tell the C library
 * not to ask: it makes no tries itself, and none through systemd-resolved. This holds for the whole process, from
 * its first look-up until it ends.
 *
 * @module
 */

import { isIpv4 } from "../base/host.ts";

/** The way that fetches take, and the environment variables to set before the first one. */
export type Route =
  & (
    | { readonly kind: "relay" }
    | { readonly kind: "proxy"; readonly url: string }
  )
  & { readonly environment: Readonly<Record<string, string>> };

/** Keeps the C library from asking the network for names: no tries itself, none through systemd-resolved. */
export const NO_RESOLVER = { RES_OPTIONS: "attempts:0", SYSTEMD_NSS_RESOLVE_NETWORK: "0" } as const;

/** Decides from the configuration alone. A proxy given by name needs the C library to look it up. */
export function chooseRoute({ proxy }: { readonly proxy?: string | undefined }): Route {
  if (proxy === undefined) return { kind: "relay", environment: NO_RESOLVER };
  return { kind: "proxy", url: proxy, environment: hasAddress(proxy) ? NO_RESOLVER : {} };
}

/** Whether the host of a URL is an address. */
function hasAddress(url: string): boolean {
  const hostname = URL.parse(url)?.hostname ?? "";
  return isIpv4(hostname) || hostname.startsWith("[");
}
