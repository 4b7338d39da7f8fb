/**
 * Everything that reads remote text or octets, each with the input it has the most work with: the table of
 * {@link file://./growth_test.ts}. A new reader, pattern or loop over remote text gets a row here.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import dnsPacket from "dns-packet";
import { isMx, readPolicyRow } from "../../src/cache/rows.ts";
import { readCertificate } from "../../src/check/certificate.ts";
import { judgePolicy } from "../../src/check/policy.ts";
import { dkimRecordMistake } from "../../src/mail/dkim_key.ts";
import { LINE_MAX_BYTES, REPLY_MAX_LINES } from "../../src/mail/reply.ts";
import { SmtpDialogue } from "../../src/check/smtp_dialogue.ts";
import { TimeBudget } from "../../src/check/time_budget.ts";
import { judgeTlsrpt } from "../../src/check/tlsrpt.ts";
import { judgeTxt } from "../../src/check/txt.ts";
import { decodeReply } from "../../src/dns/message.ts";
import { readName } from "../../src/dns/records.ts";
import type { RecordType } from "../../src/dns/types.ts";
import { classifyFetchError } from "../../src/https/classify.ts";
import { openEntry } from "../../src/fleet/entry.ts";
import { SEALED_MAX_LENGTH } from "../../src/fleet/envelope.ts";
import { readHead } from "../../src/http/head.ts";
import { MAX_HEAD_BYTES, parseHead } from "../../src/http/request.ts";
import { escapeHtml } from "../../src/http/html.ts";
import { NetstringDecoder } from "../../src/postfix/netstring.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/postfix/octets.ts";
import { formatTemp, MAX_REQUEST_BYTES, parseRequest } from "../../src/postfix/socketmap.ts";
import { formatAnswer } from "../../src/postfix/tls_policy.ts";
import { HELLO_MAX_BYTES, readClientHello } from "../../src/http/client_hello.ts";
import { lintPolicy } from "../../src/publish/lint.ts";
import { judgeSenders } from "../../src/publish/senders.ts";
import { enforcedAnswer } from "../../src/resolver/answer.ts";
import { isUsableTlsa } from "../../src/resolver/tlsa.ts";
import { readView } from "../../src/resolver/stored_view.ts";
import { readKey } from "../../src/sts/domain.ts";
import { isTextPlain } from "../../src/sts/media_type.ts";
import {
  parsePolicy,
  POLICY_MAX_BYTES,
  policyStrings,
  readPolicyFile,
} from "../../src/sts/policy.ts";
import { quoteRemote, quoteText } from "../../src/base/quote_text.ts";
import { JSON_MAX_OCTETS } from "../../src/tlsrpt/json_text.ts";
import { readReport } from "../../src/tlsrpt/read_report.ts";
import { selectTxtRecord } from "../../src/sts/txt_record.ts";
import { createCertificate } from "../fakes/certificates.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { MAIL_GROWTH } from "./mail_growth.ts";
import { createRecordedLink } from "./recorded_link.ts";

/** A reader with its worst input. */
export interface GrowthRow {
  /** The reader, and what the input is. */
  readonly name: string;
  /** The largest input that its limit lets in, in octets or characters. */
  readonly limit: number;
  /** The input of about this size; made before the time is taken. @returns What reads it once. */
  prepare(size: number): () => unknown;
}

/** Octets of a DNS message over TCP (RFC 1035 §4.2.2), and so of all character-strings of a record. */
const DNS_MAX_BYTES = 65_535;

/** Octets of a name in one label after the other (RFC 1035 §2.3.4). */
const DNS_NAME = "a.".repeat(126) + "a";

/** The heads of HTTP answers that Deno takes. */
const HTTP_FIELD_MAX = 256 * 1024;

/** What a certificate and its chain may have in the handshake of rustls, bytes. */
const CERTIFICATE_MAX_BYTES = 64 * 1024;

const KEY_MAX_LENGTH = 1000;
const DOMAIN = "a.example";

/** `text` again and again, exactly `size` units. */
function fill(text: string, size: number): string {
  return text.repeat(Math.ceil(size / text.length)).slice(0, size);
}

