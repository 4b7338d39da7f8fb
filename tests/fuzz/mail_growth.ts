/**
 * The readers of a received mail at their limits, with what could cost more than in proportion.
 *
 * @module
 */

import { canonicalBody } from "../../src/mail/dkim_body.ts";
import { relaxHeader } from "../../src/mail/dkim_canon.ts";
import { readKeyRecords } from "../../src/mail/dkim_record.ts";
import { readSignature } from "../../src/mail/dkim_signature.ts";
import { fromDomain } from "../../src/mail/from_domain.ts";
import { latin1Octets, splitMessage } from "../../src/mail/raw_message.ts";
import { MAIL_MAX_OCTETS } from "../../src/mail/read_mime.ts";
import { parseBodyFields } from "../../src/http/body.ts";
import { MAX_HEAD_BYTES } from "../../src/http/request.ts";
import type { GrowthRow } from "./growth_table.ts";

/** Octets of all header fields. */
const HEADER_MAX = 256 * 1024;

/** Characters of a key record. */
const RECORD_MAX = 8192;

/** Characters of a field From. */
const FROM_MAX = 2000;

/** A part that is repeated, with what stands before and after all of it. */
type Filling = readonly [name: string, before: string, part: string, after: string];

function rows(
  reader: string,
  { limit, read }: { readonly limit: number; readonly read: (text: string) => () => unknown },
  fillings: readonly Filling[],
): GrowthRow[] {
  return fillings.map(([name, before, part, after]) => ({
    name: `${reader}: ${name}`,
    limit,
    prepare(size) {
      const room = Math.max(0, size - before.length - after.length);
      return read(before + part.repeat(Math.floor(room / part.length)) + after);
    },
  }));
}

const MAIL = {
  limit: MAIL_MAX_OCTETS / 4,
  read: (text: string) => {
    const octets = latin1Octets(text);
    return () => splitMessage(octets);
  },
};

const BODY = {
  limit: MAIL_MAX_OCTETS / 4,
  read: (text: string) => {
    const octets = latin1Octets(text);
    return () => [canonicalBody(octets, "relaxed"), canonicalBody(octets, "simple")];
  },
};

const USE = { type: "rsa", service: "tlsrpt", isForSubdomain: false } as const;

/** The rows about received mail, and about bodies of requests. */
export const MAIL_GROWTH: readonly GrowthRow[] = [
  ...rows("splitMessage", MAIL, [
    ["line feeds", "A: b\n\n", "\n", ""],
    ["carriage returns", "A: b\n\n", "\r", ""],
    ["an envelope without an end", "From ", "a", ""],
  ]),
  ...rows("splitMessage", { ...MAIL, limit: HEADER_MAX }, [
    ["folded lines", "A: b\r\n", " \r\n", "\r\n"],
    ["a name without an end", "", "a", ""],
    ["white space before a colon", "A", " ", ":"],
  ]),
  ...rows("canonicalBody", BODY, [
    ["blanks", "", " ", ""],
    ["blank lines", "", "\r\n", ""],
    ["lines of blanks", "", " \r\n", ""],
    ["carriage returns", "", "\r", ""],
    ["blanks between letters", "", " a", ""],
  ]),
  ...rows("relaxHeader", { limit: HEADER_MAX, read: (text) => () => relaxHeader(["A", text]) }, [
    ["blanks", "", " ", "x"],
    ["folded lines", "", "\r\n ", "x"],
    ["blanks between letters", "", " a", ""],
  ]),
  ...rows("readSignature", { limit: HEADER_MAX, read: (text) => () => readSignature(text, 0) }, [
    ["blanks", "v=", " ", "x"],
    ["folded lines", "v=1", "\r\n ", ";"],
    ["semicolons", "v=1", ";", ""],
    ["names to sign", "v=1; a=rsa-sha256; d=a.test; s=x; bh=AA==; b=AA==; h=", "a:", "from"],
    ["Base64", "v=1; a=rsa-sha256; d=a.test; s=x; h=from; bh=AA==; b=", "A A\r\n ", ""],
  ]),
  ...rows("readKeyRecords", {
    limit: RECORD_MAX,
    read: (text) => () => readKeyRecords([text], USE),
  }, [
    ["blanks", "v=DKIM1; p=", " ", "x"],
    ["Base64", "v=DKIM1; p=", "AAAA", ""],
    ["colons", "v=DKIM1; p=AAAA; s=", ":", ""],
  ]),
  ...rows("fromDomain", {
    limit: FROM_MAX,
    read: (text) => {
      const message = { headers: [["From", text] as const] };
      return () => fromDomain(message);
    },
  }, [
    ["blanks", "", " ", "x"],
    ["comments", "", "(", ""],
    ["quotation marks", "", '"', ""],
    ["dots", "a@", "a.", "!"],
    ["words", "", "a ", "<"],
  ]),
  ...rows(
    "parseBodyFields",
    { limit: MAX_HEAD_BYTES, read: (text) => () => parseBodyFields(text) },
    [
      ["fields", "POST / HTTP/1.1", "\r\na:", ""],
      ["blanks", "POST / HTTP/1.1\r\nexpect:", " ", "x"],
    ],
  ),
];
