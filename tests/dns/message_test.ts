import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import dnsPacket from "dns-packet";
import type { Packet } from "dns-packet";
import { decodeReply, encodeQuestion, MAX_ALIASES, MessageError } from "../../src/dns/message.ts";
import type { Question } from "../../src/dns/message.ts";
import { readName } from "../../src/dns/records.ts";
import type { RecordType } from "../../src/dns/types.ts";
import { cname, encodeReply, soa, txt } from "../fakes/fake_dns_server.ts";
import type { FakeDnsReply, FakeRecord } from "../fakes/fake_dns_server.ts";
import { createRandom } from "../fakes/random.ts";

const OPT = { type: "OPT", name: ".", udpPayloadSize: 1232, options: [] };

function queryFor({ name, type }: Question): Packet {
  return { id: 7, flag_ad: true, questions: [{ name: name === "" ? "." : name, type }] };
}

/** What is made of a server's reply to a question. */
function decode<T extends RecordType>(type: T, name: string, reply: FakeDnsReply) {
  const question: Question<T> = { name, type };
  return decodeReply(encodeReply(queryFor(question), reply), question);
}

/** The kind of an answer, with the reason if it is a failure. */
function verdict(type: RecordType, name: string, reply: FakeDnsReply): string {
  const answer = decode(type, name, reply);
  return answer.kind === "failed" ? answer.reason : answer.kind;
}

Deno.test("encodeQuestion() asks for recursion and the AD bit, with EDNS (RFC 6840 §5.7)", () => {
  const frame = encodeQuestion({ name: "_mta-sts.example.com", type: "TXT" });
  assertEquals(frame[0]! << 8 | frame[1]!, frame.length - 2);
  const packet = dnsPacket.streamDecode(Buffer.from(frame));
  assertEquals(packet.questions, [{ name: "_mta-sts.example.com", type: "TXT", class: "IN" }]);
  assertEquals([packet.flag_rd, packet.flag_ad, packet.flag_cd], [true, true, false]);
  assertEquals(packet.additionals?.map(({ type }) => type), ["OPT"]);
});

Deno.test("encodeQuestion() can switch validation and recursion off, and can ask for the root", () => {
  const frame = encodeQuestion({ name: "", type: "NS" }, {
    checkingDisabled: true,
    recursionDesired: false,
  });
  const packet = dnsPacket.streamDecode(Buffer.from(frame));
  assertEquals(packet.questions, [{ name: ".", type: "NS", class: "IN" }]);
  assertEquals([packet.flag_rd, packet.flag_ad, packet.flag_cd], [false, true, true]);
});

Deno.test("decodeReply() reads records of every type", () => {
  const found = <T extends RecordType>(type: T, data: unknown) => {
    const answer = decode(type, "host.example", { answers: [{ type, data }] });
    return answer.kind === "found" ? answer.records : answer;
  };
  assertEquals(found("A", "192.0.2.1"), ["192.0.2.1"]);
  assertEquals(found("AAAA", "2001:db8:0:0:0:0:0:1"), ["2001:db8::1"]);
  assertEquals(found("CNAME", "Other.Example"), ["other.example"]);
  assertEquals(found("NS", "NS.example"), ["ns.example"]);
  assertEquals(found("MX", { preference: 10, exchange: "MX.Example" }), [
    { preference: 10, exchange: "mx.example" },
  ]);
  assertEquals(found("MX", { preference: 0, exchange: "." }), [{ preference: 0, exchange: "" }]);
  assertEquals(found("TXT", ["v=STSv1; i", "d=1"]), ["v=STSv1; id=1"]);
  const certificate = Buffer.from("00ff10", "hex");
  assertEquals(found("TLSA", { usage: 3, selector: 1, matchingType: 1, certificate }), [
    { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array([0, 0xff, 0x10]) },
  ]);
});

