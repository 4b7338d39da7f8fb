/**
 * A port for a server that is told where to listen.
 *
 * @module
 */

/** Above the ports of services, below those that the kernel gives to `port: 0` and to clients (ip(7)). */
const FIRST = 10_000;
const LAST = 32_000;

/**
 * A port of 127.0.0.1 that nobody uses at the moment, and that the kernel gives nobody until it is used: other
 * tests open sockets all the time.
 */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
