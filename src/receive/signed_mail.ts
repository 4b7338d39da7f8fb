/**
 * Whether a mail is signed by the domain that it comes from (RFC 8460 §3), and whether the signature covers what the
 * report is read from.
 *
 * @module
 */

import { trimWspEnd } from "../base/white_space.ts";
import { DKIM_FAULTS } from "../mail/dkim_fault.ts";
import { type KeyLookup, verifySignatures } from "../mail/dkim_verify.ts";
import { fromDomain } from "../mail/from_domain.ts";
import { fieldName, latin1Text, type RawMessage, splitMessage } from "../mail/raw_message.ts";
import { toDomainName } from "../sts/domain.ts";

/** What a mail proves. */
export type Signing =
  /** The domain of the signature. */
  | { readonly kind: "signed"; readonly domain: string }
  | { readonly kind: "unsigned"; readonly text: string }
  /** DNS does not say now. */
  | { readonly kind: "later"; readonly text: string };

/** A mail whose author can be named, and which a wanted domain may have signed. */
export interface SignableMail {
  /** The mail as its octets. */
  readonly message: RawMessage;
  /** The domain of From: lower-case A-labels. */
  readonly from: string;
}

/** What {@link checkSigning} works with. */
export interface CheckSigningOptions {
  /** Looks up TXT records; see `mail/dkim_verify.ts`. */
  readonly lookupKey: (name: string) => Promise<KeyLookup>;
  /** When the mail was delivered, ms. */
  readonly at: number;
}

/** The service type of keys (RFC 8460 §3). */
const SERVICE = "tlsrpt";

/** Octets of a body in which its first line is looked for. Boundaries have at most 70 characters. */
const BODY_START_OCTETS = 1000;

/**
 * Prepares a mail, without any lookup.
 *
 * @returns The reason, as the end of a sentence, if it cannot be signed as it must.
 */
export function prepareSigned(octets: Uint8Array): SignableMail | string {
  const message = splitMessage(octets);
  if (message === undefined) return "its header cannot be read";
  const written = fromDomain(message);
  const from = written === undefined ? undefined : toDomainName(written);
  if (from === undefined) return "it has no From with exactly one address";
  const hasSignature = message.headers.some((field) => fieldName(field) === "dkim-signature");
  return hasSignature ? { message, from } : "it has no DKIM signature";
}

/** Verifies. Never rejects. */
export async function checkSigning(
  { message, from }: SignableMail,
  { lookupKey, at }: CheckSigningOptions,
): Promise<Signing> {
  const wants = (domain: string) => isAtOrAbove(domain, from);
  const verdicts = await verifySignatures(message, { lookupKey, now: at, service: SERVICE, wants });
  const last = verdicts.at(-1);
  if (last?.kind === "valid") {
    return last.names.includes("content-type") || isBoundToBody(message)
      ? { kind: "signed", domain: last.domain }
      : { kind: "unsigned", text: "its signature leaves open how the body is to be read" };
  }
  const temporary = verdicts.find(({ kind }) => kind === "temporary");
  if (temporary?.kind === "temporary") {
    return { kind: "later", text: `the key of ${temporary.domain} cannot be looked up` };
  }
  const invalid = verdicts.find(({ kind }) => kind === "invalid");
  if (invalid?.kind !== "invalid") {
    return { kind: "unsigned", text: "no DKIM signature is of the domain in From" };
  }
  return { kind: "unsigned", text: `the DKIM signature ${DKIM_FAULTS[invalid.fault]}` };
}

/**
 * Alignment without a list of public suffixes: the same domain, or one above it with two labels at least. A registry
 * such as `co.uk` signs no mail.
 */
function isAtOrAbove(domain: string, from: string): boolean {
  return domain.includes(".") && `.${from}`.endsWith(`.${domain}`);
}

/**
 * Whether a `Content-Type` that is not signed can be the one that the body was written with: it has one boundary, and
 * the body begins with it. With another boundary, a bounce would be read as the mail that somebody sent to have it
 * bounced; the signed body has that inside.
 */
function isBoundToBody({ headers, body }: RawMessage): boolean {
  const [field, ...others] = headers.filter((each) => fieldName(each) === "content-type");
  if (field === undefined || others.length > 0) return false;
  const text = latin1Text(body.subarray(0, BODY_START_OCTETS));
  const [, line] = /^(?:\r\n)*--([^\r\n]{1,70})\r\n/.exec(text) ?? [];
  if (line === undefined) return false;
  const boundary = trimWspEnd(line);
  const pieces = field[1].replaceAll("\r\n", "").split(/boundary/i);
  const value = pieces.length === 2 ? pieces[1]! : "";
  return [`="${boundary}"`, `=${boundary}`].some((start) =>
    value.startsWith(start) && /^(?:[ \t]*;|[ \t]*$)/.test(value.slice(start.length))
  );
}
