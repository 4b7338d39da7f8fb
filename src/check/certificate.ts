/**
 * Reads the parts of an X.509 certificate that a person wants to see (RFC 5280 §4.1): names, issuer and
 * validity, and the public key that TLSA records match.
 *
 * It verifies nothing. The TLS library does that.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";

/** The contents of a certificate. Names are remote text: quote them before they are printed. */
export interface Certificate {
  /** Common name of the subject, or another name of it; `""` if it has none. */
  readonly subject: string;
  /** Organization or common name of the issuer. */
  readonly issuer: string;
  /** Subject and issuer are the same. */
  readonly selfIssued: boolean;
  /** Whether subjectAltName has DNS names. The runtime joins them with commas, so they cannot be told apart. */
  readonly hasDnsNames: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo, DER, as in the certificate; `undefined` for a key type that the runtime does not know. */
  readonly spki: Uint8Array | undefined;
}

/** How the runtime prints a dNSName of the subjectAltName. */
const DNS_NAME = /(?:^|, )DNS:/;

/**
 * Reads a certificate.
 *
 * @param der As presented in the handshake.
 * @returns `undefined` if it is not a certificate.
 */
export function readCertificate(der: Uint8Array): Certificate | undefined {
  try {
    return read(new X509Certificate(der), der);
  } catch {
    // The runtime parses some parts only on access.
    return undefined;
  }
}

/** @throws {Error} If a part is malformed. */
function read(certificate: X509Certificate, der: Uint8Array): Certificate | undefined {
  const { subject = "", issuer = "", subjectAltName = "", validFrom, validTo } = certificate;
  const notBefore = Date.parse(validFrom);
  const notAfter = Date.parse(validTo);
  if (Number.isNaN(notBefore) || Number.isNaN(notAfter)) return undefined;
  const subjectName = readName(subject);
  const issuerName = readName(issuer);
  return {
    subject: subjectName.get("CN") ?? [...subjectName.values()].at(-1) ?? "",
    issuer: issuerName.get("O") ?? issuerName.get("CN") ?? "",
    selfIssued: subject === issuer,
    hasDnsNames: DNS_NAME.test(subjectAltName),
    notBefore,
    notAfter,
    spki: readKey(certificate, der),
  };
}

/** The attributes of a name. The runtime prints each on its own line, as `CN=mx.example.com`. */
function readName(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const line of text.split("\n")) {
    const sign = line.indexOf("=");
    if (sign > 0) attributes.set(line.slice(0, sign), line.slice(sign + 1));
  }
  return attributes;
}

/** The runtime encodes the key again. An encoding that is not in the certificate is not what TLSA records match. */
function readKey(certificate: X509Certificate, der: Uint8Array): Uint8Array | undefined {
  try {
    const spki = certificate.publicKey.export({ type: "spki", format: "der" });
    return Buffer.from(der).includes(spki) ? new Uint8Array(spki) : undefined;
  } catch {
    return undefined;
  }
}
