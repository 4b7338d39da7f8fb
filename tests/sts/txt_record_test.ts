import { assert, assertEquals, assertThrows } from "@std/assert";
import { formatTxtRecord, selectTxtRecord } from "../../src/sts/txt_record.ts";
import { createRandom } from "../fakes/random.ts";
import { assertQuick } from "./timing.ts";
import vectors from "../vectors/txt_records.json" with { type: "json" };

Deno.test("selectTxtRecord() agrees with the vectors (RFC 8461 §3.1)", () => {
  for (const { id, records, expect, policyId } of vectors) {
    const selection = selectTxtRecord(records);
    assertEquals(selection.kind as string, expect, id);
    if (selection.kind === "found") assertEquals(selection.id, policyId, id);
  }
});

Deno.test("selectTxtRecord() takes white space around semicolons, and extensions (RFC 8461 §3.1)", () => {
  const table: [string, string][] = [
    ["v=STSv1;id=1", "1"],
    ["v=STSv1\t;\tid=1\t;", "1"],
    ["v=STSv1; id=1; ", "1"],
    ["v=STSv1; id=1 ;\t ", "1"],
    ["v=STSv1; ext=1; id=2", "2"],
    ["v=STSv1; ID=1; id=2", "2"],
    ["v=STSv1; id=1; id=2", "1"],
    ['v=STSv1; id=AZaz09; a.b_c-d=!:<>~"\\', "AZaz09"],
    [`v=STSv1; id=${"z".repeat(32)}; ${"n".repeat(32)}=1`, "z".repeat(32)],
  ];
  for (const [record, id] of table) {
    assertEquals(selectTxtRecord([record]), { kind: "found", id }, record);
  }
});

Deno.test("selectTxtRecord() discards records of other kinds, then wants one (RFC 8461 §3.1)", () => {
  const found = { kind: "found" as const, id: "1" };
  const good = "v=STSv1; id=1";
  const others = [
    "",
    "v",
    "v=spf1 -all",
    "v=STSv2; id=2",
    "v=STSv10; id=2",
    "v=STSv1",
    "V=STSv1; id=2",
  ];
  assertEquals(selectTxtRecord([...others, good]), found);
  for (const rival of [good, "v=STSv1;", "v=STSv1 ; bogus", "v=STSv1;\xff"]) {
    const selection = selectTxtRecord([good, rival]);
    assertEquals(selection.kind === "none" && selection.reason, "several", rival);
  }
});

