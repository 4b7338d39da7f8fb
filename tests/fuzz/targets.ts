/**
 * The readers of remote octets, each with good inputs and what must hold for all inputs: nothing is thrown
 * but the error it declares, time and output are bounded, and what was read reads the same when it is written
 * and read again. A new reader gets a target here, and a row in the growth table.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import {
  domainOfNextHop,
  isFailure,
  isMx,
  isPolicyRow,
  isTime,
  readPolicyRow,
} from "../../src/cache/rows.ts";
import { readCertificate } from "../../src/check/certificate.ts";
import { SmtpDialogue } from "../../src/check/smtp_dialogue.ts";
import { TimeBudget } from "../../src/check/time_budget.ts";
import { tlsFindings } from "../../src/check/tls_findings.ts";
import { judgeTlsrpt } from "../../src/check/tlsrpt.ts";
import { decodeReply, encodeQuestion, MessageError } from "../../src/dns/message.ts";
import { readName } from "../../src/dns/records.ts";
import type { RecordType } from "../../src/dns/types.ts";
import { classifyFetchError } from "../../src/https/classify.ts";
import { readHead } from "../../src/http/head.ts";
import { MAX_HEAD_BYTES, parseHead } from "../../src/http/request.ts";
import { encodeNetstring, NetstringDecoder, NetstringError } from "../../src/postfix/netstring.ts";
import { encodeUtf8 } from "../../src/postfix/octets.ts";
import { formatTemp, MAX_REQUEST_BYTES, parseRequest } from "../../src/postfix/socketmap.ts";
import { HELLO_MAX_BYTES, readClientHello } from "../../src/http/client_hello.ts";
import { isUsable, lintPolicy } from "../../src/publish/lint.ts";
import { judgeSenders } from "../../src/publish/senders.ts";
import { readView } from "../../src/resolver/stored_view.ts";
import { formatNextHop, readKey, toDomainName } from "../../src/sts/domain.ts";
import { isDomainName } from "../../src/base/host.ts";
import { isTextPlain } from "../../src/sts/media_type.ts";
import {
  formatPolicy,
  parsePolicy,
  policyStrings,
  PolicySyntaxError,
} from "../../src/sts/policy.ts";
import { formatTxtRecord, selectTxtRecord } from "../../src/sts/txt_record.ts";
import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import { cname, encodeReply, soa, txt } from "../fakes/fake_dns_server.ts";
import type { FakeDnsReply } from "../fakes/fake_dns_server.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createRecordedLink } from "./recorded_link.ts";
import { DKIM_TARGETS } from "./dkim_targets.ts";
import { FLEET_TARGETS } from "./fleet_targets.ts";
import { MAIL_TARGETS } from "./mail_targets.ts";
import { TLSRPT_TARGETS } from "./tlsrpt_targets.ts";
import { threadTime } from "../fakes/cpu_time.ts";
import mediaTypes from "../vectors/media_types.json" with { type: "json" };
import policies from "../vectors/policies.json" with { type: "json" };
import records from "../vectors/txt_records.json" with { type: "json" };

/** A reader under test. */
export interface Target {
  readonly name: string;
  /** Good inputs, which others are made of. */
  readonly corpus: readonly Uint8Array[];
  /**
   * Reads an input, and throws if something does not hold.
   *
   * @returns A short word for the way the input went, the same for inputs alike.
   */
  run(bytes: Uint8Array): string | Promise<string>;
}

/** What one input may take of the processor, ms; it takes a tenth at most. */
const LIMIT_MS = 250;

/** Tries of an input that took too long. */
const TRIES = 3;

/** The longest text for a person that may come out of any input, UTF-16 units. */
const TEXT_MAX_LENGTH = 2000;