Deno.test("decodeReply() matches question and owner whatever their case", () => {
  const question: Question<"TXT"> = { name: "a.example", type: "TXT" };
  const query = queryFor({ name: "A.EXAMPLE", type: "TXT" });
  const answer = decodeReply(encodeReply(query, txt("x")), question);
  assertEquals(answer, {
    kind: "found",
    records: ["x"],
    secure: false,
    ttl: 300,
    owner: "a.example",
  });
});

Deno.test("decodeReply() takes the AD bit for the resolver's word", () => {
  for (const ad of [true, false]) {
    for (const reply of [txt("x"), { authorities: [soa(1, 1)] }, { rcode: "NXDOMAIN" }]) {
      const answer = decode("TXT", "a.example", { ...reply, ad });
      assertEquals("secure" in answer && answer.secure, ad);
    }
  }
});

Deno.test("decodeReply() follows the CNAME chain and ignores records of other owners", () => {
  const answer = decode("MX", "a.example", {
    answers: [
      { name: "evil.example", type: "MX", data: { preference: 1, exchange: "evil.example" } },
      cname("b.other", "c.other", 50),
      { name: "c.other", type: "MX", ttl: 60, data: { preference: 1, exchange: "mx.other" } },
      cname("a.example", "B.Other", 200),
      { name: "a.example", type: "TXT", ttl: 1, data: "of another type" },
    ],
  });
  assertEquals(answer, {
    kind: "found",
    records: [{ preference: 1, exchange: "mx.other" }],
    secure: false,
    ttl: 50,
    owner: "c.other",
  });
});

Deno.test("decodeReply() does not follow aliases when asked for them", () => {
  const answer = decode("CNAME", "a.example", {
    answers: [cname("a.example", "b.example"), cname("b.example", "c.example", 1)],
  });
  assertEquals(answer.kind === "found" && [answer.records, answer.ttl], [["b.example"], 300]);
});

Deno.test("decodeReply() names what to ask next when only the alias came", () => {
  assertEquals(
    decode("TXT", "a.example", { answers: [cname("a.example", "b.other", 9)], ad: true }),
    {
      kind: "alias",
      target: "b.other",
      links: 1,
      secure: true,
      ttl: 9,
    },
  );
});

Deno.test("decodeReply() bounds the CNAME chain, loops included", () => {
  const chain = (links: number): FakeDnsReply => ({
    answers: [
      ...Array.from({ length: links }, (_, n) => cname(`n${n}.example`, `n${n + 1}.example`)),
      { name: `n${links}.example`, type: "A", data: "192.0.2.1" },
    ],
  });
  assertEquals(verdict("A", "n0.example", chain(MAX_ALIASES)), "found");
  assertEquals(verdict("A", "n0.example", chain(MAX_ALIASES + 1)), "servfail");
  const loop = [cname("a.example", "b.example"), cname("b.example", "a.example")];
  assertEquals(verdict("A", "a.example", { answers: loop }), "servfail");
  assertEquals(
    verdict("A", "a.example", { answers: [cname("a.example", "a.example")] }),
    "servfail",
  );
});

Deno.test("decodeReply() takes the negative TTL from the SOA record (RFC 2308 §5)", () => {
  const ttl = (reply: FakeDnsReply) => {
    const answer = decode("TXT", "a.example", reply);
    return "ttl" in answer ? [answer.kind, answer.ttl] : answer;
  };
  assertEquals(ttl({ authorities: [soa(600, 60)] }), ["nodata", 60]);
  assertEquals(ttl({ authorities: [soa(30, 60)] }), ["nodata", 30]);
  assertEquals(ttl({ rcode: "NXDOMAIN", authorities: [soa(600, 60)] }), ["nxdomain", 60]);
  assertEquals(ttl({}), ["nodata", 0]);
  assertEquals(ttl({ rcode: "NXDOMAIN" }), ["nxdomain", 0]);
  const alias = [cname("a.example", "b.example", 5)];
  assertEquals(ttl({ answers: alias, authorities: [soa(600, 60)] }), ["nodata", 5]);
  const absent: FakeDnsReply = { rcode: "NXDOMAIN", answers: alias, authorities: [soa(600, 60)] };
  assertEquals(ttl(absent), ["nxdomain", 5]);
});

