/**
 * For the bench: reads the TLS reports in a Maildir, and sets the days of a report file back.
 *
 * Run as: read_reports.ts read MAILDIR, or read_reports.ts set-back FILE
 *
 * `read` prints a line for each report: domain, sessions that succeeded and failed, policy types and result types.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";

/** Days by which `set-back` makes everything older: such a day is over, at any time of today. */
const DAYS = 2;

interface Policy {
  readonly policy: { readonly "policy-type": string };
  readonly summary: Record<`total-${"successful" | "failure"}-session-count`, number>;
  readonly "failure-details": readonly { readonly "result-type": string }[];
}

function main([command, path]: string[]): void {
  if (command === "read" && path) return readMaildir(path);
  if (command === "set-back" && path) return setBack(path);
  throw new Error("Two arguments are needed");
}

function readMaildir(path: string): void {
  for (const { name } of Deno.readDirSync(`${path}/new`)) {
    const mail = Deno.readTextFileSync(`${path}/new/${name}`);
    const domain = /^TLS-Report-Domain: (.*)$/m.exec(mail)?.[1];
    if (domain !== undefined) console.log(describe(domain, mail));
  }
}

function describe(domain: string, mail: string): string {
  const [, base64 = ""] = /filename="[^"]*"\n\n([A-Za-z0-9+/=\n]+)\n--/.exec(mail) ?? [];
  const text = new TextDecoder().decode(gunzipSync(Uint8Array.fromBase64(base64)));
  const policies: readonly Policy[] = JSON.parse(text).policies;
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