/** Runs one input. @returns What does not hold, if anything. */
export async function explain(
  target: Target,
  input: Uint8Array,
): Promise<{ readonly problem: string | undefined; readonly outcome: string }> {
  let took = Infinity;
  for (let left = TRIES; left > 0 && took > LIMIT_MS; left--) {
    const start = threadTime();
    try {
      // A copy: what is read must not be changed, nor kept.
      const bytes = input.slice();
      const outcome = await target.run(bytes);
      took = threadTime() - start;
      if (took <= LIMIT_MS) return { problem: undefined, outcome };
    } catch (error) {
      const problem = error instanceof Error ? error.stack ?? error.message : String(error);
      return { problem, outcome: "" };
    }
  }
  return { problem: `took ${took.toFixed(0)} ms`, outcome: "" };
}

const DOMAIN = "a.example";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const fromUtf8 = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** One line for a person, or for the log: bounded, and of printable ASCII. */
function assertPrintable(text: string, what: string): void {
  assert(text.length <= TEXT_MAX_LENGTH, `${what} has ${text.length} characters`);
  assert(/^[\x20-\x7e]*$/.test(text), `${what} does not print: ${JSON.stringify(text)}`);
}

/** All but the octets in which an error of the declared class was found. */
function declared<T>(read: () => T, error: new (...args: never[]) => Error): T | string {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof error)) throw thrown;
    assert(thrown.message.length <= TEXT_MAX_LENGTH);
    // Numbers differ from input to input.
    return thrown.message.replaceAll(/[0-9]+/g, "0");
  }
}

/** Payloads of a stream that comes in pieces of so many octets, and how it ended. */
function decodeAll(bytes: Uint8Array, piece: number) {
  const decoder = new NetstringDecoder(MAX_REQUEST_BYTES);
  const payloads: string[] = [];
  const read = () => {
    for (let at = 0; at < bytes.length;) {
      const space = decoder.space();
      const part = bytes.subarray(at, at + Math.min(piece, space.length));
      space.set(part);
      decoder.fill(part.length);
      at += part.length;
      for (let next; (next = decoder.next()) !== undefined;) {
        payloads.push(latin1(next.bytes.subarray(next.from, next.to)));
      }
    }
    return decoder.empty ? "whole" : "more";
  };
  return { payloads, end: declared(read, NetstringError) };
}

const netstring: Target = {
  name: "netstring",
  corpus: [
    "14:postfix a.test,",
    "0:,",
    "3:abc,3:def,1:",
    "10257:",
    "00:,",
    `300:${"k".repeat(300)},5:short,`,
  ].map(utf8),
  run(bytes) {
    const whole = decodeAll(bytes, bytes.length);
    for (const piece of [1, 7]) assertEquals(decodeAll(bytes, piece), whole);
    const frames = whole.payloads.map((text) =>
      latin1(encodeNetstring(Buffer.from(text, "latin1")))
    );
    assert(latin1(bytes).startsWith(frames.join("")), "frames are not what was read");
    return `${whole.end} ${Math.min(whole.payloads.length, 4)}`;
  },
};

const socketmapKey: Target = {
  name: "socketmap_key",
  corpus: [
    "postfix example.com",
    "QUERYwithTLSRPT [mail.example.com]:587",
    "postfix .example.com",
    "x B\u00fccher.example.",
    "x xn--bcher-kva.example:submission",
    "x [IPv6:2001:db8::1]",
    "x 192.0.2.1",
    "x \u2488com.\u212a.example",
    "x a\u00adb.example",
  ].map(utf8),
  run(bytes) {
    const text = fromUtf8(bytes);
    const { mapName, key } = parseRequest(encodeUtf8(text));
    assert(mapName.length + key.length <= text.length);
    assertPrintable(formatTemp(text), "TEMP");
    const reading = readKey(key);
    if (reading.kind === "invalid") return reading.reason;
    if (reading.kind !== "next-hop") return reading.kind;
    const { domain, port } = reading.nextHop;
    assert(isDomainName(domain) && domain.includes(".") && domain === domain.toLowerCase());
    assertEquals(toDomainName(domain), domain);
    // A service that is not known prints as a question mark.
    if (port !== null) assertEquals(readKey(formatNextHop(reading.nextHop)), reading);
    return `${reading.nextHop.bracketed} ${port === 25}`;
  },
};

