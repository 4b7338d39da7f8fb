/**
 * Key records of DKIM as a verifier reads them (RFC 6376 §3.6.1, RFC 8463 §4).
 *
 * @module
 */

import type { DkimFault } from "./dkim_fault.ts";
import type { DkimKeyType } from "./dkim_key.ts";
import { readRsaPublicKey, type RsaPublicKey } from "./rsa_public_key.ts";
import { parseTagList, splitColons, type TagList, withoutFws } from "./tag_list.ts";

/** A public key. */
export type DkimPublicKey =
  | { readonly type: "rsa"; readonly rsa: RsaPublicKey }
  | { readonly type: "ed25519"; readonly octets: Uint8Array<ArrayBuffer> };

/** What a key must be good for. */
export interface KeyUse {
  /** The kind of key that the signature needs. */
  readonly type: DkimKeyType;
  /** The service type, such as `tlsrpt` (RFC 8460 §3). */
  readonly service: string;
  /** Whether the signature is for a user of a subdomain, which the flag `s` of the record forbids. */
  readonly isForSubdomain: boolean;
}

/** A key that may be used, or why there is none. */
export type KeyReading =
  | { readonly kind: "read"; readonly key: DkimPublicKey }
  | { readonly kind: "refused"; readonly fault: DkimFault };

/** Characters of a record: an RSA key of 8192 bits has 1,400, notes may add some. */
const RECORD_MAX_CHARS = 8192;

/** Records at one name that are looked at. */
const MAX_RECORDS = 10;

/** RFC 8301 §3.2: below this, signatures can be forged. */
const RSA_MIN_BITS = 1024;

/** Verifying takes a few ms; nobody needs larger keys. */
const RSA_MAX_BITS = 8192;

/** Octets of an Ed25519 key (RFC 8032). */
const ED25519_OCTETS = 32;

/**
 * Reads the key of a signature. Records that are none of DKIM are passed over (§3.6.1); two keys at one name leave
 * open which one counts, so neither does (§3.6.2.2).
 *
 * A domain that tests DKIM (flag `y`) has proven the same as any other.
 *
 * @param records TXT records, one char per octet.
 */
export function readKeyRecords(records: readonly string[], use: KeyUse): KeyReading {
  const lists = records.slice(0, MAX_RECORDS).map(readRecord);
  const keys = lists.filter((tags) => tags !== undefined && tags !== "other") as TagList[];
  const [tags, ...others] = keys;
  if (tags === undefined) {
    return { kind: "refused", fault: lists.includes(undefined) ? "key-syntax" : "no-key" };
  }
  if (others.length > 0 || records.length > MAX_RECORDS) {
    return { kind: "refused", fault: "several-keys" };
  }
  const key = readKey(tags, use);
  return typeof key === "string" ? { kind: "refused", fault: key } : { kind: "read", key };
}

/** @returns `undefined` if it cannot be read, "other" if it is no record of DKIM. */
function readRecord(record: string): TagList | "other" | undefined {
  if (record.length > RECORD_MAX_CHARS) return undefined;
  const tags = parseTagList(record);
  if (tags === undefined) return record.includes("p=") ? undefined : "other";
  const version = tags.get("v");
  // §3.6.1: if it is there, it comes first and is DKIM1.
  if (version !== undefined && (version.value !== "DKIM1" || [...tags.keys()][0] !== "v")) {
    return "other";
  }
  return tags.has("p") ? tags : version === undefined ? "other" : undefined;
}

function readKey(tags: TagList, use: KeyUse): DkimPublicKey | DkimFault {
  const list = (name: string, otherwise: string) =>
    splitColons(tags.get(name)?.value ?? otherwise).map((each) => each.toLowerCase());
  const base64 = withoutFws(tags.get("p")!.value);
  if (base64 === "") return "revoked";
  if ((tags.get("k")?.value ?? "rsa").toLowerCase() !== use.type) return "key-type";
  if (!list("h", "sha256").includes("sha256")) return "key-hash";
  const services = list("s", "*");
  if (!services.includes("*") && !services.includes(use.service)) return "key-service";
  if (use.isForSubdomain && list("t", "").includes("s")) return "identity";
  const octets = decode(base64);
  if (octets === undefined) return "key-syntax";
  return use.type === "rsa" ? readRsa(octets) : readEd25519(octets);
}

function readRsa(octets: Uint8Array): DkimPublicKey | DkimFault {
  const rsa = readRsaPublicKey(octets);
  if (rsa === undefined) return "key-syntax";
  if (rsa.bits < RSA_MIN_BITS) return "key-small";
  return rsa.bits > RSA_MAX_BITS ? "key-large" : { type: "rsa", rsa };
}

function readEd25519(octets: Uint8Array<ArrayBuffer>): DkimPublicKey | DkimFault {
  return octets.length === ED25519_OCTETS ? { type: "ed25519", octets } : "key-syntax";
}

function decode(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(base64);
  } catch {
    // The only thing it throws is what is no Base64.
    return undefined;
  }
}
