/**
 * A bare netstring server on Deno: what the runtime can do at all with the pattern the daemon uses, one
 * read of whatever has come, one write of all replies. A request is neither decoded nor looked up: each
 * complete netstring gets the same reply, as long as the daemon's.
 *
 * Run as a program: `echo_server.ts PORT|PATH`.
 *
 * @module
 */

/** Bytes of the read and the write buffer of a connection: room for all that the bench sends ahead. */
const BUFFER_BYTES = 16 * 1024;

/** As long as the daemon's reply for one of the bench's domains. */
const REPLY = new TextEncoder().encode(
  "55:OK secure match=mx1.d500.bench.test servername=hostname,",
);

const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;

async function serve(conn: Deno.Conn): Promise<void> {
  const input = new Uint8Array(BUFFER_BYTES);
  const output = new Uint8Array(BUFFER_BYTES);
  let kept = 0;
  while (true) {
    const got = await conn.read(kept === 0 ? input : input.subarray(kept));
    if (got === null) break;
    const size = kept + got;
    let done = 0;
    let used = 0;
    for (let end = frameEnd(input, 0, size); end > 0; end = frameEnd(input, done, size)) {
      output.set(REPLY, used);
      used += REPLY.length;
      done = end;
    }
    for (let sent = 0; sent < used;) sent += await conn.write(output.subarray(sent, used));
    kept = size - done;
    if (kept > 0) input.copyWithin(0, done, size);
  }
  conn.close();
}

/** Where the netstring that begins at `at` ends; 0 if it is not complete. */
function frameEnd(bytes: Uint8Array, at: number, size: number): number {
  let length = 0;
  for (; at < size; at++) {
    const octet = bytes[at]!;
    if (octet === COLON) return at + length + 2 <= size ? at + length + 2 : 0;
    if (octet < ZERO || octet > NINE) throw new SyntaxError("Not a netstring");
    length = length * 10 + octet - ZERO;
  }
  return 0;
}

if (import.meta.main) {
  const [address = ""] = Deno.args;
  const listener: Deno.Listener<Deno.Conn> = address.startsWith("/")
    ? Deno.listen({ transport: "unix", path: address })
    : Deno.listen({ hostname: "127.0.0.1", port: parseInt(address, 10) });
  for await (const conn of listener) serve(conn).catch(() => conn.close());
}
