/**
 * A connection of the runtime as a link whose faults are values.
 *
 * @module
 */

import { tryClose, writeAll } from "../base/connection.ts";
import type { ByteLink } from "./reply.ts";

/** The name for EHLO. A client without a name of its own gives its address (RFC 5321 §4.1.3, §4.1.4). */
export function addressLiteral(address: string): string {
  return address.includes(":") ? `[IPv6:${address}]` : `[${address}]`;
}

/** Makes a link of a connection. Closing the link closes the connection. */
export function denoLink(conn: Deno.Conn): ByteLink {
  return {
    async read(buffer) {
      try {
        return await conn.read(buffer);
      } catch {
        return null;
      }
    },
    async write(bytes) {
      try {
        await writeAll(conn, bytes);
      } catch {
        // The next read fails too.
      }
    },
    close: () => tryClose(conn),
  };
}