const TYPES: readonly RecordType[] = ["A", "AAAA", "CNAME", "MX", "NS", "TLSA", "TXT"];

/** The first octet of an input names the type that is asked for. */
function dnsInput(type: RecordType, reply: FakeDnsReply): Uint8Array {
  const query = { id: 7, flag_ad: true, questions: [{ name: DOMAIN, type }] };
  return Uint8Array.from([TYPES.indexOf(type), ...encodeReply(query, reply)]);
}

const dnsMessage: Target = {
  name: "dns_message",
  corpus: [
    dnsInput("TXT", txt("v=STSv1; id=1")),
    dnsInput("A", { answers: [{ type: "A", data: "192.0.2.1" }], ad: true }),
    dnsInput("AAAA", {
      answers: [cname(DOMAIN, "b.example"), { name: "b.example", type: "AAAA", data: "::1" }],
    }),
    dnsInput("MX", {
      answers: [{ type: "MX", data: { preference: 1, exchange: "mx.a.example" } }],
    }),
    dnsInput("NS", { answers: [{ type: "NS", data: "ns.example" }] }),
    dnsInput("TLSA", {
      answers: [{
        type: "TLSA",
        data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32) },
      }],
    }),
    dnsInput("CNAME", { answers: [cname(DOMAIN, "b.example")] }),
    dnsInput("TXT", { authorities: [soa(60, 30)] }),
    dnsInput("TXT", { rcode: "NXDOMAIN", authorities: [soa(60, 30)] }),
    dnsInput("TXT", { rcode: "SERVFAIL" }),
    Uint8Array.from([6, ...encodeQuestion({ name: DOMAIN, type: "TXT" }).subarray(2)]),
  ],
  run(bytes) {
    const type = TYPES[(bytes[0] ?? 0) % TYPES.length]!;
    const message = bytes.subarray(1);
    const reply = declared(() => decodeReply(message, { name: DOMAIN, type }), MessageError);
    if (typeof reply === "string") return reply;
    if (reply.kind === "failed") {
      assertPrintable(reply.detail, "detail");
      return `${reply.reason} ${reply.detail.replaceAll(/[0-9]+/g, "0")}`;
    }
    assert(reply.ttl >= 0 && reply.ttl < 2 ** 31);
    if (reply.kind === "alias") assertEquals(readName(reply.target), reply.target);
    if (reply.kind !== "found") return `${type} ${reply.kind} ${reply.secure}`;
    assert(reply.records.length > 0 && reply.records.length <= message.length);
    for (const record of reply.records as readonly unknown[]) {
      assertRecord(type, record, message.length);
    }
    return `${type} found ${reply.secure}`;
  },
};

/** What the rest of the program takes for granted of a record. */
function assertRecord(type: RecordType, record: unknown, octets: number): void {
  const name = typeof record === "object" && record !== null && "exchange" in record
    ? record.exchange
    : record;
  switch (type) {
    case "A":
    case "AAAA":
      return assert(/^[0-9a-f.:]{2,45}$/.test(String(record)), String(record));
    case "TXT":
      return assert(typeof record === "string" && record.length <= octets);
    case "TLSA":
      return assert((record as { data: Uint8Array }).data.length <= octets);
    default:
      assertEquals(readName(String(name)), name);
  }
}

