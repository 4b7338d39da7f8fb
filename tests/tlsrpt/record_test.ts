import { assertEquals } from "@std/assert";
import { parseTlsrptRecords, tlsrptName } from "../../src/tlsrpt/record.ts";

const A = "mailto:a@example.com";
const B = "https://example.com/r";

Deno.test("parseTlsrptRecords() reads what the grammar allows (RFC 8460 §3)", () => {
  const table: [record: string, rua: string[]][] = [
    [`v=TLSRPTv1; rua=${A}`, [A]],
    [`v=TLSRPTv1;rua=${A};`, [A]],
    [`v=TLSRPTv1 ; rua=${A}`, [A]],
    [`v=TLSRPTv1\t;\trua=${A}\t;\t`, [A]],
    [`v=TLSRPTv1; rua=${A},${B}`, [A, B]],
    [`v=TLSRPTv1; rua=${A} , ${B}`, [A, B]],
    [`v=TLSRPTv1; rua=${A}\t,\t${B} ;`, [A, B]],
    [`v=TLSRPTv1; ext=1; rua=${A}`, [A]],
    [`v=TLSRPTv1; rua=${A}; ext=1; other=2`, [A]],
    [`v=TLSRPTv1; no field at all; rua=${A}`, [A]],
    [`v=TLSRPTv1; rua=${A}; rua=${B}`, [A]],
    [`v=TLSRPTv1; RUA=${B}; rua=${A}`, [A]],
    [`v=TLSRPTv1; rua=,${A},,`, [A]],
    ["v=TLSRPTv1; rua=MAILTO:A@example.com", ["MAILTO:A@example.com"]],
    ["v=TLSRPTv1; rua=mailto:a%2Cb@example.com", ["mailto:a%2Cb@example.com"]],
    ["v=TLSRPTv1; rua=nonsense", ["nonsense"]],
  ];
  for (const [record, rua] of table) {
    assertEquals(parseTlsrptRecords([record]), { kind: "found", rua }, record);
  }
});

Deno.test("parseTlsrptRecords() discards other records, then wants one (RFC 8460 §3)", () => {
  const good = `v=TLSRPTv1; rua=${A}`;
  const others = [
    "",
    "v",
    "v=spf1 -all",
    "v=STSv1; id=1",
    "v=TLSRPTv1",
    `v=TLSRPTv2; rua=${B}`,
    `v=TLSRPTv10; rua=${B}`,
    `V=TLSRPTv1; rua=${B}`,
    `v=tlsrptv1; rua=${B}`,
    ` v=TLSRPTv1; rua=${B}`,
    `"v=TLSRPTv1; rua=${B}"`,
    `rua=${B}; v=TLSRPTv1`,
  ];
  assertEquals(parseTlsrptRecords([...others, good]), { kind: "found", rua: [A] });
  assertEquals(parseTlsrptRecords(others), { kind: "none" });
  assertEquals(parseTlsrptRecords([]), { kind: "none" });
  for (const rival of [good, "v=TLSRPTv1;", "v=TLSRPTv1 ; bogus"]) {
    assertEquals(parseTlsrptRecords([good, rival]), {
      kind: "invalid",
      reason: "more than one record begins with v=TLSRPTv1;",
    });
  }
});

Deno.test("parseTlsrptRecords() wants a URI (RFC 8460 §3)", () => {
  const table: [record: string, reason: string][] = [
    ["v=TLSRPTv1;", "there is no rua"],
    ["v=TLSRPTv1; ext=rua=mailto:a@example.com", "there is no rua"],
    ["v=TLSRPTv1; rua =mailto:a@example.com", "there is no rua"],
    ["v=TLSRPTv1; rua=", "rua is empty"],
    ["v=TLSRPTv1; rua= , ,", "rua is empty"],
    [`v=TLSRPTv1; rua=; rua=${A}`, "rua is empty"],
  ];
  for (const [record, reason] of table) {
    assertEquals(parseTlsrptRecords([record]), { kind: "invalid", reason }, record);
  }
});

Deno.test("tlsrptName() is the owner name of the record (RFC 8460 §3)", () => {
  assertEquals(tlsrptName("example.com"), "_smtp._tls.example.com");
});
