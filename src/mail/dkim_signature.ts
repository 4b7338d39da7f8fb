/**
 * The field `DKIM-Signature` as data (RFC 6376 §3.5), and the checks that do not need the key (§6.1.1).
 *
 * @module
 */

import type { Canonicalization } from "./dkim_body.ts";
import type { DkimFault } from "./dkim_fault.ts";
import type { DkimKeyType } from "./dkim_key.ts";
import { parseTagList, splitColons, type TagList, withoutFws } from "./tag_list.ts";

/** A signature. */
export interface DkimSignature {
  /** Who answers for the message (tag `d`), in lower case. */
  readonly domain: string;
  /** Tag `s`, in lower case. */
  readonly selector: string;
  /** The kind of key that it needs (tag `a`). */
  readonly type: DkimKeyType;
  /** Tag `c`, for the header. */
  readonly headerForm: Canonicalization;
  /** Tag `c`, for the body. */
  readonly bodyForm: Canonicalization;
  /** Names of signed header fields in lower case (tag `h`), in their order; repeated names are meant. */
  readonly names: readonly string[];
  /** The domain of tag `i`, else `domain`. */
  readonly identityDomain: string;
  /** When it was made, ms since the epoch; `undefined` if it does not say so. */
  readonly signedAt: number | undefined;
  /** Tag `bh`. */
  readonly bodyHash: Uint8Array<ArrayBuffer>;
  /** Tag `b`. */
  readonly signature: Uint8Array<ArrayBuffer>;
  /** The value of the field with an empty `b`, as it is signed. */
  readonly unsigned: string;
}

/** A signature, or what is wrong with it. The domain is there if it could be read. */
export type SignatureReading =
  | { readonly kind: "read"; readonly signature: DkimSignature }
  | { readonly kind: "refused"; readonly fault: DkimFault; readonly domain?: string };

/** Names in the tag `h`. Real signatures have up to 40. */
const MAX_NAMES = 500;

/** How far ahead the clock of a signer may be, ms. */
const SKEW_MS = 60 * 60_000;

const MS_PER_SECOND = 1000;

const DOMAIN_NAME =
  /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}))*$/;
const NAME_MAX_CHARS = 253;

const ALGORITHMS: ReadonlyMap<string, DkimKeyType> = new Map([
  ["rsa-sha256", "rsa"],
  ["ed25519-sha256", "ed25519"],
]);

/** Header names (RFC 5322 §3.6.8) without the semicolon, which ends a tag. */
const HEADER_NAME = /^[!-9<-~]+$/;

/**
 * Reads a signature.
 *
 * @param value The field after its colon, still folded; one char per octet.
 * @param now ms since the epoch, for the tags `t` and `x`.
 * @returns Never throws.
 */
export function readSignature(value: string, now: number): SignatureReading {
  const tags = parseTagList(value);
  if (tags === undefined) return { kind: "refused", fault: "syntax" };
  const text = (name: string) => tags.get(name)?.value;
  const domain = readName(text("d"));
  const refuse = (fault: DkimFault): SignatureReading =>
    domain === undefined ? { kind: "refused", fault } : { kind: "refused", fault, domain };
  // §6.1.1: another version first, since its tags may mean anything.
  if (text("v") !== "1") return refuse(tags.has("v") ? "version" : "syntax");
  const selector = readName(text("s"));
  const names = readNames(text("h"));
  const bodyHash = readBase64(text("bh"));
  const signature = readBase64(text("b"));
  if (
    domain === undefined || selector === undefined || names === undefined ||
    bodyHash === undefined || signature === undefined || !tags.has("a")
  ) return refuse("syntax");
  const type = ALGORITHMS.get(text("a")!.toLowerCase());
  if (type === undefined) return refuse("algorithm");
  const forms = readForms(text("c") ?? "simple/simple");
  if (forms === undefined) return refuse("canonicalization");
  const identityDomain = readIdentity(text("i"), domain);
  if (identityDomain === undefined) return refuse("identity");
  const times = readTimes(tags);
  if (times === undefined) return refuse("syntax");
  const fault = judge(tags, { names, now, ...times });
  if (fault !== undefined) return refuse(fault);
  const unsigned = emptySignature(value, tags);
  const { signedAt } = times;
  return {
    kind: "read",
    signature: {
      ...{ domain, selector, type, names, identityDomain, signedAt },
      ...{ ...forms, bodyHash, signature, unsigned },
    },
  };
}

interface Times {
  readonly signedAt: number | undefined;
  readonly expires: number | undefined;
}

function judge(
  tags: TagList,
  { names, now, signedAt, expires }: Times & { names: readonly string[]; now: number },
): DkimFault | undefined {
  const queries = tags.get("q");
  if (queries !== undefined && !splitColons(queries.value).includes("dns/txt")) return "query";
  if (!names.includes("from")) return "from-unsigned";
  if (tags.has("l")) return "length";
  if (expires !== undefined && expires < now) return "expired";
  return signedAt !== undefined && signedAt > now + SKEW_MS ? "future" : undefined;
}

/** A domain or a selector. @returns In lower case. */
function readName(value: string | undefined): string | undefined {
  if (value === undefined || value.length > NAME_MAX_CHARS) return undefined;
  return DOMAIN_NAME.test(value) ? value.toLowerCase() : undefined;
}

function readNames(value: string | undefined): string[] | undefined {
  const names = value === undefined ? [] : splitColons(value);
  const isList = names.length > 0 && names.length <= MAX_NAMES &&
    names.every((name) => HEADER_NAME.test(name));
  return isList ? names.map((name) => name.toLowerCase()) : undefined;
}

function readBase64(value: string | undefined): Uint8Array<ArrayBuffer> | undefined {
  try {
    const octets = Uint8Array.fromBase64(withoutFws(value ?? ""));
    return octets.length > 0 ? octets : undefined;
  } catch {
    // The only thing it throws is what is no Base64.
    return undefined;
  }
}

function readForms(
  value: string,
): Pick<DkimSignature, "headerForm" | "bodyForm"> | undefined {
  const [header, body = "simple", ...more] = value.toLowerCase().split("/");
  const isForm = (form: string | undefined): form is Canonicalization =>
    form === "simple" || form === "relaxed";
  if (!isForm(header) || !isForm(body) || more.length > 0) return undefined;
  return { headerForm: header, bodyForm: body };
}

/** §3.5, tag `i`: the domain is that of `d`, or below it. */
function readIdentity(value: string | undefined, domain: string): string | undefined {
  if (value === undefined) return domain;
  const identity = readName(value.slice(value.lastIndexOf("@") + 1));
  const isWithin = value.includes("@") && identity !== undefined &&
    `.${identity}`.endsWith(`.${domain}`);
  return isWithin ? identity : undefined;
}

function readTimes(tags: TagList): Times | undefined {
  const read = (name: string) => {
    const value = tags.get(name)?.value;
    if (value === undefined) return undefined;
    return /^[0-9]{1,12}$/.test(value) ? parseInt(value, 10) * MS_PER_SECOND : NaN;
  };
  const signedAt = read("t");
  const expires = read("x");
  if (Number.isNaN(signedAt) || Number.isNaN(expires)) return undefined;
  const isBackwards = signedAt !== undefined && expires !== undefined && expires <= signedAt;
  return isBackwards ? undefined : { signedAt, expires };
}

/** §3.7: the value of `b` and the white space around it count as nothing. */
function emptySignature(value: string, tags: TagList): string {
  const { from, to } = tags.get("b")!;
  return value.slice(0, from) + value.slice(to);
}
