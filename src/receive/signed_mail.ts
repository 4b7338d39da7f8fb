/**
 * Whether a mail is signed by the domain that it comes from (RFC 8460 §3), and whether the signature covers what the
 * report is read from.
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "../base/white_space.ts";
import { DKIM_FAULTS } from "../mail/dkim_fault.ts";
import { type KeyLookup, verifySignatures } from "../mail/dkim_verify.ts";
import { fromDomain } from "../mail/from_domain.ts";
import { fieldName, latin1Text, type RawMessage, splitMessage } from "../mail/raw_message.ts";
import { toDomainName } from "../sts/domain.ts";

/** What a mail proves. */
export type Signing =
  | {
    readonly kind: "signed";
    /** The domain of the signature. */
    readonly domain: string;
    /** Whether there is a field `TLS-Report-Domain` that the signature does not cover. */
    readonly isReportDomainOpen: boolean;
  }
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

/** Characters of a `Content-Type` that is not signed. Real ones have a hundred. */
const TYPE_MAX_CHARS = 1000;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

/** A type that reports come in, and its parameters (RFC 2045 §5.1), without what can be read in two ways. */
const MULTIPART = new RegExp(
  `^multipart/(?:report|mixed)((?:[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"[^"\\\\();]*"))*)[ \\t]*;?$`,
  "i",
);

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
  const suffices = (names: readonly string[]) => isReadAsSigned(message, names);
  const options = { lookupKey, now: at, service: SERVICE, wants, suffices };
  const verdicts = await verifySignatures(message, options);
  const last = verdicts.at(-1);
  if (last?.kind === "valid" && suffices(last.names)) {
    const { domain, names } = last;
    const isReportDomainOpen = !isCovered("tls-report-domain", { message, names });
    return { kind: "signed", domain, isReportDomainOpen };
  }
  const temporary = verdicts.find(({ kind }) => kind === "temporary");
  if (temporary?.kind === "temporary") {
    return { kind: "later", text: `the key of ${temporary.domain} cannot be looked up` };
  }
  if (verdicts.some(({ kind }) => kind === "valid")) {
    return {
      kind: "unsigned",
      text: "its signature does not cover the fields that say how the body is read",
    };
  }
  const invalid = verdicts.find(({ kind }) => kind === "invalid");
  if (invalid?.kind !== "invalid") {
    return { kind: "unsigned", text: "no DKIM signature is from the domain in From" };
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
 * Whether a signature covers all fields of a name. Of several it covers the last ones (RFC 6376 §5.4.2), and anybody
 * can put another before them, which is the one that counts when the mail is read.
 */
function isCovered(
  name: string,
  { message, names }: { readonly message: RawMessage; readonly names: readonly string[] },
): boolean {
  const signed = names.filter((each) => each === name).length;
  return fieldsOf(message, name).length <= signed;
}

/** Values, unfolded. */
function fieldsOf({ headers }: RawMessage, name: string): string[] {
  return headers.filter((field) => fieldName(field) === name)
    .map(([, value]) => stripWsp(value.replaceAll("\r\n", "")));
}

/** Whether no field that the signature leaves open changes what the body means. */
function isReadAsSigned(message: RawMessage, names: readonly string[]): boolean {
  const [type, ...others] = fieldsOf(message, "content-type");
  if (type === undefined || others.length > 0) return false;
  if (!isCovered("content-type", { message, names })) return isBoundToBody(type, message);
  // The other fields say how a body of one part is decoded, and whether it is a file. Parts have fields of their own.
  return /^multipart\//i.test(type) ||
    ["content-transfer-encoding", "content-disposition"]
      .every((name) => isCovered(name, { message, names }));
}

/**
 * Whether a `Content-Type` that is not signed can be the one that the body was written with: it has one boundary, and
 * the body begins with it. With another boundary, a bounce would be read as the mail that somebody sent to have it
 * bounced; the signed body has that inside.
 */
function isBoundToBody(type: string, { body }: RawMessage): boolean {
  const text = latin1Text(body.subarray(0, BODY_START_OCTETS));
  const [, line] = /^(?:\r\n)*--([^\r\n]{1,70})\r\n/.exec(text) ?? [];
  if (line === undefined || type.length > TYPE_MAX_CHARS) return false;
  const [, parameters = ""] = MULTIPART.exec(type) ?? [];
  // Also `boundary*0` (RFC 2231 §3).
  const [boundary, ...others] = parameters.split(";").map(stripWsp)
    .filter((each) => each.toLowerCase().startsWith("boundary"));
  const expected = trimWspEnd(line);
  return others.length === 0 && boundary !== undefined &&
    [`"${expected}"`, expected].includes(boundary.replace(/^boundary=/i, ""));
}

function stripWsp(text: string): string {
  return trimWspStart(trimWspEnd(text));
}
