/**
 * The plain-text half of a TLS 1.2 handshake (RFC 5246 §7.4), enough to show a client a
 * certificate whose key the platform's own TLS server would refuse to use, such as RSA 1024.
 *
 * Never finishes a handshake: the client has made up its mind before keys are needed.
 *
 * @module
 */

import { sign } from "node:crypto";
import type { Certificate } from "../fakes/certificates.ts";
import { writeAll } from "../fakes/policy_host.ts";

/** Where the client's random stands in a first record: after record header, handshake header and version. */
const CLIENT_RANDOM_OFFSET = 5 + 4 + 2;

/** How the two kinds of key sign here: cipher suite with ECDHE, and signature scheme (RFC 5246, RFC 8446 §4.2.3). */
const ALGORITHMS = {
  rsa: { suite: [0xc0, 0x2f], scheme: [0x04, 0x01] },
  ec: { suite: [0xc0, 0x2b], scheme: [0x04, 0x03] },
} as const;

/** The record types a client may reply with (RFC 5246 §6.2.1). */
export const ALERT = 21;
export const HANDSHAKE = 22;

/**
 * Sends the server's first flight.
 *
 * @returns The type of the record the client replies with: `HANDSHAKE` when it accepts the certificate, else `ALERT`.
 */
export async function offerTls12(
  conn: Deno.Conn,
  certificate: Certificate,
): Promise<number | undefined> {
  const buffer = new Uint8Array(16_384);
  await conn.read(buffer);
  const clientRandom = buffer.slice(CLIENT_RANDOM_OFFSET, CLIENT_RANDOM_OFFSET + 32);
  const serverRandom = crypto.getRandomValues(new Uint8Array(32));
  // A key exchange on x25519, where any 32 octets are a public key.
  const parameters = bytes([3, 0x00, 0x1d, 32], crypto.getRandomValues(new Uint8Array(32)));
  const signed = bytes(clientRandom, serverRandom, parameters);
  const signature = new Uint8Array(sign("sha256", signed, certificate.privateKey));
  const { suite, scheme } = ALGORITHMS[certificate.kind];
  await writeAll(
    conn,
    bytes(
      // ServerHello without session and compression, Certificate, ServerKeyExchange, ServerHelloDone.
      message(2, bytes([3, 3], serverRandom, [0], suite, [0])),
      message(11, sized(3, sized(3, certificate.der))),
      message(12, bytes(parameters, scheme, sized(2, signature))),
      message(14, bytes()),
    ),
  );
  await conn.read(buffer);
  return buffer[0];
}

/** A handshake message in a record of its own. */
function message(type: number, body: Uint8Array): Uint8Array {
  return bytes([22, 3, 3], sized(2, bytes([type], sized(3, body))));
}

/** Contents behind their length in so many octets. */
function sized(octets: 2 | 3, body: Uint8Array): Uint8Array {
  const size = [body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff];
  return bytes(size.slice(3 - octets), body);
}

function bytes(...parts: (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