Deno.test("selectTxtRecord() tells a postmaster which mistake it is", () => {
  const absent = "no TXT record begins with v=STSv1;";
  const quotes = "the record holds quotation marks, which belong to the zone file only";
  const backslash = "the record holds a backslash, which belongs to the zone file only";
  const noSemicolon = "there is no semicolon after v=STSv1";
  const spacedId = "there is white space around id=";
  const table: [string[], string, string][] = [
    [[], "absent", absent],
    [["", "v=spf1 -all"], "absent", absent],
    [["v=STSv10; id=1"], "absent", absent],
    [["v=STSv2; id=1"], "absent", absent],
    [["v=TLSRPTv1; rua=mailto:x@example.com"], "absent", absent],
    [["x", "v=STSv1"], "invalid", "the record ends after v=STSv1: the id is missing"],
    [["v=STSv1 \t"], "invalid", "the record ends after v=STSv1: the id is missing"],
    [["v=STSv1, id=1"], "invalid", noSemicolon],
    [["v=STSv1 id=1"], "invalid", noSemicolon],
    [["v=STSv1: id=1"], "invalid", noSemicolon],
    [[' "v=STSv1; id=1"'], "invalid", quotes],
    [['"v=STSv1;" "id=1"'], "invalid", quotes],
    [['v=STSv1; id="1"'], "invalid", quotes],
    [['v=STSv1; " "id=1'], "invalid", quotes],
    [["v=STSv1\\; id=1\\;"], "invalid", backslash],
    [["v=STSv1; id=1\\; a=b"], "invalid", backslash],
    [[" v=STSv1; id=1"], "invalid", "the record begins with white space"],
    [["v =STSv1; id=1"], "invalid", "there is white space around v="],
    [["v= STSv1; id=1"], "invalid", "there is white space around v="],
    [["v=stsv1; id=1"], "invalid", "v=STSv1 is not in its exact case"],
    [["v=STSv1;"], "invalid", "the id is missing"],
    [["v=STSv1; Id=1"], "invalid", "the id is missing"],
    [["v=STSv1; ;"], "invalid", "there is nothing between two semicolons"],
    [["v=STSv1; id=1;;"], "invalid", "there is nothing between two semicolons"],
    [["v=STSv1; id=;"], "invalid", "the id is empty"],
    [["v=STSv1; id = 1"], "invalid", spacedId],
    [["v=STSv1; id= 1"], "invalid", spacedId],
    [["v=STSv1; id =1"], "invalid", spacedId],
    [["v=STSv1; id=1 "], "invalid", "there is white space after the id, without a semicolon"],
    [["v=STSv1; id=1 a=b"], "invalid", "there is white space after the id, without a semicolon"],
    [
      ["v=STSv1; id=2026-01-01"],
      "invalid",
      "the id holds a hyphen; only letters and digits are allowed",
    ],
    [["v=STSv1; id=1.2"], "invalid", "the id holds characters other than letters and digits"],
    [[`v=STSv1; id=${"1".repeat(33)}`], "invalid", "the id is longer than 32 characters"],
    [["v=STSv1; id=_; id=1"], "invalid", "the id holds characters other than letters and digits"],
    [["v=STSv1; id=1; id="], "invalid", "a field is not name=value without spaces"],
    [["v=STSv1; id=1; flag"], "invalid", "a field is not name=value without spaces"],
    [["v=STSv1; id=1; a=b c"], "invalid", "a field is not name=value without spaces"],
    [[`v=STSv1; id=1; ${"n".repeat(33)}=1`], "invalid", "a field is not name=value without spaces"],
    [
      ["v=STSv1; id=1; a=\xc3\xa9"],
      "invalid",
      "the record holds characters other than printable ASCII",
    ],
    [["v=STSv1; id=1\n"], "invalid", "the record holds characters other than printable ASCII"],
    [["v=STSv1; id=1\0"], "invalid", "the record holds characters other than printable ASCII"],
  ];
  for (const [records, reason, detail] of table) {
    assertEquals(selectTxtRecord(records) as unknown, { kind: "none", reason, detail }, records[0]);
  }
});

Deno.test("formatTxtRecord() prints what selectTxtRecord() reads (RFC 8461 §3.1)", () => {
  for (const id of ["1", "20260101T000000Z", "a".repeat(32)]) {
    assertEquals(selectTxtRecord([formatTxtRecord(id)]), { kind: "found", id });
  }
  for (const id of ["", "a-b", "1;", "é", "1\n", "a".repeat(33)]) {
    assertThrows(() => formatTxtRecord(id), RangeError, "1 to 32 letters and digits");
  }
});

Deno.test("selectTxtRecord() never throws, and what it finds is an id (RFC 8461 §3.1)", () => {
  const random = createRandom(31);
  const details = new Set<string>();
  let found = 0;
  for (let round = 0; round < 6000; round++) {
    const record = round % 4 === 0
      ? random.string(random.int(40))
      : random.mutate(random.pick(["v=STSv1; id=20260101Z; a=b;", "v=STSv1;id=1"]));
    const selection = selectTxtRecord([record]);
    if (selection.kind === "found") {
      found++;
      assert(/^[A-Za-z0-9]{1,32}$/.test(selection.id), JSON.stringify(record));
      assertEquals(selectTxtRecord([formatTxtRecord(selection.id)]), selection);
    } else details.add(selection.detail);
  }
  assert(found > 100);
  // A fixed set of sentences, however many different mistakes there are.
  assert(details.size > 5 && details.size < 20);
});

Deno.test("selectTxtRecord() takes time in proportion to the record", () => {
  const fills = [" ", "\t;", ";", "a=b;", '"', "v=", "id=", "v=STSv1", "\\;", "= "];
  for (const fill of fills) {
    const long = fill.repeat(65536 / fill.length);
    for (const record of [long, `v=STSv1;${long}`, `v=STSv1; id=1;${long}`, `v=STSv1${long}x`]) {
      assertQuick(() => selectTxtRecord([record]), JSON.stringify(fill));
    }
  }
});
