/**
 * Says what an error of the platform's `fetch` means, as a {@link FetchFailure}.
 *
 * Only the text of an error tells failures apart: its `message`, or the message of a `cause`. The texts come from
 * rustls, hyper and the operating system. The detail of a failure is in our own words.
 *
 * @module
 */

import { quoteText } from "../base/quote_text.ts";
import type { FetchFailure } from "../sts/fetch_failure.ts";

/** A failure in two forms: a word, and a line for a person. */
export interface Classified {
  /** The word for reply, log and metric. */
  readonly reason: FetchFailure;
  /** The line, in our own words; remote text in it is quoted and cut. */
  readonly detail: string;
}

/** Enough of a remote text to recognise it, UTF-16 units. */
export const QUOTE_MAX_LENGTH = 200;

/** Errors read of a chain of causes. The platform makes two. */
const CAUSE_MAX_DEPTH = 5;

/** Names of a certificate that the detail lists. A shared host may have hundreds. */
const NAMES_MAX = 5;

/** The text of rustls before its reason for refusing a certificate. */
const CERTIFICATE_PREFIX = "invalid peer certificate: ";

/** Reasons of the verifier, by their first words, with our detail. */
const CERTIFICATE_RULES: readonly (readonly [start: string, FetchFailure, detail: string])[] = [
  [
    "UnknownIssuer",
    "certificate-untrusted",
    "issuer is not trusted: self-signed, private, or an intermediate certificate is missing",
  ],
  [
    "Other(OtherError(CaUsedAsEndEntity))",
    "certificate-untrusted",
    "a CA certificate stands in place of the host's own: self-signed",
  ],
  [
    "UnsupportedSignatureAlgorithm",
    "certificate-weak",
    "signature algorithm is not acceptable, such as SHA-1",
  ],
  ["BadSignature", "certificate-weak", "signature is wrong, or its RSA key is below 2048 bits"],
  [
    "certificate does not allow extended key usage",
    "certificate-usage",
    "certificate is not for server authentication",
  ],
];

/** In TLS 1.2 we offer the suites with ECDHE and an AEAD. Some hosts have older suites only. */
const NO_CIPHER =
  "no TLS version or cipher in common: TLS 1.2 with CBC or finite-field DHE alone does not do";

/** Failures other than those of the certificate, by what the text contains. The first match counts. */
const RULES: readonly (readonly [part: string, FetchFailure, detail: string])[] = [
  ["Requires net access to ", "address-refused", "permissions of the program forbid the address"],
  ["dns error", "dns", "system resolver found no address"],
  ["unsuccessful tunnel", "connect", "proxy does not connect"],
  ["Proxy server unreachable", "connect", "relay of this program on loopback does not answer"],
  ["Connection refused", "connect", "connection refused"],
  ["Connection reset", "connect", "connection reset"],
  ["Network is unreachable", "connect", "network is unreachable"],
  ["No route to host", "connect", "no route to host"],
  ["Connection timed out", "connect", "connection timed out in the system"],
  ["tls handshake eof", "tls", "connection ended during the TLS handshake"],
  ["received corrupt message", "tls", "host does not speak TLS"],
  ["peer is incompatible", "tls", NO_CIPHER],
  ["received fatal alert: ProtocolVersion", "tls", "host does not speak TLS 1.2 or 1.3"],
  ["received fatal alert: HandshakeFailure", "tls", NO_CIPHER],
  ["received fatal alert: UnrecognisedName", "tls", "host does not know its name"],
  ["received fatal alert", "tls", "host refused the TLS handshake"],
  ["peer misbehaved", "tls", "host broke the TLS protocol"],
  ["message head is too large", "too-large", "headers are too large"],
  ["connection closed before message completed", "body", "connection ended before the answer"],
  ["invalid HTTP header parsed", "body", "a header line is folded or malformed"],
  ["client error (SendRequest)", "body", "answer is not HTTP"],
];

/** Classifies what `fetch` threw. The caller recognises an abort. */
export function classifyFetchError(error: unknown): Classified {
  const text = messages(error);
  const at = text.indexOf(CERTIFICATE_PREFIX);
  if (at >= 0) return classifyCertificate(text.slice(at + CERTIFICATE_PREFIX.length));
  for (const [part, reason, detail] of RULES) {
    if (text.includes(part)) return { reason, detail };
  }
  return { reason: "connect", detail: `request failed: ${quoteText(text, QUOTE_MAX_LENGTH)}` };
}

function messages(error: unknown): string {
  const texts: string[] = [];
  for (let depth = 0; error instanceof Error && depth < CAUSE_MAX_DEPTH; depth++) {
    texts.push(error.message);
    error = error.cause;
  }
  return texts.join(": ");
}

/** @param text The verifier's text, from its first word on. Names in it are remote text. */
function classifyCertificate(text: string): Classified {
  if (text.startsWith("certificate not valid for name ")) {
    return { reason: "certificate-name", detail: describeNames(text) };
  }
  if (text.startsWith("certificate expired")) {
    return { reason: "certificate-expired", detail: `certificate expired ${moment(text)}` };
  }
  if (text.startsWith("certificate not valid yet")) {
    const detail = `certificate is not valid before ${moment(text)}`;
    return { reason: "certificate-not-yet-valid", detail };
  }
  for (const [start, reason, detail] of CERTIFICATE_RULES) {
    if (text.startsWith(start)) return { reason, detail };
  }
  const detail = `certificate is refused: ${quoteText(text, QUOTE_MAX_LENGTH)}`;
  return { reason: "certificate-invalid", detail };
}

/** From `… is only valid for DnsName("a.example"), IpAddress(192.0.2.1) or …`. */
function describeNames(text: string): string {
  const [, list] = text.split("certificate is only valid for ", 2);
  if (list === undefined) return "certificate has no name of a host in its subjectAltName";
  // No name holds a parenthesis, so the pattern stops at one. Otherwise many that are opened and never closed
  // would take quadratic time.
  const names = Array.from(list.matchAll(/\("?([^"()]*)"?\)/g), ([, name = ""]) => name);
  const told = quoteText(names.slice(0, NAMES_MAX).join(", "), QUOTE_MAX_LENGTH);
  return `certificate is for ${told}${names.length > NAMES_MAX ? " and others" : ""}`;
}

/** From `… is not valid after 1795561921 (…)`: Unix time, seconds. */
function moment(text: string): string {
  const seconds = /is not valid (?:after|before) ([0-9]{1,12}) /.exec(text)?.[1];
  return seconds === undefined
    ? "at a time not told"
    : new Date(parseInt(seconds, 10) * 1000).toISOString().replace(".000", "");
}