const txtRecord: Target = {
  name: "txt_record",
  corpus: [...records.flatMap(({ records }) => records), "v=TLSRPTv1; rua=mailto:a@b.example"]
    .map((text) => Uint8Array.from(Buffer.from(text, "latin1"))),
  run(bytes) {
    const text = latin1(bytes);
    for (const { title } of judgeTlsrpt(answerOf([text]), DOMAIN)) assertPrintable(title, "title");
    const selection = selectTxtRecord([text]);
    if (selection.kind === "none") {
      assertPrintable(selection.detail, "detail");
      return selection.detail;
    }
    const { id } = selection;
    assert(/^[A-Za-z0-9]{1,32}$/.test(id) && text.includes(id));
    assertEquals(selectTxtRecord([formatTxtRecord(id)]), selection);
    assertEquals(selectTxtRecord(["other", text]), selection);
    const both = selectTxtRecord([text, text]);
    assert(both.kind === "none" && both.reason === "several");
    return "found";
  },
};

function answerOf(texts: string[]) {
  return {
    kind: "found",
    records: texts,
    secure: false,
    validated: false,
    ttl: 1,
    owner: DOMAIN,
  } as const;
}

const policy: Target = {
  name: "policy",
  corpus: policies.map(({ body }) => utf8(body)),
  run(bytes) {
    const text = fromUtf8(bytes);
    const findings = lintPolicy(text, { suggest: () => undefined });
    for (const line of policyStrings(text)) assert(!/\p{Cc}/u.test(line), JSON.stringify(line));
    assert(judgeSenders(findings).length > 0);
    const parsed = declared(() => parsePolicy(text), PolicySyntaxError);
    assertEquals(isUsable(findings), typeof parsed !== "string", "lint and parser differ");
    if (typeof parsed === "string") {
      assertPrintable(parsed, "message");
      return parsed;
    }
    assertEquals(parsePolicy(formatPolicy(parsed)), parsed);
    return `${parsed.mode} ${findings.map(({ code }) => code).slice(0, 3).join(" ")}`;
  },
};

/** Reads a head that comes in pieces of so many octets. */
function headOf(bytes: Uint8Array, piece: number): Promise<string | undefined> {
  let at = 0;
  return readHead({
    read(buffer) {
      const part = bytes.subarray(at, at + Math.min(piece, buffer.length));
      buffer.set(part);
      at += part.length;
      return Promise.resolve(part.length === 0 ? null : part.length);
    },
  });
}

const httpHead: Target = {
  name: "http_head",
  corpus: [
    "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.a.example\r\nAccept: */*\r\n\r\n",
    "HEAD / HTTP/1.0\r\n\r\n",
    "GET http://a.example:80/x?y=%20&z HTTP/1.1\r\nhost: [::1]:80\r\n\r\n",
    "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc",
  ].map(utf8),
  async run(bytes) {
    const head = await headOf(bytes, 4096);
    for (const piece of [1, 13]) {
      const again = await headOf(bytes, piece);
      const isTooLong = (text = "") => text.length > MAX_HEAD_BYTES;
      assert(again === head || (isTooLong(again) && isTooLong(head)), "pieces matter");
    }
    if (head === undefined) return "no head";
    assert(head.length <= MAX_HEAD_BYTES + 1);
    const request = parseHead(head);
    if (request === undefined) return "no request";
    const { method, path, query, host } = request;
    assert(/^[A-Z]{1,20}$/.test(method) && /^\/[\x21-\x7e]*$/.test(path) && !path.includes("?"));
    assert(/^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]*)$/.test(host), host);
    const again = parseHead(`${method} ${path}?${query} HTTP/1.1\r\nHost:\t${host} `);
    assertEquals(again && { ...again, query: [...again.query] }, { ...request, query: [...query] });
    return `${method.slice(0, 4)} ${host === ""} ${Math.min(query.size, 3)}`;
  },
};

/** A ClientHello with extensions, as one message of TLS. */
function clientHello(extensions: readonly number[]): Uint8Array {
  const hello = [3, 3, ...new Array(32).fill(7), 1, 9, 0, 2, 0x13, 1, 1, 0];
  hello.push(extensions.length >> 8, extensions.length & 255, ...extensions);
  const message = [1, 0, hello.length >> 8, hello.length & 255, ...hello];
  return Uint8Array.from([22, 3, 1, message.length >> 8, message.length & 255, ...message]);
}

