/**
 * Reads from an X.509 certificate what a person wants to see of it (RFC 5280 §4.1): names, issuer,
 * days of validity, and the public key that TLSA records are about.
 *
 * Verifies nothing: whether a certificate is any good is for the TLS library to say.
 *
 * @module
 */

import { derChildren, type DerElement, hex, readDer } from "./der.ts";

/** What stands in a certificate. Names are the remote's: quote them before they are printed. */
export interface Certificate {
  /** Common name of the subject, or another name of it; `""` if it has none. */
  readonly subject: string;
  /** Organization or common name of the issuer. */
  readonly issuer: string;
  /** Subject and issuer are the same. */
  readonly selfIssued: boolean;
  /** The DNS names in subjectAltName, as they stand there. */
  readonly dnsNames: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

const TAG_UTC_TIME = 0x17;
const TAG_SEQUENCE = 0x30;
const TAG_VERSION = 0xa0;
const TAG_EXTENSIONS = 0xa3;
/** `dNSName` of GeneralName (RFC 5280 §4.2.1.6). */
const TAG_DNS_NAME = 0x82;

const OID_COMMON_NAME = "550403";
const OID_ORGANIZATION = "55040a";
const OID_SUBJECT_ALT_NAME = "551d11";

/**
 * Reads a certificate.
 *
 * @param der As presented in the handshake.
 * @returns `undefined` if it is none.
 */
export function readCertificate(der: Uint8Array): Certificate | undefined {
  const outer = readDer(der);
  const [tbs] = outer === undefined ? [] : derChildren(der, outer);
  if (tbs === undefined) return undefined;
  const fields = derChildren(der, tbs);
  // The version is left out of certificates of version 1.
  if (fields[0]?.tag === TAG_VERSION) fields.shift();
  const [, , issuer, validity, subject, spki, ...rest] = fields;
  if (issuer === undefined || validity === undefined || subject === undefined) return undefined;
  if (spki?.tag !== TAG_SEQUENCE) return undefined;
  const [notBefore, notAfter] = derChildren(der, validity).map((time) => readTime(der, time));
  if (notBefore === undefined || notAfter === undefined) return undefined;
  const extensions = rest.find(({ tag }) => tag === TAG_EXTENSIONS);
  const issuerName = readName(der, issuer);
  const subjectName = readName(der, subject);
  return {
    subject: subjectName.get(OID_COMMON_NAME) ?? [...subjectName.values()].at(-1) ?? "",
    issuer: issuerName.get(OID_ORGANIZATION) ?? issuerName.get(OID_COMMON_NAME) ?? "",
    selfIssued: hex(slice(der, issuer)) === hex(slice(der, subject)),
    dnsNames: extensions === undefined ? [] : readDnsNames(der, extensions),
    notBefore,
    notAfter,
    spki: slice(der, spki),
  };
}

/** The attributes of a distinguished name, by object identifier in hexadecimal digits. */
function readName(der: Uint8Array, name: DerElement): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const set of derChildren(der, name)) {
    for (const attribute of derChildren(der, set)) {
      const [type, value] = derChildren(der, attribute);
      if (type !== undefined && value !== undefined) {
        attributes.set(hex(contents(der, type)), new TextDecoder().decode(contents(der, value)));
      }
    }
  }
  return attributes;
}

function readDnsNames(der: Uint8Array, extensions: DerElement): string[] {
  for (const list of derChildren(der, extensions)) {
    for (const extension of derChildren(der, list)) {
      const [id, ...values] = derChildren(der, extension);
      const value = values.at(-1);
      if (id === undefined || value === undefined) continue;
      if (hex(contents(der, id)) !== OID_SUBJECT_ALT_NAME) continue;
      const names = readDer(der, { start: value.content, limit: value.end });
      if (names === undefined) return [];
      return derChildren(der, names).filter(({ tag }) => tag === TAG_DNS_NAME)
        .map((name) => latin1(contents(der, name)));
    }
  }
  return [];
}

/** `YYMMDDHHMMSSZ` with years from 1950 on, or `YYYYMMDDHHMMSSZ` (RFC 5280 §4.1.2.5), as milliseconds. */
function readTime(der: Uint8Array, time: DerElement): number | undefined {
  const text = latin1(contents(der, time));
  const century = time.tag !== TAG_UTC_TIME ? "" : text < "50" ? "20" : "19";
  const form = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(century + text);
  if (form === null) return undefined;
  const [, year, month, day, hour, minute, second] = form;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? undefined : at;
}

function slice(der: Uint8Array, element: DerElement): Uint8Array {
  return der.subarray(element.start, element.end);
}

function contents(der: Uint8Array, element: DerElement): Uint8Array {
  return der.subarray(element.content, element.end);
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
