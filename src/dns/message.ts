/**
 * DNS messages (RFC 1035 §4): our questions, and what an answer says about them.
 *
 * An answer comes from a recursive DNS resolver, so it is only read. We follow the CNAME chain inside it, skip records
 * of other owners, and use nothing of the additional section but the OPT record. A record is absent only if the answer
 * says so: a referral, or an answer that is truncated or to another question, never means "no such record".
 *
 * @module
 */

import { Buffer } from "node:buffer";
import dnsPacket from "dns-packet";
import type { Answer, Packet } from "dns-packet";
import { readName, RECORD_READERS } from "./records.ts";
import type { DnsAnswer, RecordData, RecordType } from "./types.ts";

/** One question. */
export interface Question<T extends RecordType = RecordType> {
  /** Lower case, without the final dot; `""` is the root. */
  readonly name: string;
  /** The record type asked for. */
  readonly type: T;
}

/** What a message says: a result, or the name to ask for instead. It does not say who validated it. */
export type Reply<T> =
  | Unjudged<Exclude<DnsAnswer<T>, Failed>>
  | FailedReply
  | {
    /** The answer has an alias without its target. */
    readonly kind: "alias";
    readonly target: string;
    /** Links of the chain so far. */
    readonly links: number;
    readonly secure: boolean;
    /** The lowest TTL of the chain, seconds. */
    readonly ttl: number;
  };

/** An answer before anybody knows whether it was validated. */
export type Unjudged<A> = A extends unknown ? Omit<A, "validated"> : never;

/** No usable answer. */
export type Failed = Extract<DnsAnswer<never>, { kind: "failed" }>;

/** A failure that a message reports. */
export type FailedReply = Failed & {
  /** The DNS resolver may not understand EDNS (RFC 6891 §7, §6.1.3). */
  readonly blamesEdns?: true;
};

/** Bytes that are not a DNS message, or not an answer to our question. */
export class MessageError extends SyntaxError {
  /** Tells it from other syntax errors. */
  override readonly name = "MessageError";
}

/** CNAME records to follow from one question, in one answer or several. A longer chain is a loop or a mistake. */
export const MAX_ALIASES = 10;

/** The detail of a failure for a longer chain. */
export const TOO_MANY_ALIASES = `a chain of more than ${MAX_ALIASES} aliases`;

/** EDNS payload size, octets. The value of DNS Flag Day 2020, which no path fragments. */
const UDP_PAYLOAD_BYTES = 1232;

/** The EDNS option with the reason for a failure (RFC 8914 §2). */
const EXTENDED_ERROR_OPTION = 15;

/** Extended errors that the detail of a failure names at most. */
const MAX_EXTENDED_ERRORS = 3;

/** Octets of a message's header (RFC 1035 §4.1.1). */
const HEADER_BYTES = 12;

/**
 * Records that a message may have. No domain has a hundred MX hosts or name servers. But 64 KB hold five thousand
 * records, and each name in them may take a hundred pointers to follow: a fifth of a second in all.
 */
const MAX_RECORDS = 500;

/** TTLs are 31-bit numbers, seconds. A greater one counts as 0 (RFC 2181 §8). */
const MAX_TTL = 2 ** 31 - 1;

/** How to ask. */
export interface QuestionOptions {
  /** Asks for the data even if they are bogus (RFC 4035 §3.2.2). @default {false} */
  readonly checkingDisabled?: boolean;
  /** Lets the DNS resolver ask other name servers. @default {true} */
  readonly recursionDesired?: boolean;
  /** Asks with EDNS (RFC 6891). @default {true} */
  readonly edns?: boolean;
}

/**
 * Encodes a question. The AD bit asks a validating DNS resolver for its verdict (RFC 6840 §5.7). EDNS makes room for
 * long answers over UDP, and for the reason of a failure.
 *
 * @param question Its name is one that {@link readName} returns.
 * @returns The message behind the two octets of its length (RFC 1035 §4.2.2); its id is 0.
 */
export function encodeQuestion(
  { name, type }: Question,
  { checkingDisabled = false, recursionDesired = true, edns = true }: QuestionOptions = {},
): Uint8Array {
  return dnsPacket.streamEncode({
    type: "query",
    flags: dnsPacket.AUTHENTIC_DATA |
      (recursionDesired ? dnsPacket.RECURSION_DESIRED : 0) |
      (checkingDisabled ? dnsPacket.CHECKING_DISABLED : 0),
    questions: [{ name: name === "" ? "." : name, type }],
    additionals: edns
      ? [{ type: "OPT", name: ".", udpPayloadSize: UDP_PAYLOAD_BYTES, options: [] }]
      : [],
  });
}

/**
 * Reads the answer to a question.
 *
 * It skips records with a name that cannot be used (see records.ts), as Postfix does. If no record is
 * left then, the answer is `malformed`.
 *
 * @param message Without the length octets. The result keeps no reference to it.
 * @param question What was asked.
 * @returns What the answer says. Response codes other than NOERROR and NXDOMAIN are failures.
 * @throws {MessageError} If it is not a DNS message, or not an answer to the question.
 */
