/**
 * Postfix's datagrams about TLS sessions, as libtlsrpt up to 0.5.1 writes them: one JSON object for each session.
 *
 * | Key | Holds |
 * | --- | --- |
 * | `dpv` | version of the protocol, `"1"`; missing before 0.5.1 |
 * | `d` | next-hop domain as typed |
 * | `pr` | the TLSRPT record that Postfix found |
 * | `policies` | for each policy its type, domain, text and MX patterns, `f` (failed) and `failure-details` |
 *
 * Any local program with access to the socket can send anything, so nothing here throws and everything has a
 * bound. What is merely odd is made plain; what has no meaning is refused with a word.
 *
 * @module
 */

import { isMapping } from "../base/mapping.ts";
import { toDomainName } from "../sts/domain.ts";
import { ehloName, plainAddress, plainText, plainUri } from "./plain_text.ts";
import type { FailureDetail, PolicyType } from "./report.ts";
import type { ResultType } from "./result_type.ts";
import type { DomainCount, PolicyCount, SessionPolicy } from "./session.ts";

/** The largest datagram that is read, octets: a policy of 64 KiB whose every octet is escaped does not fit. */
export const DATAGRAM_MAX_OCTETS: number = 256 * 1024;

/** Policies of one session: Postfix sends one, the library allows several. */
const MAX_POLICIES = 16;

/** Failures of one policy in one session; Postfix sends one. */
const MAX_DETAILS = 100;

/** Characters of a policy's text and patterns that are kept; beyond, the policy goes without them. */
const POLICY_MAX_CHARS = 64 * 1024;

/** Characters of a TLSRPT record that are kept: five URIs and more. */
const RECORD_MAX_CHARS = 4096;

/** Why a datagram is not counted. The list is closed. */
export type DatagramFault =
  | "empty" // no octets
  | "too-large" // above DATAGRAM_MAX_OCTETS
  | "encoding" // not UTF-8
  | "json" // not JSON
  | "shape" // JSON, but not the keys and types above
  | "version" // of a later protocol
  | "domain"; // the next hop is no domain

/** All faults, for counters that must exist before the first of them. */
export const DATAGRAM_FAULTS: readonly DatagramFault[] = [
  "empty",
  "too-large",
  "encoding",
  "json",
  "shape",
  "version",
  "domain",
];

/** What a datagram says. */
export type DatagramReading =
  | { readonly kind: "read"; readonly count: DomainCount }
  | { readonly kind: "refused"; readonly fault: DatagramFault };

const TYPES: ReadonlyMap<unknown, PolicyType> = new Map<unknown, PolicyType>([
  [1, "tlsa"],
  [2, "sts"],
  [9, "no-policy-found"],
]);

/** The codes of `tlsrpt_failure_t`. */
const RESULTS: ReadonlyMap<unknown, ResultType> = new Map<unknown, ResultType>([
  [201, "starttls-not-supported"],
  [202, "certificate-host-mismatch"],
  [203, "certificate-not-trusted"],
  [204, "certificate-expired"],
  [205, "validation-failure"],
  [301, "sts-policy-fetch-error"],
  [302, "sts-policy-invalid"],
  [303, "sts-webpki-invalid"],
  [304, "tlsa-invalid"],
  [305, "dnssec-invalid"],
  [306, "dane-required"],
]);

// A byte order mark is no JSON, and malformed octets are no text.
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Remembers what datagrams said; a bounded map. */
export interface KnownDatagrams {
  /** What a datagram of this text says. */
  get(text: string): DomainCount | undefined;
  /** Remembers that. */
  set(text: string, count: DomainCount): void;
}

/** Characters of a datagram that is remembered: an ordinary one has 300 to 600. */
const KNOWN_MAX_CHARS = 2000;

/**
 * Reads one datagram.
 *
 * @param octets As received.
 * @param known Spares the work for what was read before: most sessions are like others.
 * @returns Never throws.
 */
export function readDatagram(octets: Uint8Array, known?: KnownDatagrams): DatagramReading {
  if (octets.length === 0) return refused("empty");
  if (octets.length > DATAGRAM_MAX_OCTETS) return refused("too-large");
  let text: string;
  try {
    text = DECODER.decode(octets);
  } catch {
    return refused("encoding");
  }
  const count = known?.get(text);
  if (count !== undefined) return { kind: "read", count };
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return refused("json");
  }
  const reading = readMessage(message);
  if (reading.kind === "read" && text.length <= KNOWN_MAX_CHARS) known?.set(text, reading.count);
  return reading;
}

