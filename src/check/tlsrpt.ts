/**
 * Judges the TLSRPT record at `_smtp._tls.<domain>` (RFC 8460 §3). It does not try whether the addresses
 * accept reports.
 *
 * @module
 */

import type { DnsAnswer } from "../dns/types.ts";
import { quoteText } from "../base/quote_text.ts";
import { trimWspEnd, trimWspStart } from "../base/white_space.ts";
import { absence, dnsFindings } from "./dns_findings.ts";
import { type Finding, finding, type FindingId } from "./finding.ts";
import { RECORD_QUOTE_LENGTH } from "./txt.ts";
import { count } from "./wording.ts";

const CANDIDATE = /^v=TLSRPTv1[ \t]*;/;

/** Probably meant as a TLSRPT record, but invalid. */
const NEAR_MISS = /^[ \t"]*v[ \t]*=[ \t]*TLSRPT/i;

const EXTENSION = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+$/;

/** Judges the record. */
export function judgeTlsrpt(answer: DnsAnswer<string>, domain: string): Finding[] {
  const name = `_smtp._tls.${domain}`;
  const at = (id: FindingId, seen: string) => finding(id, { group: "tlsrpt", subject: name, seen });
  if (answer.kind === "failed") return dnsFindings(answer, { group: "tlsrpt", name, type: "TXT" });
  const records = answer.kind === "found" ? answer.records : [];
  const [record, ...others] = records.filter((text) => CANDIDATE.test(text));
  if (others.length > 0) return [at("tlsrpt-several", count(others.length + 1, "record"))];
  if (record === undefined) {
    const miss = records.find((text) => NEAR_MISS.test(text));
    if (miss !== undefined) return [at("tlsrpt-syntax", quote(miss))];
    return [at("tlsrpt-missing", absence(answer, "TLSRPT"))];
  }
  return judgeRecord(record).map(([id, seen]) => at(id, seen));
}

function judgeRecord(record: string): [FindingId, string][] {
  const [, ...fields] = record.split(";").map((field) => trimWspStart(trimWspEnd(field)));
  if (fields.at(-1) === "") fields.pop();
  const rua = fields.find((field) => field.startsWith("rua="));
  const wrong = fields.find((field) => !field.startsWith("rua=") && !EXTENSION.test(field));
  if (wrong !== undefined) return [["tlsrpt-syntax", quote(record)]];
  if (rua === undefined || rua === "rua=") return [["tlsrpt-no-rua", quote(record)]];
  const uris = rua.slice("rua=".length).split(",").map((uri) => trimWspStart(trimWspEnd(uri)));
  const mistakes = uris.flatMap((uri): [FindingId, string][] => {
    const id = uriMistake(uri);
    return id === undefined ? [] : [[id, quote(uri)]];
  });
  return mistakes.length > 0 ? mistakes : [["tlsrpt-ok", uris.map(quote).join(", ")]];
}

function uriMistake(uri: string): FindingId | undefined {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1]?.toLowerCase();
  if (uri !== "" && scheme !== "mailto" && scheme !== "https") return "tlsrpt-scheme";
  const printable = /^[\x21-\x7e]+$/.test(uri) && !/[!"<>\\^`{|}]/.test(uri);
  if (!printable || !URL.canParse(uri)) return "tlsrpt-uri";
  const isMail = /^mailto:[^@?]+@[^@?.]+\.[^@?]+(?:\?.*)?$/i.test(uri);
  return scheme === "mailto" && !isMail ? "tlsrpt-uri" : undefined;
}

function quote(text: string): string {
  return quoteText(text, RECORD_QUOTE_LENGTH);
}