Deno.test("decodeReply() counts a TTL above 31 bits as 0 (RFC 2181 §8)", () => {
  const ttl = (value: number) => {
    const answer = decode("TXT", "a.example", {
      answers: [{ type: "TXT", ttl: value, data: "x" }],
    });
    return answer.kind === "found" && answer.ttl;
  };
  assertEquals(ttl(2 ** 31 - 1), 2 ** 31 - 1);
  assertEquals(ttl(2 ** 31), 0);
  const negative = decode("TXT", "a.example", { authorities: [soa(60, 2 ** 32 - 1)] });
  assertEquals(negative.kind === "nodata" && negative.ttl, 0);
});

Deno.test("decodeReply() tells the response codes apart", () => {
  assertEquals(verdict("TXT", "a.example", { rcode: "SERVFAIL" }), "servfail");
  assertEquals(verdict("TXT", "a.example", { rcode: "REFUSED" }), "refused");
  assertEquals(verdict("TXT", "a.example", { rcode: "FORMERR" }), "servfail");
  assertEquals(verdict("TXT", "a.example", { rcode: "NOTIMP" }), "servfail");
  assertEquals(verdict("TXT", "a.example", { rcode: "REFUSED", noQuestion: true }), "refused");
});

Deno.test("decodeReply() sees the upper bits of the response code (RFC 6891 §6.1.3)", () => {
  const badVersion = { additionals: [{ ...OPT, extendedRcode: 1 }] };
  assertEquals(verdict("TXT", "a.example", badVersion), "servfail");
  assertEquals(verdict("TXT", "a.example", { additionals: [OPT] }), "nodata");
});

Deno.test("decodeReply() names the extended errors, and repeats none of their text (RFC 8914)", () => {
  const options = [
    { code: "OPTION_15", data: Buffer.from("\0\x06DNSSEC bogus\n") },
    { code: "OPTION_15", data: Buffer.from("\0\x09") },
    { code: "OPTION_15", data: Buffer.from("\0") },
  ];
  const answer = decode("TXT", "a.example", {
    rcode: "SERVFAIL",
    additionals: [{ ...OPT, options }],
  });
  assertEquals(answer, { kind: "failed", reason: "servfail", detail: "SERVFAIL EDE 6 EDE 9" });
});

Deno.test("decodeReply() never takes a referral or a truncated answer for absence", () => {
  const referral = { authorities: [{ name: "example", type: "NS", data: "ns.example" }] };
  assertEquals(verdict("TXT", "a.example", referral), "servfail");
  assertEquals(verdict("TXT", "a.example", { tc: true }), "malformed");
  assertEquals(verdict("TXT", "a.example", { ...txt("x"), tc: true }), "malformed");
});

Deno.test("decodeReply() passes over unusable records, and fails when they are all there is", () => {
  const bad: FakeRecord = { type: "MX", data: { preference: 1, exchange: "mx\n1.example" } };
  const good: FakeRecord = { type: "MX", ttl: 9, data: { preference: 2, exchange: "mx.example" } };
  const answer = decode("MX", "a.example", { answers: [bad, good] });
  assertEquals(answer.kind === "found" && answer.records, [
    { preference: 2, exchange: "mx.example" },
  ]);
  assertEquals(verdict("MX", "a.example", { answers: [bad] }), "malformed");
  const alias = { answers: [cname("a.example", "b c.example")] };
  assertEquals(verdict("MX", "a.example", alias), "malformed");
});

Deno.test("decodeReply() ignores records of another class", () => {
  const answers = [{ type: "TXT", class: "CH", data: "x" }];
  assertEquals(verdict("TXT", "a.example", { answers }), "nodata");
});

