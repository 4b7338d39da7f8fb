/**
 * Keys for DKIM: made, read, and as published (RFC 6376 §3.6.1, RFC 8463).
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "../base/white_space.ts";

/** The algorithms of signatures (RFC 8301, RFC 8463). */
export type DkimKeyType = "rsa" | "ed25519";

/** A private key. */
export interface DkimKey {
  /** The algorithm it signs with. */
  readonly type: DkimKeyType;
  /** Signs; cannot be exported. */
  readonly privateKey: CryptoKey;
  /** The tag `p` of the record: Base64. */
  readonly published: string;
}

/** Bits of a new RSA key (RFC 8301 §3.2): its record fits into one UDP answer. */
const RSA_BITS = 2048;

/** The smallest RSA key to sign with (RFC 8301 §3.2). */
const RSA_MIN_BITS = 1024;

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const ED25519 = { name: "Ed25519" };

/** Octets of an object identifier, where a PKCS #8 file names the algorithm. */
const OIDS: Readonly<Record<DkimKeyType, readonly number[]>> = {
  rsa: [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01],
  ed25519: [0x06, 0x03, 0x2b, 0x65, 0x70],
};

/** Octets at the start of a PKCS #8 file that hold the algorithm. */
const HEAD_OCTETS = 40;

const PEM = /^-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----/m;

/**
 * Makes a key.
 *
 * @returns PEM text (PKCS #8), as {@link readDkimKey} takes it.
 */
export async function makeDkimKey(type: DkimKeyType): Promise<string> {
  const algorithm = type === "ed25519"
    ? ED25519
    : { ...RSA, modulusLength: RSA_BITS, publicExponent: new Uint8Array([1, 0, 1]) };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const { privateKey } = pair as CryptoKeyPair;
  const octets = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const lines = octets.toBase64().match(/.{1,64}/g) ?? [];
  return ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
}

/**
 * Reads a key.
 *
 * @param pem A file of PKCS #8.
 * @throws {Error} With one line, without any of the key, if it is none.
 */
export async function readDkimKey(pem: string): Promise<DkimKey> {
  const [, label, base64] = PEM.exec(pem) ?? [];
  if (label === undefined || base64 === undefined) throw new Error("there is no PEM text in it");
  if (label !== "PRIVATE KEY") {
    const remedy = "convert it by 'openssl pkcs8 -topk8 -nocrypt'";
    throw new Error(`it is a file of type "${label}", not "PRIVATE KEY": ${remedy}`);
  }
  try {
    return await importKey(Uint8Array.fromBase64(base64));
  } catch (error) {
    if (error instanceof KeyError) throw error;
    throw new Error("it is no private key for RSA or Ed25519");
  }
}

/** An error whose text is fit to show. */
class KeyError extends Error {}

async function importKey(octets: Uint8Array<ArrayBuffer>): Promise<DkimKey> {
  const type = typeOf(octets);
  const algorithm = type === "rsa" ? RSA : ED25519;
  const { subtle } = crypto;
  const readable = await subtle.importKey("pkcs8", octets, algorithm, true, ["sign"]);
  const { kty, n, e, crv, x } = await subtle.exportKey("jwk", readable);
  const jwk = type === "rsa" ? { kty, n, e } : { kty, crv, x };
  const publicKey = await subtle.importKey("jwk", jwk as JsonWebKey, algorithm, true, ["verify"]);
  if (type === "rsa") {
    const { modulusLength } = publicKey.algorithm as RsaHashedKeyAlgorithm;
    if (modulusLength < RSA_MIN_BITS) {
      throw new KeyError(`it has ${modulusLength} bits, fewer than ${RSA_MIN_BITS}`);
    }
  }
  // RFC 8463 §4 wants the bare key for Ed25519.
  const format = type === "rsa" ? "spki" : "raw";
  const published = new Uint8Array(await subtle.exportKey(format, publicKey)).toBase64();
  const privateKey = await subtle.importKey("pkcs8", octets, algorithm, false, ["sign"]);
  return { type, privateKey, published };
}

function typeOf(octets: Uint8Array): DkimKeyType {
  const head = octets.subarray(0, HEAD_OCTETS).join(",");
  if (head.includes(OIDS.rsa.join(","))) return "rsa";
  if (head.includes(OIDS.ed25519.join(","))) return "ed25519";
  throw new KeyError("it is a key for another algorithm than RSA and Ed25519");
}

/** The name of the record of a key. */
export function dkimName(selector: string, domain: string): string {
  return `${selector}._domainkey.${domain}`;
}

/**
 * The record of a key. The service type is `*`: several verifiers refuse mail if it is `tlsrpt` alone, which RFC 8460
 * §3 asks for.
 */
export function dkimRecord({ type, published }: Pick<DkimKey, "type" | "published">): string {
  return `v=DKIM1; k=${type}; s=*; p=${published}`;
}

/** What is wrong with the records at the name of a key, in words; `undefined` if one is that of the key. */
export function dkimRecordMistake(
  records: readonly string[],
  key: Pick<DkimKey, "type" | "published">,
): string | undefined {
  const candidates = records.map(tagsOf).filter((tags) => (tags.get("v") ?? "DKIM1") === "DKIM1");
  const [tags, ...others] = candidates.filter((each) => each.has("p"));
  if (tags === undefined) return "there is no DKIM record";
  if (others.length > 0) return "there is more than one DKIM record";
  if (tags.get("p") === "") return "the key is revoked";
  const type = tags.get("k") ?? "rsa";
  if (type !== key.type || tags.get("p") !== key.published) return "the record has another key";
  const services = (tags.get("s") ?? "*").split(":");
  if (!services.some((each) => each === "*" || each === "email")) {
    return "the record is for other services than mail";
  }
  return undefined;
}

/** The tags of a record (RFC 6376 §3.2); white space in values does not count here. */
function tagsOf(record: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const field of record.split(";")) {
    const at = field.indexOf("=");
    if (at < 0) continue;
    const name = trimWspStart(trimWspEnd(field.slice(0, at)));
    if (!tags.has(name)) tags.set(name, field.slice(at + 1).replaceAll(/[ \t\r\n]/g, ""));
  }
  return tags;
}
