/**
 * A flood of names nobody has heard of, as fast as the daemon answers.
 *
 * Run as: flood.ts PORT
 *
 * @module
 */

import { ask } from "./probe.ts";

const NAMES = 100_000;

/** Connections, each with one question at a time: as many as Postfix has delivery processes. */
const CONNECTIONS = 100;

const port = parseInt(Deno.args[0] ?? "", 10);
let next = 0;
await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  while (next < NAMES) await ask(conn, `unknown${next++}.example`);
  conn.close();
}));
