/**
 * For the bench: reads the TLS reports in a Maildir, and sets the days of a report file back.
 *
 * Run as: read_reports.ts read MAILDIR, read_reports.ts counts MAILDIR, read_reports.ts parsedmarc FILE, or
 * read_reports.ts set-back FILE
 *
 * `read` prints a line for each report: domain, sessions that succeeded and failed, policy types and result types.
 * `counts` prints all counts of each report, sorted by report id; `parsedmarc` prints the same from what parsedmarc made
 * of these mails (smtp_tls.json).
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";

/** Days by which `set-back` makes everything older: such a day is over, at any time of today. */
const DAYS = 2;

interface Report {
  readonly "report-id": string;
  readonly policies: readonly Policy[];
}

interface Policy {
  readonly policy: { readonly "policy-type": string; readonly "policy-domain": string };
  readonly summary: Record<`total-${"successful" | "failure"}-session-count`, number>;
  readonly "failure-details": readonly {
    readonly "result-type": string;
    readonly "failed-session-count": number;
  }[];
}

/** A report as parsedmarc writes it. */
interface ParsedReport {
  readonly report_id: string;
  readonly policies: readonly {
    readonly policy_type: string;
    readonly policy_domain: string;
    readonly successful_session_count: number;
    readonly failed_session_count: number;
    readonly failure_details?: readonly {
      readonly result_type: string;
      readonly failed_session_count: number;
    }[];
  }[];
}

function main([command, path]: string[]): void {
  if (command === "read" && path) {
    return print(readMaildir(path).map(({ domain, report }) => describe(domain, report)));
  }
  if (command === "counts" && path) {
    return print(readMaildir(path).map(({ report }) => describeCounts(report)).sort());
  }
  if (command === "parsedmarc" && path) {
    const reports: readonly ParsedReport[] = JSON.parse(Deno.readTextFileSync(path));
    return print(reports.map((report) => describeCounts(fromParsedmarc(report))).sort());
  }
  if (command === "set-back" && path) return setBack(path);
  throw new Error("Two arguments are needed");
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(line);
}

function readMaildir(path: string): { domain: string; report: Report }[] {
  return [...Deno.readDirSync(`${path}/new`)].flatMap(({ name }) => {
    const mail = Deno.readTextFileSync(`${path}/new/${name}`);
    const domain = /^TLS-Report-Domain: (.*)$/m.exec(mail)?.[1];
    return domain === undefined ? [] : [{ domain, report: readMail(mail) }];
  });
}

function readMail(mail: string): Report {
  const [, base64 = ""] = /filename="[^"]*"\n\n([A-Za-z0-9+/=\n]+)\n--/.exec(mail) ?? [];
  const text = new TextDecoder().decode(gunzipSync(Uint8Array.fromBase64(base64)));
  return JSON.parse(text);
}

/** All counts of a report in one line: those of each policy, and those of each failure under it. */
function describeCounts({ "report-id": id, policies }: Report): string {
  const parts = policies.map(({ policy, summary, "failure-details": details }) => {
    const sums = `${summary["total-successful-session-count"]}/${
      summary["total-failure-session-count"]
    }`;
    const failures = details.map((each) =>
      `${each["result-type"]}:${each["failed-session-count"]}`
    );
    return [policy["policy-domain"], policy["policy-type"], sums, ...failures].join(" ");
  });
  return [id, ...parts].join("; ");
}

function fromParsedmarc({ report_id: id, policies }: ParsedReport): Report {
  return {
    "report-id": id,
    policies: policies.map((each) => ({
      policy: { "policy-type": each.policy_type, "policy-domain": each.policy_domain },
      summary: {
        "total-successful-session-count": each.successful_session_count,
        "total-failure-session-count": each.failed_session_count,
      },
      "failure-details": (each.failure_details ?? []).map((detail) => ({
        "result-type": detail.result_type,
        "failed-session-count": detail.failed_session_count,
      })),
    })),
  };
}

function describe(domain: string, { policies }: Report): string {
  const sum = (key: keyof Policy["summary"]) =>
    policies.reduce((total, { summary }) => total + summary[key], 0);
  const all = (values: readonly string[]) => [...new Set(values)].sort().join(",");
  const types = all(policies.map(({ policy }) => policy["policy-type"]));
  const results = all(
    policies.flatMap((each) => each["failure-details"].map((detail) => detail["result-type"])),
  );
  const sums = `${sum("total-successful-session-count")}/${sum("total-failure-session-count")}`;
  return [domain, sums, types, results].filter((part) => part !== "").join(" ");
}

function setBack(path: string): void {
  const database = new DatabaseSync(path);
  for (const table of ["session", "failure", "day"]) {
    database.exec(`UPDATE ${table} SET day = day - ${DAYS}`);
  }
  database.close();
}

main(Deno.args);