/** Rows for a function of one text: each has a beginning, what is repeated, and an end. */
function texts(
  reader: string,
  limit: number,
  read: (text: string) => unknown,
  shapes: readonly (readonly [name: string, head: string, body: string, tail: string])[],
): GrowthRow[] {
  return shapes.map(([name, head, body, tail]) => ({
    name: `${reader}: ${name}`,
    limit,
    prepare(size) {
      const text = head + fill(body, size - head.length - tail.length) + tail;
      return () => read(text);
    },
  }));
}

function readOrThrow(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
}

const POLICY_HEAD = "version: STSv1\r\nmode: enforce\r\nmax_age: 1\r\nmx: a.b\r\n";

/** Shapes of policy files. */
const POLICIES = [
  ["spaces inside a value", `${POLICY_HEAD}x: a`, " ", "b"],
  ["spaces before line ends", POLICY_HEAD, "x: b          \r\n", ""],
  ["one line of spaces", POLICY_HEAD, " ", ""],
  ["a name that never ends", POLICY_HEAD, "a", ""],
  ["a name with spaces behind it", `${POLICY_HEAD}aaa`, " ", "x"],
  ["blank lines", POLICY_HEAD, "\n", ""],
  ["carriage returns", `${POLICY_HEAD}x: `, "\r", "\n"],
  ["colons", POLICY_HEAD, ":", ""],
  ["lines without a field", "", "mode\n", ""],
  ["patterns", POLICY_HEAD, "mx: *.a\n", ""],
  ["patterns that are none", "version: STSv1\nmode: enforce\nmax_age: 1\n", "mx: :\n", ""],
  ["patterns with ports", POLICY_HEAD, `mx: a:${"1".repeat(60)}x\n`, ""],
  ["unknown fields", POLICY_HEAD, "mxx: a\n", ""],
  ["labels", POLICY_HEAD, `mx: ${"a.".repeat(120)}-\n`, ""],
] as const;

/** Shapes of TXT records. */
const RECORDS = [
  ["semicolons", "v=STSv1;", ";", ""],
  ["spaces inside", "v=STSv1; id=1", " ", "x"],
  ["fields", "v=STSv1;", "a=b;", ""],
  ["spaces around semicolons", "v=STSv1; id=1;", "a=b     ;", ""],
  ["spaces in front", "", " ", "v=STSv1"],
  ["quotation marks in front", "", '"', "v=STSv1"],
  ["marks and spaces in front", "", '" ', "v=STSv1"],
  ["an id that never ends", "v=STSv1; id=", "1", ""],
  ["spaces before id", "v=STSv1; id", " ", "=1"],
] as const;

const TLSRPT = [
  ["commas", "v=TLSRPTv1; rua=", ",", ""],
  ["an address", "v=TLSRPTv1; rua=mailto:a@", "a.", "a"],
  ["signs of an address", "v=TLSRPTv1; rua=mailto:", "@", ""],
  ["dots", "v=TLSRPTv1; rua=mailto:a@b", ".", ""],
  ["a question mark", "v=TLSRPTv1; rua=mailto:a@b.c", "?", "\\"],
  ["addresses", "v=TLSRPTv1; rua=", "mailto:a@b.c,", ""],
  ["an A-label", "v=TLSRPTv1; rua=https://xn--", "a", "/"],
  ["spaces in front", "", " ", "v=TLSRPT"],
] as const;

/** Shapes of HTTP heads. */
const HEADS = [
  ["spaces inside a value", "GET / HTTP/1.1\r\na: x", " ", "x"],
  ["spaces before a control character", "GET / HTTP/1.1\r\na: x", " ", "\n"],
  ["a name that never ends", "GET / HTTP/1.1\r\n", "a", ""],
  ["fields", "GET / HTTP/1.1\r\n", "a:\r\n", "a:"],
  ["a path", "GET /", "/", " HTTP/1.1 "],
  ["a whole URL", "GET http://", "a", "/ HTTP/2"],
  ["a query", "GET /?", "a&", " HTTP/1.1"],
  ["percent signs", "GET /?", "%", " HTTP/1.1"],
  ["a host", "GET / HTTP/1.1\r\nhost: ", "a", ":1x"],
  ["digits of a port", "GET / HTTP/1.1\r\nhost: a:", "1", "x"],
  ["brackets", "GET / HTTP/1.1\r\nhost: [", ":", ""],
] as const;

