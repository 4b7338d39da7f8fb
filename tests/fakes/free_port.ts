/**
 * A port for a server that is told where to listen.
 *
 * @module
 */

/** A port of 127.0.0.1 that nobody uses at the moment. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
