/**
 * The other side of a connection, as the log shows it.
 *
 * @module
 */

/** An address with its port; `undefined` for a UNIX socket, which has none. */
export function formatPeer(peer: Deno.Addr | undefined): string | undefined {
  return peer?.transport === "tcp" ? `${peer.hostname}:${peer.port}` : undefined;
}
