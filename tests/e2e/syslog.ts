/**
 * A syslog daemon for a program that logs in no other way: appends each message to a file, as one line.
 *
 * Run as: syslog.ts SOCKET FILE
 *
 * @module
 */

function decodeMessage(octets: Uint8Array): string {
  // A message begins with its priority, and some end with NUL or a line break.
  return new TextDecoder().decode(octets).replace(/^<\d+>/, "").replaceAll(/[\n\0]+/g, " ");
}

async function main([socket, file]: string[]): Promise<void> {
  if (!socket || !file) throw new Error("Two arguments are needed");
  const messages = Deno.listenDatagram({ transport: "unixpacket", path: socket });
  for await (const [octets] of messages) {
    Deno.writeTextFileSync(file, `${decodeMessage(octets)}\n`, { append: true });
  }
}

await main(Deno.args);