function serverName(name: string): number[] {
  const bytes = [...utf8(name)];
  const size = (value: number) => [value >> 8, value & 255];
  const list = [0, ...size(bytes.length), ...bytes];
  return [0, 0, ...size(list.length + 2), ...size(list.length), ...list];
}

const hello: Target = {
  name: "client_hello",
  corpus: [
    clientHello(serverName("mta-sts.A.example")),
    clientHello([0, 43, 0, 3, 2, 3, 4, ...serverName("b.example"), 0, 16, 0, 3, 0, 1, 65]),
    clientHello([]),
    Uint8Array.of(21, 3, 3, 0, 2, 2, 40),
  ],
  run(bytes) {
    const limited = bytes.subarray(0, HELLO_MAX_BYTES);
    const reading = readClientHello(limited);
    const before = readClientHello(limited.subarray(0, limited.length >> 1));
    // What is clear from a part does not change with the rest.
    if (before.kind !== "incomplete") assertEquals(reading, before);
    if (reading.kind !== "hello") return reading.kind;
    const { name = "" } = reading;
    assert(name.length <= limited.length && name === name.toLowerCase());
    return `hello ${name.length > 0}`;
  },
};

const smtpReply: Target = {
  name: "smtp_reply",
  corpus: [
    "220 mx.a.example ESMTP\r\n250-mx.a.example\r\n250-SIZE 1\r\n250 STARTTLS\r\n220 go\r\n",
    "220-one\r\n220 two\r\n250 mx\r\n",
    "554 no\r\n",
    "220 a\n250-b\n250 starttls \n454 later\n",
    "421 \x1b[31m\xff\r\n",
  ].map((text) => Uint8Array.from(Buffer.from(text, "latin1"))),
  async run(bytes) {
    const whole = await talk(bytes, 4096);
    const pieces = await talk(bytes, 3);
    // Data behind the last reply is only seen when it comes in one piece with it.
    if (whole !== "smtp-trailing") assertEquals(pieces, whole);
    return whole;
  },
};

async function talk(bytes: Uint8Array, piece: number): Promise<string> {
  const link = createRecordedLink(bytes, piece);
  const budget = new TimeBudget({ clock: new ManualClock(), step: 1000, total: 1000 });
  const fault = await new SmtpDialogue(link, { budget, helo: "[192.0.2.1]" }).startTls();
  if (fault === undefined) return "ready";
  assertPrintable(fault.detail, "detail");
  return fault.id;
}

const AUTHORITY = createAuthority("Example CA");

const certificate: Target = {
  name: "certificate",
  corpus: [
    createCertificate({
      subject: "mx.a.example",
      dns: ["mx.a.example", "*.b.example"],
      issuer: AUTHORITY,
    }),
    createCertificate({ subject: "", ip: ["192.0.2.1"] }),
    AUTHORITY,
  ].map(({ der }) => der),
  run(der) {
    const read = readCertificate(der);
    const context = { group: "mx", subject: "mx.a.example", now: 0, okId: "mx-ok" } as const;
    const presented = { chain: [der], whole: true };
    const failed = { kind: "failed", id: "certificate-untrusted", detail: "", presented } as const;
    for (const probe of [{ kind: "verified", presented } as const, failed]) {
      for (const { id, seen } of tlsFindings(probe, context)) assertPrintable(seen, id);
    }
    if (read === undefined) return "none";
    assert(Number.isFinite(read.notBefore) && Number.isFinite(read.notAfter));
    assertEquals(readCertificate(der), read);
    return `${read.selfIssued} ${read.hasDnsNames} ${read.spki !== undefined}`;
  },
};

