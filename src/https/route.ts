/**
 * How a fetch gets to its policy host, decided in one place.
 *
 * Through our relay (`relay.ts`), always, unless the operator has set a proxy: so the connection goes to
 * an address that was looked up and judged, whatever the system's resolver, its search domains or a name
 * server that changes its mind would say.
 *
 * Measured in one run with Deno 2.9.6 and nginx on loopback, TLS 1.3, one fetch at a time and 50 at a time, on
 * two processors that others used too (the last row in a second run):
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
 * The 40 ms are Nagle's algorithm in `fetch` against the delayed ACK of loopback. After CONNECT, `fetch`
 * writes the last flight of the handshake in two parts, and nobody has anything to say to the first; after
 * SOCKS5 it writes it in one, which the host's session ticket acknowledges. Replies sent ahead acknowledge nothing.
 *
 * Before it goes to any proxy `fetch` looks the name up all the same, to hold the addresses against
 * `--deny-net`, and waits for that: 10 s where the system's resolver is dead. It goes on when there is no
 * answer. So the C library is told not to ask: it makes no tries, nor does systemd-resolved for it. That
 * counts for the whole process, and from the first name it is asked for until the end.
 *
 * @module
 */

/** A way out, and the variables of the environment to set before the first fetch. */
export type Route =
  & (
    | { readonly kind: "relay" }
    | { readonly kind: "proxy"; readonly url: string }
  )
  & { readonly environment: Readonly<Record<string, string>> };

/** Keeps the C library from asking the network for names: no tries of its own, none through systemd-resolved. */
export const NO_RESOLVER = { RES_OPTIONS: "attempts:0", SYSTEMD_NSS_RESOLVE_NETWORK: "0" } as const;

/** Decides by the configuration alone. */
export function chooseRoute({ proxy }: { readonly proxy?: string | undefined }): Route {
  if (proxy === undefined) return { kind: "relay", environment: NO_RESOLVER };
  return { kind: "proxy", url: proxy, environment: isLiteral(proxy) ? NO_RESOLVER : {} };
}

/** Whether a URL names its host by address. */
function isLiteral(url: string): boolean {
  return /^[a-z]+:\/\/(?:[^@/]*@)?(?:[0-9.]+|\[[0-9a-f:.]+\])(?::[0-9]+)?\/?$/i.test(url);
}
