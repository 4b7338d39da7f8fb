/**
 * A report of what was counted, as the program would write it.
 *
 * @module
 */

import type { DomainCount } from "../../src/tlsrpt/session.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";

const BEGIN = Date.UTC(2026, 10, 27);

/** Writes the report of a day and reads its JSON. */
export function reportOf({ domain, policies }: DomainCount): unknown {
  return JSON.parse(writeReport({
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
  }));
}
