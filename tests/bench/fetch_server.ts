/**
 * A bare server on Deno for first contact: gets the policy file of each domain it is asked for, with an HTTP
 * client set up as the daemon's, and that is all. No lookup of a record or of MX hosts, no check of anything,
 * nothing kept: what the runtime's `fetch` allows for.
 *
 * Run as a program: `fetch_server.ts AUTHORITY PORT`.
 *
 * @module
 */

/** Octets of a request; the bench's are shorter. */
const REQUEST_BYTES = 1024;

/** As long as the daemon's reply. */
const REPLY = new TextEncoder().encode("50:OK secure match=mx1.bench.test servername=hostname,");

const decoder = new TextDecoder();

async function serve(conn: Deno.Conn, client: Deno.HttpClient): Promise<void> {
  const input = new Uint8Array(REQUEST_BYTES);
  while (true) {
    const size = await conn.read(input);
    if (size === null) break;
    // One request at a time, and the whole of it: `26:postfix d1.bench.test,`.
    const request = decoder.decode(input.subarray(0, size));
    const domain = request.slice(request.indexOf(" ") + 1, -1);
    const url = `https://mta-sts.${domain}/.well-known/mta-sts.txt`;
    const response = await fetch(url, { client, redirect: "error" });
    await response.bytes();
    await conn.write(REPLY);
  }
  conn.close();
}

if (import.meta.main) {
  const [authority = "", port = ""] = Deno.args;
  const client = Deno.createHttpClient({
    caCerts: [Deno.readTextFileSync(authority)],
    http2: false,
    poolMaxIdlePerHost: 0,
  });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: parseInt(port, 10) });
  for await (const conn of listener) serve(conn, client).catch(() => conn.close());
}
