/**
 * The readers of what a DKIM verifier gets: mails, signatures, key records.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { canonicalBody } from "../../src/mail/dkim_body.ts";
import { relaxHeader } from "../../src/mail/dkim_canon.ts";
import { readKeyRecords } from "../../src/mail/dkim_record.ts";
import { readSignature } from "../../src/mail/dkim_signature.ts";
import { verifySignatures } from "../../src/mail/dkim_verify.ts";
import { fromDomain } from "../../src/mail/from_domain.ts";
import { fieldName, type RawMessage, splitMessage } from "../../src/mail/raw_message.ts";
import vectors from "../vectors/dkim_mails.json" with { type: "json" };
import type { Target } from "./targets.ts";

const RECORDS = vectors.records as Readonly<Record<string, readonly string[]>>;

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (unit) => unit.charCodeAt(0));

function mailNamed(name: string): Uint8Array {
  const { mail } = vectors.mails.find((each) => each.name === name)!;
  return Uint8Array.fromBase64(mail);
}

/** What the signature of this mail is over, as it is signed: all of it, in relaxed form. */
function signedParts({ headers, body }: RawMessage): string {
  const names = ["from", "to", "subject", "date", "tls-report-domain", "tls-report-submitter"];
  const last = names.map((name) => headers.findLast((field) => fieldName(field) === name))
    .map((field) => field === undefined ? "" : relaxHeader(field));
  return [...last, canonicalBody(body, "relaxed").toHex()].join("\n");
}

const SIGNED = mailNamed("RSA of 1024 bits");
const SIGNED_PARTS = signedParts(splitMessage(SIGNED)!);

const verification: Target = {
  name: "dkim_verify",
  corpus: [SIGNED, mailNamed("relaxed/relaxed, Ed25519"), mailNamed("over-signed")],
  async run(bytes) {
    const message = splitMessage(bytes);
    if (message === undefined) return "no mail";
    const verdicts = await verifySignatures(message, {
      lookupKey: (name) => {
        const records = RECORDS[name.split(".")[0]!];
        return Promise.resolve(records ? { kind: "found", records } : { kind: "none" });
      },
      now: vectors.now * 1000,
      service: "tlsrpt",
      wants: () => true,
    });
    const last = verdicts.at(-1);
    if (last?.kind === "valid") {
      // Nothing that is signed has changed. All mails of the corpus say the same.
      assertEquals(signedParts(message), SIGNED_PARTS);
      return "valid";
    }
    return last?.kind === "invalid" ? last.fault : "none";
  },
};

const signature: Target = {
  name: "dkim_signature",
  corpus: [
    "v=1; a=rsa-sha256; c=relaxed/simple; d=a.test; s=x; i=@b.a.test; q=dns/txt; t=1; x=2; h=from:to; bh=AAAA; b=BBBB",
    " v = 1;\r\n a=ed25519-sha256; d=A.test; s=x.y; h=From :\r\n\tTo; bh= AA\r\n AA; b=B B B B;",
  ].map(latin1),
  run(bytes) {
    const text = new TextDecoder("latin1").decode(bytes);
    const reading = readSignature(text, 1500);
    if (reading.kind === "refused") return reading.fault;
    const { names, domain, unsigned } = reading.signature;
    assert(names.includes("from") && /^[a-z0-9._-]{1,253}$/.test(domain));
    assert(unsigned.length < text.length);
    return "read";
  },
};

const keyRecord: Target = {
  name: "dkim_key_record",
  corpus: [
    ...["rsa1024", "rsa4096", "pkcs1", "ed25519", "folded", "twice"].map((name) =>
      latin1(RECORDS[name]!.join("\n"))
    ),
    latin1("v=DKIM1; t=y:s; h=sha256; s=tlsrpt:*; p=AAAA"),
  ],
  run(bytes) {
    const records = new TextDecoder("latin1").decode(bytes).split("\n");
    const use = { type: "rsa", service: "tlsrpt", isForSubdomain: false } as const;
    const reading = readKeyRecords(records, use);
    if (reading.kind === "refused") return reading.fault;
    assert(reading.key.type === "rsa");
    const { bits, modulus } = reading.key.rsa;
    assert(bits >= 1024 && bits <= 8192 && Math.ceil(bits / 8) === modulus.length);
    return "read";
  },
};

const author: Target = {
  name: "from_domain",
  corpus: [
    'From: "a, b" <a@b.test> (c (d) \\) )\r\n\r\n',
    "from : a@b.test\nTo: c@d.test\n\n",
    "From: =?utf-8?q?x?=\r\n\t<a@b\xc3\xbc.test>\r\n\r\n",
  ].map(latin1),
  run(bytes) {
    const message = splitMessage(bytes);
    const domain = message && fromDomain(message);
    assert(domain === undefined || !/[<>@,;: \t\r\n]/.test(domain), domain);
    return domain === undefined ? "none" : "found";
  },
};

/** All targets about DKIM. */
export const DKIM_TARGETS: readonly Target[] = [verification, signature, keyRecord, author];
