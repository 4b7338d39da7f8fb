/**
 * X.509 certificates made in the process (RFC 5280), good ones and every kind of bad
 * one, so that TLS tests need neither the openssl program nor files that expire.
 *
 * Writes the few DER shapes a certificate needs; it reads none, and is no library.
 *
 * @module
 */

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A private key and its public half in the form a certificate carries (SubjectPublicKeyInfo). */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly spki: Uint8Array;
  /** PKCS #8, as `Deno.listenTls` takes it. */
  readonly keyPem: string;
  readonly kind: "ec" | "rsa";
}

/** A certificate with its key, able to sign others. */
export interface Certificate extends KeyPair {
  readonly subject: string;
  readonly der: Uint8Array;
  readonly certPem: string;
}

/** What to put into a certificate. */
export interface CertificateOptions {
  /** Common name of the subject. */
  readonly subject: string;
  /** Who signs; absent: the certificate signs itself. */
  readonly issuer?: Certificate;
  /** SAN dNSNames; without these and `ip` there is no SAN extension at all. */
  readonly dns?: readonly string[];
  /** SAN iPAddresses, dotted IPv4. */
  readonly ip?: readonly string[];
  /** Validity; by default from an hour ago to a day ahead. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** A CA certificate (basicConstraints CA:TRUE). */
  readonly authority?: boolean;
  /** Extended key usage; by default `serverAuth`, none for a CA. */
  readonly usage?: "serverAuth" | "clientAuth";
  /** Hash of the issuer's signature. */
  readonly hash?: "sha256" | "sha1";
  /** Key of the subject; by default a new P-256 key. */
  readonly key?: KeyPair;
}

const HOUR_MS = 3_600_000;

/** The signature algorithms used, by issuer's key and hash. */
const SIGNATURE_OIDS = {
  ec: { sha256: "1.2.840.10045.4.3.2", sha1: "1.2.840.10045.4.1" },
  rsa: { sha256: "1.2.840.113549.1.1.11", sha1: "1.2.840.113549.1.1.5" },
} as const;

const USAGE_OIDS = { serverAuth: "1.3.6.1.5.5.7.3.1", clientAuth: "1.3.6.1.5.5.7.3.2" } as const;

/** Makes a key: P-256, or RSA of so many bits. */
export function createKey(rsaBits?: number): KeyPair {
  const pair = rsaBits === undefined
    ? generateKeyPairSync("ec", { namedCurve: "prime256v1" })
    : generateKeyPairSync("rsa", { modulusLength: rsaBits });
  return {
    privateKey: pair.privateKey,
    spki: new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" })),
    keyPem: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    kind: rsaBits === undefined ? "ec" : "rsa",
  };
}

/** Makes a certificate as told, sensible or not. */
export function createCertificate(options: CertificateOptions): Certificate {
  const key = options.key ?? createKey();
  const signer = options.issuer ?? key;
  const hash = options.hash ?? "sha256";
  const algorithm = signer.kind === "rsa"
    ? sequence(oid(SIGNATURE_OIDS.rsa[hash]), der(0x05))
    : sequence(oid(SIGNATURE_OIDS.ec[hash]));
  const tbs = sequence(
    der(0xa0, der(0x02, [2])), // version 3
    der(0x02, [1], crypto.getRandomValues(new Uint8Array(8))), // serial number, positive
    algorithm,
    name(options.issuer?.subject ?? options.subject),
    sequence(
      time(options.notBefore ?? new Date(Date.now() - HOUR_MS)),
      time(options.notAfter ?? new Date(Date.now() + 24 * HOUR_MS)),
    ),
    name(options.subject),
    key.spki,
    der(0xa3, sequence(...extensions(options))),
  );
  const signature = new Uint8Array(sign(hash, tbs, signer.privateKey));
  const bytes = sequence(tbs, algorithm, der(0x03, [0], signature));
  return { ...key, subject: options.subject, der: bytes, certPem: pem(bytes) };
}

/** An authority to sign leaves with. */
export function createAuthority(subject = "Test CA", issuer?: Certificate): Certificate {
  return createCertificate({ subject, authority: true, ...(issuer && { issuer }) });
}

function extensions(options: CertificateOptions): Uint8Array[] {
  const list: Uint8Array[] = [];
  const authority = options.authority ?? false;
  list.push(extension("2.5.29.19", sequence(...(authority ? [der(0x01, [0xff])] : []))));
  // keyCertSign and cRLSign, or digitalSignature.
  list.push(extension("2.5.29.15", der(0x03, authority ? [1, 0x06] : [7, 0x80])));
  const usage = options.usage ?? (authority ? undefined : "serverAuth");
  if (usage !== undefined) list.push(extension("2.5.29.37", sequence(oid(USAGE_OIDS[usage]))));
  const names = [
    ...(options.dns ?? []).map((text) => der(0x82, ascii(text))),
    ...(options.ip ?? []).map((text) => der(0x87, text.split(".").map(Number))),
  ];
  if (names.length > 0) list.push(extension("2.5.29.17", sequence(...names)));
  return list;
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return sequence(oid(id), der(0x04, value));
}

function name(commonName: string): Uint8Array {
  return sequence(der(0x31, sequence(oid("2.5.4.3"), der(0x0c, ascii(commonName)))));
}

/** GeneralizedTime; RFC 5280 wants UTCTime before 2050, which verifiers do not insist on. */
function time(at: Date): Uint8Array {
  return der(0x18, ascii(at.toISOString().replaceAll(/[-:T]|\.\d+/g, "")));
}

function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, bytes);
}

function sequence(...parts: Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

/** One DER element: tag, length, contents. */
function der(tag: number, ...parts: (Uint8Array | readonly number[])[]): Uint8Array {
  const content = parts.flatMap((part) => [...part]);
  const size = content.length;
  const length = size < 0x80
    ? [size]
    : size < 0x100
    ? [0x81, size]
    : [0x82, size >> 8, size & 0xff];
  return Uint8Array.from([tag, ...length, ...content]);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function pem(bytes: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...bytes)).replaceAll(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