const contentType: Target = {
  name: "content_type",
  corpus: mediaTypes.map(({ value }) => utf8(value)),
  run(bytes) {
    const text = latin1(bytes);
    const isPlain = isTextPlain(text);
    assertEquals(isTextPlain(` \t${text}`), isPlain);
    if (isPlain) assert(/^[ \t]*text\/plain[ \t]*(?:[;,]|$)/i.test(text), text);
    return String(isPlain);
  },
};

/** Columns of a row as they may stand in a file: text or octets, numbers of all kinds, nothing. */
function columns(bytes: Uint8Array): unknown[] {
  return fromUtf8(bytes).split("\0").map((text) => {
    if (text === "NULL") return null;
    if (text.startsWith("#")) return parseFloat(text.slice(1));
    return text.startsWith("%") ? utf8(text) : text;
  });
}

const storedRow: Target = {
  name: "stored_row",
  corpus: [
    "a.example\x001\x00version: STSv1\nmode: none\nmax_age: 1\n\x00#1\x00#2\x00#3\x00#4",
    'a.example\0{"dane":"absent","hosts":["mx.a.example"],"life":60000}\0#1700000000000',
    "[a.example]:587\x00NULL\x00#-1\x00#1e300\x00#NaN",
    'a.example\x00{"dane":"usable","life":1e9,"hosts":[1]}\x00#0',
    "a.example\x001\x00tls\x00what went wrong\x00#3\x00#1\x00#2",
  ].map(utf8),
  run(bytes) {
    const [one, two, three, four, five, six, seven] = columns(bytes);
    const kept = { domain: one, id: two, text: three };
    const row = { ...kept, fetchedAt: four, lastUsedAt: five, refreshAt: six };
    const policy = readPolicyRow(row);
    const ways = [isPolicyRow(row), policy !== undefined];
    if (policy !== undefined) {
      assert(policy.expiresAt >= policy.fetchedAt && parsePolicy(policy.text).maxAge >= 0);
    }
    const failure = { domain: one, id: two, reason: three, detail: four };
    ways.push(isFailure({ ...failure, count: five, failedAt: six, retryAt: seven }));
    const mx = { nextHop: one, json: two, checkedAt: three };
    ways.push(isMx(mx));
    if (isMx(mx)) {
      assert(!domainOfNextHop(mx.nextHop).includes("]"));
      const view = readView(mx);
      ways.push(view !== undefined);
      for (const host of view?.hosts ?? []) assert(isDomainName(host), host);
      if (view !== undefined) assert(isTime(view.checkedAt) && view.freshUntil >= view.checkedAt);
    }
    return ways.join();
  },
};

const fetchError: Target = {
  name: "fetch_error",
  corpus: [
    'invalid peer certificate: certificate not valid for name "a.example"; certificate is only valid for ' +
    'DnsName("b.example"), IpAddress(192.0.2.1) or DnsName("c.example")',
    "invalid peer certificate: certificate expired: verification time 1 (UNIX), but certificate is not valid " +
    "after 1795561921 (5 seconds ago)",
    "invalid peer certificate: certificate not valid yet: is not valid before 999999999999 (x)",
    "invalid peer certificate: UnknownIssuer",
    "client error (Connect): tcp connect error: Connection refused (os error 111)",
  ].map(utf8),
  run(bytes) {
    const { reason, detail } = classifyFetchError(
      new TypeError("error sending request", { cause: new Error(fromUtf8(bytes)) }),
    );
    assertPrintable(detail, "detail");
    return reason;
  },
};

/** All targets. */
export const TARGETS: readonly Target[] = [
  netstring,
  socketmapKey,
  dnsMessage,
  txtRecord,
  policy,
  contentType,
  fetchError,
  httpHead,
  hello,
  smtpReply,
  certificate,
  storedRow,
  ...TLSRPT_TARGETS,
  ...DKIM_TARGETS,
  ...MAIL_TARGETS,
  ...FLEET_TARGETS,
];