Deno.test("decodeReply() refuses what is no answer to the question", () => {
  const question: Question = { name: "a.example", type: "TXT" };
  const refuse = (message: Uint8Array) =>
    assertThrows(() => decodeReply(message, question), MessageError);
  const query = queryFor(question);
  refuse(encodeReply(query, { ...txt("x"), fault: "echo" }));
  refuse(encodeReply(query, { ...txt("x"), fault: "wrong-question" }));
  refuse(encodeReply(query, { rcode: "SERVFAIL", fault: "wrong-question" }));
  refuse(encodeReply(query, { noQuestion: true }));
  refuse(encodeReply(queryFor({ name: "a.example", type: "A" }), {}));
  refuse(encodeReply({ ...query, questions: [query.questions![0]!, query.questions![0]!] }, {}));
});

Deno.test("decodeReply() refuses bytes that are no message", () => {
  const question: Question = { name: "a.example", type: "TXT" };
  const whole = encodeReply(queryFor(question), { ...txt("abc", "def"), authorities: [soa(1, 1)] });
  for (let length = 0; length < whole.length; length++) {
    assertThrows(() => decodeReply(whole.subarray(0, length), question), MessageError);
  }
  assertThrows(() => decodeReply(Buffer.concat([whole, Buffer.of(0)]), question), MessageError);
  assertEquals(decodeReply(whole, question).kind, "found");
});

Deno.test("decodeReply() is not shaken by mutated messages", () => {
  const random = createRandom(20260101);
  const replies: [RecordType, FakeDnsReply][] = [
    ["TXT", { ...txt("v=STSv1; id=1", ""), additionals: [OPT] }],
    ["MX", {
      answers: [{ type: "MX", data: { preference: 1, exchange: "mx.example" } }],
      ad: true,
    }],
    ["A", {
      answers: [cname("a.example", "b.example"), {
        name: "b.example",
        type: "A",
        data: "192.0.2.1",
      }],
    }],
    ["AAAA", { answers: [{ type: "AAAA", data: "2001:db8::1" }] }],
    ["TLSA", {
      answers: [{
        type: "TLSA",
        data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32) },
      }],
    }],
    ["NS", { rcode: "NXDOMAIN", authorities: [soa(60, 60)] }],
  ];
  const seen = new Set<string>();
  for (let round = 0; round < 5000; round++) {
    const [type, reply] = random.pick(replies);
    const question: Question = { name: "a.example", type };
    const message = Buffer.from(encodeReply(queryFor(question), reply));
    for (let left = 1 + random.int(3); left > 0; left--) {
      message[random.int(message.length)] = random.pick([0, 1, 0x3f, 0xc0, 0xff, random.int(256)]);
    }
    const cut = random.int(8) === 0 ? random.int(message.length + 1) : message.length;
    seen.add(examine(message.subarray(0, cut), question));
  }
  assertEquals([...seen].sort(), [
    "alias",
    "error",
    "failed",
    "found",
    "nodata",
    "nxdomain",
  ]);
});

/** Decodes, and checks what holds for every answer whatsoever. */
function examine(message: Uint8Array, question: Question): string {
  try {
    const answer = decodeReply(message, question);
    if ("ttl" in answer) assert(Number.isInteger(answer.ttl) && answer.ttl >= 0);
    if (answer.kind === "alias") assertEquals(readName(answer.target), answer.target);
    if (answer.kind === "found") {
      assertEquals(readName(answer.owner), answer.owner);
      assert(answer.records.length > 0);
    }
    return answer.kind;
  } catch (error) {
    assert(error instanceof MessageError, String(error));
    return "error";
  }
}

Deno.test("decodeReply() reads no message of more records than any domain has", () => {
  const records = (count: number) =>
    Array.from({ length: count }, (_, number): FakeRecord => ({
      type: "A",
      data: `192.0.2.${number % 256}`,
    }));
  assertEquals(verdict("A", "a.example", { answers: records(499) }), "found");
  assertThrows(
    () => verdict("A", "a.example", { answers: records(501) }),
    MessageError,
    "Too many records",
  );
  assertThrows(
    () => verdict("A", "a.example", { answers: records(1), authorities: records(500) }),
    MessageError,
    "Too many records",
  );
});
