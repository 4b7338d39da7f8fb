import { assertEquals } from "@std/assert";
import { readDatagram } from "../../src/tlsrpt/datagram.ts";
import { RESULT_TYPES } from "../../src/tlsrpt/result_type.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";
import { violations } from "../check/json_schema.ts";
import schema from "../../docs/report.schema.json" with { type: "json" };
import datagrams from "../vectors/tlsrpt_datagrams.json" with { type: "json" };

const BEGIN = Date.UTC(2026, 10, 27);

Deno.test("every report fits docs/report.schema.json, and the schema knows every result type", () => {
  for (const text of datagrams) {
    const reading = readDatagram(new TextEncoder().encode(text));
    if (reading.kind === "refused") throw new Error(reading.fault);
    const { domain, policies } = reading.count;
    const report = writeReport({
      organization: "Example",
      contact: "tls@example.com",
      reportId: "20261127.0123456789abcdef",
      begin: BEGIN,
      end: BEGIN + 86_399_000,
      domain,
      policies: policies.map(({ policy, ok, failed, details }) => ({
        ...policy,
        successful: ok,
        failed,
        details,
      })),
    });
    assertEquals(violations(JSON.parse(report), schema), [], text);
  }
  const details = schema.properties.policies.items.properties["failure-details"].items;
  assertEquals(details.properties["result-type"].enum, [...RESULT_TYPES]);
  assertEquals(violations({ policies: [] }, schema).length > 0, true);
});
