/**
 * Reads from an X.509 certificate what a person wants to see of it (RFC 5280 §4.1): names, issuer,
 * days of validity, and the public key that TLSA records are about.
 *
 * Verifies nothing: whether a certificate is any good is for the TLS library to say.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";

/** What stands in a certificate. Names are the remote's: quote them before they are printed. */
export interface Certificate {
  /** Common name of the subject, or another name of it; `""` if it has none. */
  readonly subject: string;
  /** Organization or common name of the issuer. */
  readonly issuer: string;
  /** Subject and issuer are the same. */
  readonly selfIssued: boolean;
  /** Whether subjectAltName has DNS names. Which ones cannot be told: the runtime joins them with commas. */
  readonly hasDnsNames: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo, DER, as it stands there; `undefined` for a kind of key that the runtime does not know. */
  readonly spki: Uint8Array | undefined;
}

/** How the runtime prints a dNSName of the subjectAltName. */
const DNS_NAME = /(?:^|, )DNS:/;

/**
 * Reads a certificate.
 *
 * @param der As presented in the handshake.
 * @returns `undefined` if it is none.
 */
export function readCertificate(der: Uint8Array): Certificate | undefined {
  try {
    return read(new X509Certificate(der), der);
  } catch {
    // Some parts are only read when they are asked for.
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

/** The attributes of a name, which the runtime prints on a line each, as `CN=mx.example.com`. */
function readName(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const line of text.split("\n")) {
    const sign = line.indexOf("=");
    if (sign > 0) attributes.set(line.slice(0, sign), line.slice(sign + 1));
  }
  return attributes;
}

/** The runtime encodes the key anew: what does not stand in the certificate is not what TLSA records are about. */
function readKey(certificate: X509Certificate, der: Uint8Array): Uint8Array | undefined {
  try {
    const spki = certificate.publicKey.export({ type: "spki", format: "der" });
    return Buffer.from(der).includes(spki) ? new Uint8Array(spki) : undefined;
  } catch {
    return undefined;
  }
}