/** A response of DNS: what is asked, and records of so many octets in all. */
function message(
  type: RecordType,
  size: number,
  record: (index: number) => Record<string, unknown>,
): Uint8Array {
  const answers: Record<string, unknown>[] = [];
  const packet = () => ({
    type: "response" as const,
    id: 1,
    flags: dnsPacket.RECURSION_AVAILABLE,
    questions: [{ name: DOMAIN, type, class: "IN" }],
    answers,
  });
  const one = dnsPacket.encode({ ...packet(), answers: [record(0)] } as never).length -
    dnsPacket.encode(packet() as never).length;
  const count = Math.max(1, Math.floor((size - 40) / one));
  while (answers.length < count) answers.push(record(answers.length));
  return dnsPacket.encode(packet() as never);
}

function replies(
  name: string,
  type: RecordType,
  record: (index: number) => Record<string, unknown>,
): GrowthRow {
  return {
    name: `decodeReply: ${name}`,
    limit: DNS_MAX_BYTES,
    prepare(size) {
      const bytes = message(type, size, record);
      return () => readOrThrow(() => decodeReply(bytes, { name: DOMAIN, type }));
    },
  };
}

/** A decoder that is fed piece by piece. */
function netstrings(name: string, piece: number, bytesOf: (size: number) => Uint8Array): GrowthRow {
  return {
    name: `NetstringDecoder: ${name}`,
    limit: MAX_REQUEST_BYTES,
    prepare(size) {
      const bytes = bytesOf(size);
      return () => {
        const decoder = new NetstringDecoder(MAX_REQUEST_BYTES);
        for (let at = 0; at < bytes.length; at += piece) {
          const part = bytes.subarray(at, at + piece);
          decoder.space().set(part);
          decoder.fill(part.length);
          while (decoder.next() !== undefined);
        }
      };
    },
  };
}

/** A ClientHello in records of so many octets, with what stands in its extensions. */
function hellos(name: string, record: number, extension: readonly number[]): GrowthRow {
  return {
    name: `readClientHello: ${name}`,
    limit: HELLO_MAX_BYTES,
    prepare(size) {
      const content = Math.floor(size * record / (record + 5)) - 60;
      const count = Math.max(1, Math.floor(content / extension.length));
      const body: number[] = [];
      for (let left = count; left > 0; left--) body.push(...extension);
      const hello = [3, 3, ...new Array(32).fill(0), 0, 0, 2, 0, 0, 1, 0];
      hello.push(body.length >> 8, body.length & 255, ...body);
      const handshake = [1, 0, hello.length >> 8, hello.length & 255, ...hello];
      const bytes: number[] = [];
      for (let at = 0; at < handshake.length; at += record) {
        const part = handshake.slice(at, at + record);
        bytes.push(22, 3, 1, part.length >> 8, part.length & 255, ...part);
      }
      const all = Uint8Array.from(bytes);
      return () => readClientHello(all);
    },
  };
}

/** A reply of SMTP in pieces; the reader has no text to hand, so this is asynchronous. */
function smtpReplies(name: string, piece: number, lineOctets: number): GrowthRow {
  return {
    name: `SmtpDialogue: ${name}`,
    limit: LINE_MAX_BYTES * REPLY_MAX_LINES,
    prepare(size) {
      const lines = Math.max(1, Math.floor(size / lineOctets));
      const bytes = new TextEncoder().encode(`220-${"a".repeat(lineOctets - 6)}\r\n`.repeat(lines));
      return async () => {
        const link = createRecordedLink(bytes, piece);
        const clock = new ManualClock();
        const budget = new TimeBudget({ clock, step: 1000, total: 1000 });
        return await new SmtpDialogue(link, { budget, helo: "a.example" }).startTls();
      };
    },
  };
}

