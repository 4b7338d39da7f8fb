/**
 * Verifies DKIM signatures (RFC 6376 §6, RFC 8301, RFC 8463) over the octets of a mail.
 *
 * Stricter than the RFC in two points: a signature over only part of the body (`l=`) does not count, as RFC 8460 §3
 * requires, and the key must allow the service that the caller names. The caller decides whether the signing domain is
 * the right one.
 *
 * @module
 */

import type { HeaderField } from "./compose.ts";
import { canonicalBody, type Canonicalization } from "./dkim_body.ts";
import { relaxHeader } from "./dkim_canon.ts";
import type { DkimFault } from "./dkim_fault.ts";
import { dkimName } from "./dkim_key.ts";
import { type DkimPublicKey, readKeyRecords } from "./dkim_record.ts";
import { type DkimSignature, readSignature } from "./dkim_signature.ts";
import { fieldName, latin1Octets, type RawMessage } from "./raw_message.ts";
import { verifyRsa } from "./rsa_public_key.ts";

/** What DNS says at the name of a key. */
export type KeyLookup =
  | { readonly kind: "found"; readonly records: readonly string[] }
  | { readonly kind: "none" }
  /** Nobody knows now. */
  | { readonly kind: "failed"; readonly detail: string };

/** What became of one signature. */
export type SignatureVerdict =
  | {
    readonly kind: "valid";
    readonly domain: string;
    readonly selector: string;
    readonly type: DkimPublicKey["type"];
    /** Names of the signed header fields, in lower case. */
    readonly names: readonly string[];
  }
  | { readonly kind: "invalid"; readonly domain: string | undefined; readonly fault: DkimFault }
  /** DNS has no answer now. */
  | { readonly kind: "temporary"; readonly domain: string; readonly detail: string };

/** What {@link verifySignatures} works with. */
export interface VerifyOptions {
  /** Looks up the TXT records of a name; one char per octet. Never rejects. */
  readonly lookupKey: (name: string) => Promise<KeyLookup>;
  /** ms since the epoch. */
  readonly now: number;
  /** The service type that the key must allow. */
  readonly service: string;
  /** Whether a signature of this domain (lower case) is of any use; others are passed over, without a lookup. */
  readonly wants: (domain: string) => boolean;
  /**
   * Whether a valid signature covers enough; else the next one is tried. @param names Of the signed header fields, in
   * lower case.
   * @default Each does.
   */
  readonly suffices?: (names: readonly string[]) => boolean;
}

/**
 * Signatures of wanted domains that are tried for one mail, and so the most lookups of keys. Senders that change
 * their algorithm have two, servers on the way add their own.
 */
export const MAX_SIGNATURES = 5;

/** Signature fields that are read at all. */
const MAX_SIGNATURE_FIELDS = 50;

/**
 * Verifies the signatures of a mail from the top until one is valid and suffices.
 *
 * @returns A verdict for each that was tried; if one is valid and suffices, it is the last. Never rejects.
 */
export async function verifySignatures(
  message: RawMessage,
  options: VerifyOptions,
): Promise<SignatureVerdict[]> {
  const verdicts: SignatureVerdict[] = [];
  const bodies = createBodyHashes(message.body);
  const fields = message.headers.filter((field) => fieldName(field) === "dkim-signature");
  let tried = 0;
  for (const field of fields.slice(0, MAX_SIGNATURE_FIELDS)) {
    const reading = readSignature(field[1], options.now);
    const domain = reading.kind === "read" ? reading.signature.domain : reading.domain;
    if (domain !== undefined && !options.wants(domain)) continue;
    if (domain !== undefined && ++tried > MAX_SIGNATURES) break;
    const verdict: SignatureVerdict = reading.kind === "refused"
      ? { kind: "invalid", domain, fault: reading.fault }
      : await verify(reading.signature, { ...options, message, field, bodies });
    verdicts.push(verdict);
    if (verdict.kind === "valid" && (options.suffices?.(verdict.names) ?? true)) break;
  }
  return verdicts;
}

/** The hash of the body in each canonical form, made once. */
type BodyHashes = (form: Canonicalization) => Promise<Uint8Array>;

interface SignatureContext extends VerifyOptions {
  readonly message: RawMessage;
  /** The field that the signature stands in. */
  readonly field: HeaderField;
  readonly bodies: BodyHashes;
}

async function verify(
  signature: DkimSignature,
  { message, field, bodies, lookupKey, service }: SignatureContext,
): Promise<SignatureVerdict> {
  const { domain, selector, type, names, identityDomain } = signature;
  const refuse = (fault: DkimFault): SignatureVerdict => ({ kind: "invalid", domain, fault });
  const lookup = await lookupKey(dkimName(selector, domain));
  if (lookup.kind === "failed") return { kind: "temporary", domain, detail: lookup.detail };
  if (lookup.kind === "none") return refuse("no-key");
  const isForSubdomain = identityDomain !== domain;
  const reading = readKeyRecords(lookup.records, { type, service, isForSubdomain });
  if (reading.kind === "refused") return refuse(reading.fault);
  const hash = await bodies(signature.bodyForm);
  if (!areEqual(hash, signature.bodyHash)) return refuse("body");
  const data = latin1Octets(signedHeader(message.headers, { signature, field }));
  return await verifyWith(reading.key, { signature: signature.signature, data })
    ? { kind: "valid", domain, selector, type, names }
    : refuse("signature");
}

function createBodyHashes(body: Uint8Array<ArrayBuffer>): BodyHashes {
  const hashes = new Map<Canonicalization, Promise<Uint8Array>>();
  return (form) => {
    const known = hashes.get(form);
    if (known !== undefined) return known;
    const digest = crypto.subtle.digest("SHA-256", canonicalBody(body, form))
      .then((octets) => new Uint8Array(octets));
    hashes.set(form, digest);
    return digest;
  };
}

/** No secret is compared here, so the time does not matter. */
function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((octet, at) => octet === other[at]);
}

/**
 * What the header part of the signature is made over (§3.7): of repeated fields the last first (§5.4.2), names
 * without a field as nothing, and the signature itself last, with an empty `b`.
 */
function signedHeader(
  headers: readonly HeaderField[],
  { signature, field }: { readonly signature: DkimSignature; readonly field: HeaderField },
): string {
  const write = signature.headerForm === "relaxed" ? relaxHeader : writeSimple;
  const left = new Map<string, HeaderField[]>();
  for (const each of headers) {
    if (each === field) continue;
    const name = fieldName(each);
    const others = left.get(name);
    if (others === undefined) left.set(name, [each]);
    else others.push(each);
  }
  let text = "";
  for (const name of signature.names) {
    const next = left.get(name)?.pop();
    if (next !== undefined) text += `${write(next)}\r\n`;
  }
  return text + write([field[0], signature.unsigned]);
}

function writeSimple([name, value]: HeaderField): string {
  return `${name}:${value}`;
}

async function verifyWith(
  key: DkimPublicKey,
  { signature, data }: { signature: Uint8Array<ArrayBuffer>; data: Uint8Array<ArrayBuffer> },
): Promise<boolean> {
  if (key.type === "rsa") return await verifyRsa(key.rsa, { signature, data });
  try {
    // RFC 8463 §3: Ed25519 signs the hash.
    const hash = await crypto.subtle.digest("SHA-256", data);
    const publicKey = await crypto.subtle.importKey("raw", key.octets, "Ed25519", false, [
      "verify",
    ]);
    return await crypto.subtle.verify("Ed25519", publicKey, signature, hash);
  } catch {
    // A key that is no point of the curve.
    return false;
  }
}
