import { assert, assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import { DEVIATION_KINDS } from "../../src/tlsrpt/deviation.ts";
import { explainFailure } from "../../src/tlsrpt/explain.ts";
import { JSON_MAX_OCTETS, readJson } from "../../src/tlsrpt/json_text.ts";
import { readReport, type ReportReading } from "../../src/tlsrpt/read_report.ts";
import type { ReceivedPolicy } from "../../src/tlsrpt/received.ts";
import { containerOf, GZIP_MAX_OCTETS, unpack } from "../../src/tlsrpt/unpack.ts";
import vectors from "../vectors/tlsrpt_received.json" with { type: "json" };

/** A report at the limits may take as long as this, ms; with margin for a busy machine. */
const SLOW_MS = 5000;

/** One vector: a text, and what it becomes. */
interface Vector {
  readonly name: string;
  readonly quirk?: string;
  readonly domain?: string;
  readonly text: string;
  readonly refused?: string;
  readonly deviations?: readonly string[];
  readonly expected?: {
    readonly id: string | null;
    readonly begin: number | null;
    readonly end: number | null;
    readonly policies: readonly string[];
    readonly strings?: readonly string[];
    readonly advice?: string;
  };
}

const VECTORS: readonly Vector[] = vectors as Vector[];

const POLICY = ["version: STSv1", "mode: enforce", "mx: mx.a.test", "max_age: 604800"];

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

function codes(reading: ReportReading): string[] {
  return reading.kind === "read" ? reading.deviations.map(({ code }) => code) : [reading.fault];
}

/** A policy in one line. */
function summary({ type, domain, successful, failed, details }: ReceivedPolicy): string {
  const failures = details.map(({ result, mxHost, count }) =>
    [result, mxHost ?? [], count].flat().join(" ")
  ).join(", ");
  return `${type} ${domain} ${successful} ${failed}${failures === "" ? "" : `: ${failures}`}`;
}

for (const { name, quirk, domain, text, refused, deviations, expected } of VECTORS) {
  Deno.test(`readReport(): ${name}${quirk === undefined ? "" : ` (${quirk})`}`, () => {
    const reading = readReport(utf8(text), { domain });
    if (expected === undefined) {
      assertEquals(reading, { kind: "refused", fault: refused } as ReportReading);
      return;
    }
    if (reading.kind === "refused") throw new Error(reading.fault);
    const { report } = reading;
    assertEquals(codes(reading), deviations);
    assertEquals(report.reportId ?? null, expected.id);
    assertEquals(
      [report.range?.begin ?? null, report.range?.end ?? null],
      [expected.begin, expected.end],
    );
    assertEquals(report.policies.map(summary), expected.policies);
    const [policy] = report.policies;
    if (policy?.type === "sts" || expected.strings !== undefined) {
      assertEquals(policy?.strings, expected.strings ?? POLICY);
    }
    if (expected.advice !== undefined) {
      assertEquals(explainFailure(policy!.details[0]!).advice, expected.advice);
    }
  });
}

Deno.test("readReport(): gzip is read as plain JSON is, with a second member and zeros behind it", () => {
  const text = VECTORS[0]!.text;
  const plain = readReport(utf8(text));
  assertEquals(readReport(gzipSync(utf8(text))), plain);
  const halves = [gzipSync(utf8(text.slice(0, 100))), gzipSync(utf8(text.slice(100)))];
  const zeros = new Uint8Array(512);
  assertEquals(readReport(new Uint8Array([...halves[0]!, ...halves[1]!, ...zeros])), plain);
});

Deno.test("readReport(): damaged gzip, ZIP and octets of no kind are refused with a word", () => {
  const gzip = gzipSync(utf8(VECTORS[0]!.text));
  assertEquals(codes(readReport(gzip.subarray(0, gzip.length - 9))), ["gzip"]);
  assertEquals(codes(readReport(new Uint8Array([0x1f, 0x8b]))), ["gzip"]);
  assertEquals(codes(readReport(utf8("PK\x03\x04rest"))), ["zip"]);
  assertEquals(codes(readReport(new Uint8Array(0))), ["empty"]);
  assertEquals(codes(readReport(new Uint8Array([0xff, 0xfe, 0x7b, 0x00]))), ["json"]);
  assertEquals(containerOf(utf8("From: a@b.test")), "other");
});

Deno.test("readReport(): octets that are not UTF-8 are replaced and noted", () => {
  const octets = utf8(VECTORS[0]!.text.replace("Example Sender", "Caf_"));
  octets[octets.indexOf(0x5f, 20)] = 0xe9;
  const reading = readReport(octets);
  if (reading.kind === "refused") throw new Error(reading.fault);
  assertEquals(codes(reading), ["not-utf-8"]);
  assertEquals(reading.report.organization, "Caf\ufffd");
});

Deno.test("readReport(): a bomb stops at the limit", () => {
  const bomb = gzipSync(new Uint8Array(300 * 1024 * 1024), { level: 1 });
  assert(bomb.length > GZIP_MAX_OCTETS);
  assertEquals(codes(readReport(bomb)), ["too-large"]);
  const small = gzipSync(new Uint8Array(100 * 1024 * 1024).fill(0x20), { level: 9 });
  assert(small.length < GZIP_MAX_OCTETS);
  assertEquals(unpack(small), { kind: "refused", fault: "too-large" });
  assertEquals(codes(readReport(new Uint8Array(JSON_MAX_OCTETS + 1).fill(0x7b))), ["too-large"]);
  const exactly = gzipSync(new Uint8Array(JSON_MAX_OCTETS).fill(0x20));
  assertEquals(codes(readReport(exactly)), ["empty"]);
});

Deno.test("readReport(): depth, policies and details are bounded, and what is cut is noted", () => {
  assertEquals(codes(readReport(utf8("[".repeat(JSON_MAX_OCTETS)))), ["too-deep"]);
  const many = (count: number, details: number) =>
    utf8(JSON.stringify({
      "policies": Array.from({ length: count }, () => ({
        policy: { "policy-type": "no-policy-found", "policy-domain": "a.test" },
        summary: { "total-successful-session-count": 0, "total-failure-session-count": 9999 },
        "failure-details": Array.from({ length: details }, () => ({ "failed-session-count": 1 })),
      })),
    }));
  const policies = readReport(many(1001, 0));
  if (policies.kind === "refused") throw new Error(policies.fault);
  assertEquals(policies.report.policies.length, 1000);
  assert(codes(policies).includes("policies-cut"));
  assertEquals(codes(readReport(many(1000, 0))).includes("policies-cut"), false);
  const details = readReport(many(2, 1001));
  if (details.kind === "refused") throw new Error(details.fault);
  assertEquals(details.report.policies.map((one) => one.details.length), [1000, 1000]);
  assertEquals(details.deviations.find(({ code }) => code === "details-cut")?.count, 2);
  const all = readReport(many(20, 999));
  if (all.kind === "refused") throw new Error(all.fault);
  assertEquals(all.report.policies.flatMap((one) => one.details).length, 10_000);
});

Deno.test("readReport(): hostile texts of 5 MiB end in time", () => {
  const fill = (unit: string, head = '{"policies":', tail = "}") =>
    utf8(head + unit.repeat(Math.floor((JSON_MAX_OCTETS - 100) / unit.length)) + tail);
  const hostile = [
    fill("{}, ", '{"policies":[', "{}]}"),
    fill("[],", '{"report-id":[', "[]]}"),
    fill('"x":0,', "{", '"policies":[]}'),
    fill('"\\u0061":0,', "{", '"policies":[]}'),
    fill("\\\\", '{"report-id":"', '"}'),
    fill("9", '{"policies":[{"summary":{"total-successful-session-count":', "}}]}"),
    fill("[", '{"policies":[{"policy":{"policy-string":["', '"]}}]}'),
    fill("250-", '{"policies":[{"failure-details":[{"receiving-mx-helo":"', '"}]}]}'),
    fill(" ", '{"policies":[]', "}"),
  ];
  for (const octets of hostile) {
    const start = performance.now();
    readReport(octets);
    assert(performance.now() - start < SLOW_MS, new TextDecoder().decode(octets.subarray(0, 40)));
  }
});

Deno.test("readReport(): texts are cut, and stay well-formed", () => {
  const text = VECTORS[0]!.text.replace("Example Sender", `${"x".repeat(254)}\u{1f600}`);
  const reading = readReport(utf8(text));
  if (reading.kind === "refused") throw new Error(reading.fault);
  assertEquals(codes(reading), ["text-cut"]);
  assertEquals(reading.report.organization, `${"x".repeat(254)}\ufffd`);
});

Deno.test("names of the prototype are names like any other", () => {
  const text = '{"__proto__":{"policies":[]},"constructor":1,"report-id":"x"}';
  const reading = readReport(utf8(text));
  if (reading.kind === "refused") throw new Error(reading.fault);
  assertEquals(reading.report.policies, []);
  assertEquals(reading.report.reportId, "x");
});

Deno.test("the vectors have every quirk of a file, and deviations are constant printable text", () => {
  const quirks = new Set(VECTORS.flatMap(({ quirk }) => quirk ?? []));
  assertEquals([...quirks].sort(), [
    ..."Q1 Q10 Q11 Q13 Q16 Q17 Q18 Q2 Q3 Q4 Q5 Q6 Q7 Q8 Q9".split(" "),
  ]);
  for (const kind of Object.values(DEVIATION_KINDS)) assert(/^[a-zA-Z][ -~]*[^.]$/.test(kind.text));
});

Deno.test("names beyond any report are not compared with each other", () => {
  const text = (names: number) => {
    const first = Array.from({ length: names }, (_, index) => `"n${index}":1,`).join("");
    return new TextEncoder().encode(`{${first}"report-id":"1","report-id":"2"}`);
  };
  const oddities = (names: number) => {
    const reading = readJson(text(names));
    return reading.kind === "read" ? reading.oddities : reading.fault;
  };
  assertEquals(oddities(19_000), ["duplicate-name"]);
  assertEquals(oddities(21_000), []);
});