/** A head that comes octet by octet. */
function headPieces(name: string, body: string): GrowthRow {
  return {
    name: `readHead: ${name}`,
    limit: MAX_HEAD_BYTES,
    prepare(size) {
      const bytes = new TextEncoder().encode(fill(body, size));
      return async () => {
        let at = 0;
        return await readHead({
          read(buffer) {
            if (at === bytes.length) return Promise.resolve(null);
            buffer[0] = bytes[at++]!;
            return Promise.resolve(1);
          },
        });
      };
    },
  };
}

const POLICY_TIMES = { fetchedAt: 0, lastUsedAt: 0, refreshAt: 0 };

/** A policy of as many patterns as its size allows, held. */
function heldPolicy(size: number) {
  const lines: string[] = [];
  for (let index = 0, left = size - 60; left > 0; index++) {
    const line = `mx: ${index.toString(36)}.a\r\n`;
    lines.push(line);
    left -= line.length;
  }
  const text = `version: STSv1\r\nmode: enforce\r\nmax_age: 1\r\n${lines.join("")}`;
  return readPolicyFile(text);
}

/** As many names of MX hosts as an answer has, none of which is in a policy. */
function strangeHosts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `h${index.toString(36)}.b`);
}

/** All rows. */
export const GROWTH_TABLE: readonly GrowthRow[] = [
  ...MAIL_GROWTH,
  ...texts(
    "parsePolicy",
    POLICY_MAX_BYTES,
    (text) => readOrThrow(() => parsePolicy(text)),
    POLICIES,
  ),
  ...texts("policyStrings", POLICY_MAX_BYTES, policyStrings, POLICIES),
  ...texts(
    "lintPolicy",
    POLICY_MAX_BYTES,
    (text) => judgeSenders(lintPolicy(text, { suggest: () => undefined })),
    POLICIES,
  ),
  ...texts(
    "readPolicyRow",
    POLICY_MAX_BYTES,
    (text) => readPolicyRow({ domain: DOMAIN, id: "1", text, ...POLICY_TIMES }),
    POLICIES,
  ),
  ...texts("selectTxtRecord", DNS_MAX_BYTES, (text) => selectTxtRecord([text]), RECORDS),
  ...texts(
    "judgeTxt",
    DNS_MAX_BYTES,
    (text) => judgeTxt(found([text]), { domain: DOMAIN, strays: [] }),
    RECORDS,
  ),
  ...texts(
    "openEntry",
    SEALED_MAX_LENGTH,
    (text) => openEntry(text, { now: 0, offset: 0 }, { mac: undefined, settings: "" }),
    [
      ["a signature that never ends", "", "a", ""],
      ["dots", "-", ".", ""],
      ["no end of the object", "-.p{", "}", "x"],
      ["one within the other", "-.p{", '"a":{', "}"],
      ["lists", '-.p{"a":', "[", "}"],
      ["members", '-.p{"v":1,', '"a":1,', '"d":1}'],
      ["escapes", '-.p{"v":1,"h":"h","d":"a.b","i":"1","f":0,"t":"', "\\n", '"}'],
      ["a domain", '-.p{"v":1,"h":"h","i":"1","f":0,"t":"","d":"', "a.", '"}'],
      ["a host", '-.p{"v":1,"h":"', "h", '"}'],
    ],
  ),
  ...texts("judgeTlsrpt", DNS_MAX_BYTES, (text) => judgeTlsrpt(found([text]), DOMAIN), TLSRPT),
  ...texts(
    "dkimRecordMistake",
    DNS_MAX_BYTES,
    (text) => dkimRecordMistake([text], { type: "rsa", published: "AAAA" }),
    [
      ["semicolons", "v=DKIM1", ";", "p=AAAA"],
      ["tags", "v=DKIM1", ";a=b", ""],
      ["blanks in a key", "v=DKIM1; p=", " ", "AAAA"],
      ["services", "v=DKIM1; p=AAAA; s=", "a:", ""],
    ],
  ),
  {
    name: "selectTxtRecord: many records",
    limit: DNS_MAX_BYTES,
    prepare(size) {
      const records = Array.from({ length: size / 13 }, () => "v=STSv1");
      return () => selectTxtRecord(records);
    },
  },
  ...texts("isTextPlain", HTTP_FIELD_MAX, isTextPlain, [
    ["quotation marks", "", '"', ""],
    ["a string that never ends", 'text/plain; a="', "a", ""],
    ["backslashes", 'text/plain; a="', "\\", ""],
    ["spaces in front", "", " ", "x"],
    ["spaces behind", "text/plain", " ", "x"],
    ["semicolons", "", ";", ""],
  ]),
  ...texts("quoteText", HTTP_FIELD_MAX, (text) => quoteText(text, text.length), [
    ["characters that do not print", "", "\u202e", ""],
    ["quotation marks", "", '"', ""],
  ]),
  ...texts("quoteRemote", HTTP_FIELD_MAX, (text) => quoteRemote(text, text.length), [
    ["characters that do not print", "", "\u202e", ""],
    ["spaces", "", " ", "\n"],
  ]),
  ...texts("escapeHtml", HTTP_FIELD_MAX, escapeHtml, [
    ["signs of HTML", "", "<", ""],
    ["characters that do not print", "", "\u202e", ""],
    ["spaces after a line end", "\n", " ", "x"],
  ]),
  ...texts("parseHead", MAX_HEAD_BYTES, parseHead, HEADS),
  headPieces("octet by octet", "a"),
  headPieces("line ends octet by octet", "\r"),
  headPieces("ends that are none", "\r\n\r"),
  ...texts("readKey", KEY_MAX_LENGTH, readKey, [
    ["labels", "", "a.", "a"],
    ["labels that are none", "", "a.", "-"],
    ["numbers", "", "1.", "x"],
    ["colons", "", ":", ""],
    ["brackets", "", "[", ""],
    ["digits", "a.b:", "1", "x"],
    ["letters outside ASCII", "", "\u00e4.", "a"],
    ["hexadecimal digits", "0x", "0", "x"],
  ]),
  ...texts(
    "parseRequest",
    MAX_REQUEST_BYTES,
    (text) => decodeUtf8(encodeUtf8(text)) && parseRequest(encodeUtf8(text)),
    [["spaces", "", " ", ""], ["no space", "", "a", ""]],
  ),
  ...texts("formatTemp", HTTP_FIELD_MAX, formatTemp, [["line ends", "", "\n", ""]]),
  netstrings(
    "one frame octet by octet",
    1,
    (size) => encoded(`${size - 7}:${fill("a", size - 7)},`),
  ),
  netstrings("empty frames", 512, (size) => encoded(fill("0:,", size))),
  netstrings("empty frames octet by octet", 1, (size) => encoded(fill("0:,", size))),
  ...texts("readName", 253, readName, [
    ["labels", "", "a.", "a"],
    ["a name that is none", "", "a.", "!"],
    ["one label", "", "a", ""],
  ]),
  replies("A records", "A", () => ({ name: DOMAIN, type: "A", ttl: 1, data: "192.0.2.1" })),
  replies("MX records", "MX", (index) => ({
    name: DOMAIN,
    type: "MX",
    ttl: 1,
    data: { preference: index, exchange: `h${index}.example` },
  })),
  replies("character-strings", "TXT", () => ({
    name: DOMAIN,
    type: "TXT",
    ttl: 1,
    data: Array.from({ length: 1000 }, () => Buffer.from("")),
  })),
  replies("aliases of others", "TXT", (index) => ({
    name: `${index}.${DNS_NAME.slice(0, 200)}`,
    type: "CNAME",
    ttl: 1,
    data: "b.example",
  })),
  replies("records of others", "AAAA", () => ({
    name: DNS_NAME.slice(0, 251),
    type: "AAAA",
    ttl: 1,
    data: "2001:db8::1",
  })),
  ...texts(
    "classifyFetchError",
    CERTIFICATE_MAX_BYTES,
    (text) =>
      classifyFetchError(
        new Error(
          'invalid peer certificate: certificate not valid for name "a"; ' +
            `certificate is only valid for ${text}`,
        ),
      ),
    [
      ["parentheses that are not closed", "", "(", ""],
      ["names", "", 'DnsName("a"), ', ""],
      ["quotation marks", "(", '"', ""],
      ["parentheses and marks", "", '("', ""],
    ],
  ),
  ...texts(
    "classifyFetchError, moment",
    CERTIFICATE_MAX_BYTES,
    (text) =>
      classifyFetchError(new Error(`invalid peer certificate: certificate expired: ${text}`)),
    [
      ["beginnings", "", "is not valid after 1", ""],
      ["digits", "is not valid after ", "1", "x"],
    ],
  ),
  hellos("one record", 16_000, [0, 1, 0, 0]),
  hellos("records of one octet", 1, [0, 1, 0, 0]),
  hellos("names of other kinds", 16_000, [0, 0, 0, 5, 0, 3, 1, 0, 0]),
  smtpReplies("lines in large pieces", 4096, LINE_MAX_BYTES),
  smtpReplies("lines octet by octet", 1, LINE_MAX_BYTES),
  {
    name: "readCertificate: names",
    limit: CERTIFICATE_MAX_BYTES,
    prepare(size) {
      const dns = Array.from({ length: Math.floor((size - 400) / 11) }, () => DOMAIN);
      const { der } = createCertificate({ subject: DOMAIN, dns });
      return () => readCertificate(der);
    },
  },
  {
    name: "readView: hosts",
    limit: 64 * 1024,
    prepare(size) {
      const hosts = Array.from({ length: Math.floor(size / 12) }, () => DOMAIN);
      const json = JSON.stringify({ dane: "absent", hosts, life: 1 });
      const row = { nextHop: DOMAIN, json, checkedAt: 0 };
      return () => isMx(row) && readView(row);
    },
  },
  {
    name: "enforcedAnswer, formatAnswer: patterns and a hundred hosts",
    limit: POLICY_MAX_BYTES,
    prepare(size) {
      const { policy, strings } = heldPolicy(size);
      const hosts = strangeHosts(100);
      const nextHop = { domain: DOMAIN, bracketed: false, port: 25 };
      const query = { held: { policy, strings }, zone: { dane: "off" }, nextHop };
      const mx = { kind: "known", view: { dane: "absent", hosts } };
      return () =>
        formatAnswer(enforcedAnswer(query as never, { mx, validates: true } as never), {
          requireSni: false,
          tlsrpt: true,
        });
    },
  },
  {
    name: "readReport: names of one object",
    limit: JSON_MAX_OCTETS,
    prepare(size) {
      const names = Array.from({ length: size / 12 }, (_, index) => `"${index}":0`).join();
      const octets = new TextEncoder().encode(`{"policies":[],${names}}`);
      return () => readReport(octets);
    },
  },
  {
    name: "readReport: blanks behind strings, and behind the report",
    limit: JSON_MAX_OCTETS,
    prepare(size) {
      const blanks = " ".repeat(size / 2);
      const octets = new TextEncoder().encode(`{"policies"${blanks}:[]}${blanks}`);
      return () => readReport(octets);
    },
  },
  {
    name: "readReport: a reply to EHLO as helo",
    limit: JSON_MAX_OCTETS,
    prepare(size) {
      const helo = "250-a\\r\\n".repeat(size / 9);
      const octets = new TextEncoder().encode(
        `{"policies":[{"failure-details":[{"receiving-mx-helo":"${helo}"}]}]}`,
      );
      return () => readReport(octets);
    },
  },
  {
    name: "judgePolicy: patterns and hosts",
    limit: POLICY_MAX_BYTES,
    prepare(size) {
      const { text } = heldPolicy(size);
      const context = {
        suggest: () => undefined,
        mail: { hosts: [], left: strangeHosts(Math.floor(size / 16)) },
        now: 0,
        id: "1",
      };
      const seen = { outcome: { kind: "fetched", text }, trace: { url: "" } };
      return () => judgePolicy(seen as never, context as never);
    },
  },
  {
    name: "isUsableTlsa: data",
    limit: DNS_MAX_BYTES,
    prepare(size) {
      const record = { usage: 3, selector: 0, matchingType: 0, data: new Uint8Array(size) };
      return () => isUsableTlsa(record);
    },
  },
];

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function found(records: string[]) {
  return {
    kind: "found",
    records,
    secure: false,
    validated: false,
    ttl: 1,
    owner: DOMAIN,
  } as const;
}
