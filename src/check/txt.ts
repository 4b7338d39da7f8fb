/**
 * Judges the TXT record at `_mta-sts.<domain>` (RFC 8461 §3.1).
 *
 * @module
 */

import type { DnsAnswer } from "../dns/types.ts";
import { quoteText } from "../base/quote_text.ts";
import { txtName } from "../sts/domain.ts";
import { selectTxtRecord, type TxtSelection } from "../sts/txt_record.ts";
import { absence, dnsFindings } from "./dns_findings.ts";
import { type Finding, finding, type FindingId } from "./finding.ts";

/** Senders should see a changed id within a day, seconds. */
const TTL_LONG = 86_400;

/** Enough of a record to show its mistake, UTF-16 units. */
export const RECORD_QUOTE_LENGTH = 200;

const CANDIDATE = /^v=STSv1[ \t]*;/;

/**
 * Judges the MTA-STS record.
 *
 * @param answer The TXT records at `_mta-sts.<domain>`.
 * @param options `strays`: wrong names with an MTA-STS record.
 */
export function judgeTxt(
  answer: DnsAnswer<string>,
  options: { readonly domain: string; readonly strays: readonly string[] },
): Finding[] {
  const name = txtName(options.domain);
  const at = (id: FindingId, seen: string) => finding(id, { group: "txt", subject: name, seen });
  if (answer.kind === "failed") return dnsFindings(answer, { group: "txt", name, type: "TXT" });
  const records = answer.kind === "found" ? answer.records : [];
  const selection = selectTxtRecord(records);
  if (selection.kind === "none") {
    const [stray] = options.strays;
    if (selection.reason !== "absent") {
      return [at(mistake(selection), describe(selection, records))];
    }
    if (stray !== undefined) return [at("txt-misplaced", `there is one at ${stray}`)];
    const others = records.length === 0 ? absence(answer, "TXT") : selection.detail;
    return [at("txt-missing", others)];
  }
  const record = records.find((text) => CANDIDATE.test(text)) ?? "";
  const { ttl = 0, owner = name } = answer.kind === "found" ? answer : {};
  const found = [at("txt-ok", `id "${selection.id}", TTL ${ttl} s`)];
  if (!record.startsWith("v=STSv1;")) found.push(at("txt-space-after-version", quote(record)));
  if (fieldCount(record) > 2) found.push(at("txt-fields", quote(record)));
  if (owner !== name) found.push(at("txt-alias", `alias of ${quote(owner)}`));
  if (ttl > TTL_LONG) found.push(at("txt-ttl-long", `TTL ${ttl} s`));
  return found;
}

type NoRecord = Extract<TxtSelection, { kind: "none" }>;

/** The kind of mistake, from the constant texts of the parser. */
function mistake({ reason, detail }: NoRecord): FindingId {
  if (reason === "several") return "txt-several";
  if (/quotation|backslash/.test(detail)) return "txt-quoted";
  return /\bid\b/.test(detail) ? "txt-id" : "txt-syntax";
}

function describe(selection: NoRecord, records: readonly string[]): string {
  const meant = records.filter((record) => /sts/i.test(record)).map(quote);
  return `${selection.detail}: ${meant.join(", ")}`;
}

function fieldCount(record: string): number {
  return record.split(";").filter((field) => !/^[ \t]*$/.test(field)).length;
}

/** The `id` of the valid record, if there is one. */
export function readId(answer: DnsAnswer<string>): string | undefined {
  const selection = selectTxtRecord(answer.kind === "found" ? answer.records : []);
  return selection.kind === "found" ? selection.id : undefined;
}

function quote(text: string): string {
  return quoteText(text, RECORD_QUOTE_LENGTH);
}
