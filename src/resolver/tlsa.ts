/**
 * Which TLSA records SMTP can use (RFC 7672 §3.1).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPublicKey, X509Certificate } from "node:crypto";
import type { TlsaRecord } from "../dns/types.ts";

const USAGE_DANE_TA = 2;
const USAGE_DANE_EE = 3;
const SELECTOR_CERTIFICATE = 0;
const SELECTOR_KEY = 1;

/** Octets of association data for each matching type that is a digest. */
const DIGEST_BYTES: Readonly<Record<number, number>> = { 1: 32, 2: 64 };

/** The first octet of a certificate or a key in DER. */
const SEQUENCE = 0x30;

/**
 * Whether a TLSA record can be used for SMTP (RFC 7672 §3.1, §3.1.3): DANE-TA or DANE-EE, a known
 * selector, and a known matching type with data of its length, or with matching type 0 the certificate
 * or the key itself. A record that Postfix calls unusable must not count here either, or mail would wait for ever.
 *
 * @param record The record as published; its data fits into a DNS message, so it has 64 KiB at most.
 */
export function isUsableTlsa({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  if (usage !== USAGE_DANE_TA && usage !== USAGE_DANE_EE) return false;
  if (selector !== SELECTOR_CERTIFICATE && selector !== SELECTOR_KEY) return false;
  if (matchingType !== 0) return data.length === DIGEST_BYTES[matchingType];
  if (!isOneSequence(data)) return false;
  return selector === SELECTOR_CERTIFICATE ? isCertificate(data) : isPublicKey(data);
}

/** Whether a SEQUENCE fills the data (X.690 §8.1.3): the reader of certificates also takes PEM, and more behind the end. */
function isOneSequence(data: Uint8Array): boolean {
  const [tag, first = 0, ...more] = data.subarray(0, 6);
  if (tag !== SEQUENCE) return false;
  if (first < 0x80) return data.length === 2 + first;
  const octets = first & 0x7f;
  const length = more.slice(0, octets).reduce((sum, octet) => sum * 256 + octet, 0);
  return data.length === 2 + octets + length;
}

function isCertificate(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).raw.length > 0;
  } catch {
    return false;
  }
}

function isPublicKey(der: Uint8Array): boolean {
  try {
    createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
    return true;
  } catch (error) {
    // Postfix may know a kind of key that is unknown here: overriding DANE would be worse than waiting.
    return String(error).includes("unsupported");
  }
}
