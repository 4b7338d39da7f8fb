/**
 * RSA keys as DKIM publishes them (RFC 6376 §3.6.1): read, measured, and used to verify.
 *
 * The runtime refuses keys above 4096 bits, which verifiers may take (RFC 8301 §3.2). For them the public operation is
 * done here: it has no secret, and the whole padded hash is compared.
 *
 * @module
 */

/** An RSA key. */
export interface RsaPublicKey {
  /** Bits of the modulus. */
  readonly bits: number;
  /** The modulus, without leading zeros. */
  readonly modulus: Uint8Array<ArrayBuffer>;
  /** The exponent, without leading zeros. */
  readonly exponent: Uint8Array<ArrayBuffer>;
}

/** The largest key that WebCrypto takes, bits. */
const PLATFORM_MAX_BITS = 4096;

/** Octets of an exponent: 65537 has three. A long one makes verifying slow, and the runtime refuses it. */
const EXPONENT_MAX_OCTETS = 4;

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const SEQUENCE = 0x30;

/** `AlgorithmIdentifier` of rsaEncryption, with NULL or without parameters: its object identifier, 1.2.840.113549.1.1.1. */
const RSA_OID = "06092a864886f70d010101";

/** `DigestInfo` of SHA-256 (RFC 8017 §9.2). */
const DIGEST_INFO = Uint8Array.fromHex("3031300d060960864801650304020105000420");

/**
 * Reads a key: `SubjectPublicKeyInfo`, as everybody writes it, or `RSAPublicKey`, as the text of the RFC has it.
 *
 * @returns `undefined` if it is neither. Never throws.
 */
export function readRsaPublicKey(der: Uint8Array): RsaPublicKey | undefined {
  const outer = readElement(der, SEQUENCE);
  if (outer === undefined || outer.rest.length > 0) return undefined;
  const algorithm = readElement(outer.content, SEQUENCE);
  if (algorithm === undefined) return readNumbers(outer.content);
  if (!algorithm.content.toHex().startsWith(RSA_OID)) return undefined;
  const bits = readElement(algorithm.rest, BIT_STRING);
  // The first octet is the number of unused bits.
  if (bits === undefined || bits.rest.length > 0 || bits.content[0] !== 0) return undefined;
  const key = readElement(bits.content.subarray(1), SEQUENCE);
  return key === undefined || key.rest.length > 0 ? undefined : readNumbers(key.content);
}

/**
 * Verifies a signature by RSASSA-PKCS1-v1_5 with SHA-256.
 *
 * @returns False as well if the runtime cannot use the key. Never rejects.
 */
export async function verifyRsa(
  key: RsaPublicKey,
  { signature, data }: {
    readonly signature: Uint8Array<ArrayBuffer>;
    readonly data: Uint8Array<ArrayBuffer>;
  },
): Promise<boolean> {
  if (signature.length !== key.modulus.length) return false;
  if (key.bits > PLATFORM_MAX_BITS) return await verifyLarge(key, { signature, data });
  const encode = (octets: Uint8Array) =>
    octets.toBase64({ alphabet: "base64url", omitPadding: true });
  const jwk = { kty: "RSA", n: encode(key.modulus), e: encode(key.exponent) };
  try {
    const publicKey = await crypto.subtle.importKey("jwk", jwk, RSA, false, ["verify"]);
    return await crypto.subtle.verify(RSA.name, publicKey, signature, data);
  } catch {
    // A modulus that is even, or the like.
    return false;
  }
}

async function verifyLarge(
  { modulus, exponent }: RsaPublicKey,
  { signature, data }: { signature: Uint8Array; data: Uint8Array<ArrayBuffer> },
): Promise<boolean> {
  const n = toBigInt(modulus);
  const s = toBigInt(signature);
  if (s >= n) return false;
  const found = power(s, { exponent: toBigInt(exponent), modulus: n });
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const padded = new Uint8Array(modulus.length).fill(0xff);
  padded.set([0, 1]);
  padded.set([0, ...DIGEST_INFO, ...hash], modulus.length - DIGEST_INFO.length - hash.length - 1);
  return found === toBigInt(padded);
}

function power(
  base: bigint,
  { exponent, modulus }: { exponent: bigint; modulus: bigint },
): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = result * result % modulus;
    if (bit === "1") result = result * base % modulus;
  }
  return result;
}

function toBigInt(octets: Uint8Array): bigint {
  return BigInt(`0x${octets.toHex()}`);
}

function readNumbers(content: Uint8Array): RsaPublicKey | undefined {
  const first = readElement(content, INTEGER);
  const second = first && readElement(first.rest, INTEGER);
  if (first === undefined || second === undefined || second.rest.length > 0) return undefined;
  const modulus = withoutZeros(first.content);
  const exponent = withoutZeros(second.content);
  if (modulus.length === 0 || exponent.length === 0) return undefined;
  const isUsable = exponent.length <= EXPONENT_MAX_OCTETS && exponent.at(-1)! % 2 === 1 &&
    exponent.join() !== "1";
  if (!isUsable) return undefined;
  const bits = modulus.length * 8 - Math.clz32(modulus[0]!) + 24;
  return { bits, modulus, exponent };
}

function withoutZeros(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  const from = octets.findIndex((octet) => octet !== 0);
  return from < 0 ? new Uint8Array() : octets.slice(from);
}

/** One element of DER with the tag `tag`, and what follows it. */
function readElement(
  octets: Uint8Array,
  tag: number,
): { readonly content: Uint8Array; readonly rest: Uint8Array } | undefined {
  const [found, first] = octets;
  if (found !== tag || first === undefined) return undefined;
  let from = 2;
  let length = first;
  if (first >= 0x80) {
    // Two octets of length are enough for 64 KiB.
    const count = first - 0x80;
    if (count < 1 || count > 2 || octets.length < from + count) return undefined;
    length = octets.subarray(from, from + count).reduce((sum, octet) => sum * 256 + octet, 0);
    from += count;
  }
  if (octets.length < from + length) return undefined;
  return { content: octets.subarray(from, from + length), rest: octets.subarray(from + length) };
}