export function decodeReply<T extends RecordType>(
  message: Uint8Array,
  question: Question<T>,
): Reply<RecordData[T]> {
  const packet = decodePacket(message);
  const failure = readFailure(packet);
  if (!isReplyTo(question, packet, failure !== undefined)) {
    throw new MessageError("An answer to another question");
  }
  if (failure !== undefined) return failure;

  const chain = followAliases(packet.answers ?? [], question);
  if (chain.kind === "failed") return chain;
  const secure = packet.flag_ad === true;
  const negativeTtl = readNegativeTtl(packet, chain.ttl);
  if (packet.rcode === "NXDOMAIN") return { kind: "nxdomain", secure, ttl: negativeTtl ?? 0 };

  const own = (packet.answers ?? []).filter((answer) => isOf(answer, question.type, chain.owner));
  if (own.length > 0) {
    const read = RECORD_READERS[question.type];
    const records = own.map((answer) => read(answer.data)).filter((data) => data !== undefined);
    if (records.length === 0) return failed("malformed", `no usable ${question.type} record`);
    const ttl = own.reduce((least, answer) => Math.min(least, readTtl(answer)), chain.ttl);
    return { kind: "found", records, secure, ttl, owner: chain.owner };
  }
  if (negativeTtl !== undefined) return { kind: "nodata", secure, ttl: negativeTtl };
  if (chain.links > 0) {
    return { kind: "alias", target: chain.owner, links: chain.links, secure, ttl: chain.ttl };
  }
  if (packet.authorities?.some((record) => record.type === "NS")) {
    return failed("servfail", "a referral: this server does not do recursion");
  }
  return { kind: "nodata", secure, ttl: 0 };
}

/** dns-packet throws plain errors, and reads past the end of some records. Neither is a message. */
function decodePacket(message: Uint8Array): Packet {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (countRecords(bytes) > MAX_RECORDS) {
    throw new MessageError("Too many records in a DNS message");
  }
  let packet: Packet;
  try {
    packet = dnsPacket.decode(bytes);
  } catch (error) {
    throw new MessageError("Not a DNS message", { cause: error });
  }
  if (dnsPacket.decode.bytes !== bytes.length) throw new MessageError("Not a DNS message");
  return packet;
}

/** Counts the records that the header announces, in all three sections (RFC 1035 §4.1.1). */
function countRecords(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES) return 0;
  return bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
}

/** Some servers leave out the question when they fail (FORMERR, REFUSED). */
function isReplyTo(question: Question, packet: Packet, isFailure: boolean): boolean {
  if (packet.type !== "response" || packet.opcode !== "QUERY") return false;
  const [asked, ...more] = packet.questions ?? [];
  if (asked === undefined) return isFailure;
  return more.length === 0 && asked.class === "IN" && asked.type === question.type &&
    readName(asked.name) === question.name;
}

function readFailure(packet: Packet): FailedReply | undefined {
  const edns = packet.additionals?.find((record) => record.type === "OPT");
  // The OPT record has the upper bits of the response code. Without them, BADVERS looks like NOERROR (RFC 6891 §6.1.3).
  if (edns !== undefined && edns.extendedRcode !== 0) {
    return { ...failed("servfail", "an extended response code"), blamesEdns: true };
  }
  if (packet.rcode === "NOERROR" || packet.rcode === "NXDOMAIN") {
    return packet.flag_tc ? failed("malformed", "truncated despite TCP") : undefined;
  }
  const reason = packet.rcode === "REFUSED" ? "refused" : "servfail";
  const failure = failed(reason, [packet.rcode, ...readExtendedErrors(edns)].join(" "));
  const blamesEdns = packet.rcode === "FORMERR" || packet.rcode === "NOTIMP";
  return blamesEdns ? { ...failure, blamesEdns } : failure;
}

/** The codes of RFC 8914, for the operator, without the remote text beside them. */
function readExtendedErrors(edns: Answer | undefined): string[] {
  const options: { code: number; data: Buffer }[] = edns?.options ?? [];
  return options
    .filter(({ code, data }) => code === EXTENDED_ERROR_OPTION && data.length >= 2)
    .slice(0, MAX_EXTENDED_ERRORS)
    .map(({ data }) => `EDE ${data.readUInt16BE(0)}`);
}

interface Chain {
  readonly kind: "chain";
  readonly owner: string;
  readonly links: number;
  /** The lowest TTL of the links, seconds; infinite without links. */
  readonly ttl: number;
}

function followAliases(answers: readonly Answer[], question: Question): Chain | Failed {
  let owner = question.name;
  let ttl = Infinity;
  for (let links = 0; links <= MAX_ALIASES; links++) {
    const alias = question.type === "CNAME"
      ? undefined
      : answers.find((answer) => isOf(answer, "CNAME", owner));
    if (alias === undefined) return { kind: "chain", owner, links, ttl };
    const target = RECORD_READERS.CNAME(alias.data);
    if (target === undefined) return failed("malformed", "an alias for an unusable name");
    owner = target;
    ttl = Math.min(ttl, readTtl(alias));
  }
  return failed("servfail", TOO_MANY_ALIASES);
}

function isOf(answer: Answer, type: RecordType, owner: string): boolean {
  return answer.type === type && answer.class === "IN" && readName(answer.name) === owner;
}

function readTtl({ ttl = 0 }: Answer): number {
  return ttl > MAX_TTL ? 0 : ttl;
}

/** The negative TTL (RFC 2308 §5), at most that of the chain. `undefined` without a SOA record. */
function readNegativeTtl(packet: Packet, chainTtl: number): number | undefined {
  const soa = packet.authorities?.find((record) => record.type === "SOA");
  if (soa === undefined) return undefined;
  const minimum: number = soa.data.minimum;
  return Math.min(readTtl(soa), minimum > MAX_TTL ? 0 : minimum, chainTtl);
}

/** Makes a failure. `detail` is one line. */
export function failed(reason: Failed["reason"], detail: string): Failed {
  return { kind: "failed", reason, detail };
}
