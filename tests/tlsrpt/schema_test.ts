import { assertEquals } from "@std/assert";
import { readDatagram } from "../../src/tlsrpt/datagram.ts";
import { RESULT_TYPES } from "../../src/tlsrpt/result_type.ts";
import { violations } from "../check/json_schema.ts";
import { reportOf } from "../fakes/counted_report.ts";
import schema from "../../docs/report.schema.json" with { type: "json" };
import datagrams from "../vectors/tlsrpt_datagrams.json" with { type: "json" };

Deno.test("every report fits docs/report.schema.json, and the schema knows every result type", () => {
  for (const text of datagrams) {
    const reading = readDatagram(new TextEncoder().encode(text));
    if (reading.kind === "refused") throw new Error(reading.fault);
    assertEquals(violations(reportOf(reading.count), schema), [], text);
  }
  const details = schema.properties.policies.items.properties["failure-details"].items;
  assertEquals(details.properties["result-type"].enum, [...RESULT_TYPES]);
  assertEquals(violations({ policies: [] }, schema).length > 0, true);
});
