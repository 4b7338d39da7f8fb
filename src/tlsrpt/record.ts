/**
 * The TLSRPT record at `_smtp._tls.<domain>` (RFC 8460 §3): which of several counts, and where reports go.
 *
 * The version follows the grammar, with optional white space before the semicolon, as Postfix reads it; the
 * sentence on discarding records wants exactly `v=TLSRPTv1;`, but who publishes the other form wants reports.
 * The URIs are not judged here: see `rua.ts`. What is wrong with a record, for its publisher, is the business
 * of `src/check/tlsrpt.ts`.
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "../base/white_space.ts";

/** What the TXT records of a name say. */
export type TlsrptReading =
  | {
    readonly kind: "found";
    /** The URIs as published, in their order, without the blanks around them; one or more. */
    readonly rua: readonly string[];
  }
  /** No record is for TLS reports. */
  | { readonly kind: "none" }
  /** The domain gets no reports although it published something. `reason` is a constant text. */
  | { readonly kind: "invalid"; readonly reason: string };

const CANDIDATE = /^v=TLSRPTv1[ \t]*;/;
const RUA = "rua=";
const LABEL = "_smtp._tls.";

/** The owner name of the TXT record (RFC 8460 §3). */
export function tlsrptName(domain: string): string {
  return LABEL + domain;
}

/**
 * Selects the record that counts and reads its URIs. Unknown fields are ignored wherever they stand; of
 * repeated `rua` fields the first counts.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const records = ["v=spf1 -all", "v=TLSRPTv1; rua=mailto:a@example.com , https://example.com/r"];
 * assertEquals(parseTlsrptRecords(records), {
 *   kind: "found",
 *   rua: ["mailto:a@example.com", "https://example.com/r"],
 * });
 * ```
 * @param records The TXT records of the name, each with its character-strings joined and one
 *   char per octet.
 * @returns Never throws.
 */
export function parseTlsrptRecords(records: readonly string[]): TlsrptReading {
  const [record, ...others] = records.filter((text) => CANDIDATE.test(text));
  if (record === undefined) return { kind: "none" };
  if (others.length > 0) return invalid("more than one record begins with v=TLSRPTv1;");
  const [, ...fields] = record.split(";").map(trimWsp);
  const field = fields.find((text) => text.startsWith(RUA));
  if (field === undefined) return invalid("there is no rua");
  const rua = field.slice(RUA.length).split(",").map(trimWsp).filter((uri) => uri !== "");
  return rua.length === 0 ? invalid("rua is empty") : { kind: "found", rua };
}

function trimWsp(text: string): string {
  return trimWspStart(trimWspEnd(text));
}

function invalid(reason: string): TlsrptReading {
  return { kind: "invalid", reason };
}