function readMessage(message: unknown): DatagramReading {
  if (!isMapping(message)) return refused("shape");
  const { dpv, d, pr, policies } = message;
  if (dpv !== undefined && dpv !== "1" && dpv !== 1) return refused("version");
  const isRecord = pr === undefined || typeof pr === "string";
  if (typeof d !== "string" || !isRecord || !Array.isArray(policies)) return refused("shape");
  if (policies.length === 0 || policies.length > MAX_POLICIES) return refused("shape");
  const domain = toDomainName(d);
  if (domain === undefined) return refused("domain");
  const counts: PolicyCount[] = [];
  for (const each of policies) {
    const count = readPolicyCount(each, domain);
    if (count === undefined) return refused("shape");
    counts.push(count);
  }
  const record = pr === undefined ? undefined : plainText(pr, RECORD_MAX_CHARS);
  return { kind: "read", count: { domain, record, policies: counts } };
}

function refused(fault: DatagramFault): DatagramReading {
  return { kind: "refused", fault };
}

/** @returns `undefined` if it does not have the keys and types of a policy. */
function readPolicyCount(value: unknown, domain: string): PolicyCount | undefined {
  if (!isMapping(value)) return undefined;
  const policy = readPolicy(value, domain);
  const given = value["failure-details"] ?? [];
  if (policy === undefined || !Array.isArray(given)) return undefined;
  const details: FailureDetail[] = [];
  for (const each of given.slice(0, MAX_DETAILS)) {
    if (!isMapping(each)) return undefined;
    details.push(readDetail(each));
  }
  // The details are believed where `f` disagrees with them, and their number `t` says nothing more.
  const failed = value.f === 1 || value.f === true || details.length > 0 ? 1 : 0;
  return { policy, ok: 1 - failed, failed, details };
}

function readPolicy(value: Record<string, unknown>, domain: string): SessionPolicy | undefined {
  const type = TYPES.get(value["policy-type"]);
  const strings = readTexts(value["policy-string"]);
  const mxHosts = readTexts(value["mx-host"]);
  const name = value["policy-domain"];
  if (type === undefined || strings === undefined || mxHosts === undefined) return undefined;
  if (name !== undefined && typeof name !== "string") return undefined;
  // Postfix before 3.10.5 names none if no policy was found.
  const policyDomain = name === undefined ? domain : toDomainName(name) ?? domain;
  return makePolicy({ type, domain: policyDomain, strings, mxHosts });
}

/**
 * A policy in its plain form: printable ASCII, bounded, and with TLSA records in capitals and in order, because
 * DNS gives them in any.
 */
export function makePolicy({ type, domain, strings, mxHosts }: SessionPolicy): SessionPolicy {
  if (type === "no-policy-found") return { type, domain, strings: [], mxHosts: [] };
  const octets = [...strings, ...mxHosts].reduce((sum, text) => sum + text.length + 4, 0);
  if (octets > POLICY_MAX_CHARS) return { type, domain, strings: [], mxHosts: [] };
  const plain = strings.map((text) => plainText(text, text.length));
  return {
    type,
    domain,
    strings: type === "tlsa" ? plain.map((text) => text.toUpperCase()).sort() : plain,
    mxHosts: mxHosts.map((host) => plainText(host.toLowerCase())),
  };
}

/** A list of texts; nothing counts as an empty one, a single text as a list of one. */
function readTexts(value: unknown): string[] | undefined {
  if (value === undefined || value === null) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.every((each) => typeof each === "string") ? list : undefined;
}

function readDetail(value: Record<string, unknown>): FailureDetail {
  const result = RESULTS.get(value.c);
  const text = (key: string) => typeof value[key] === "string" ? value[key] : undefined;
  const part = <T>(key: string, read: (given: string) => T | undefined): T | undefined => {
    const given = text(key);
    return given === undefined || given === "" ? undefined : read(given);
  };
  const unknownCode = Number.isSafeInteger(value.c) ? `code-${value.c}` : "code-unknown";
  return definedOf({
    result: result ?? "validation-failure",
    count: 1,
    sendingIp: part("s", plainAddress),
    mxHost: part("n", toDomainName),
    mxHelo: part("h", ehloName),
    receivingIp: part("r", plainAddress),
    additional: part("a", plainUri),
    reason: result === undefined ? unknownCode : part("f", (given) => plainText(given)),
  });
}

/** A detail without the keys that have no value. */
function definedOf(
  detail: { readonly [Key in keyof FailureDetail]: FailureDetail[Key] | undefined },
): FailureDetail {
  const given = Object.entries(detail).filter(([_key, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as FailureDetail;
}
