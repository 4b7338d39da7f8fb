/**
 * Verification of DKIM, over mails that dkimpy and opendkim signed (see make_dkim_mails.py).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { HeaderField } from "../../src/mail/compose.ts";
import { relaxHeader } from "../../src/mail/dkim_canon.ts";
import { makeDkimKey, readDkimKey } from "../../src/mail/dkim_key.ts";
import { signText } from "../../src/mail/dkim_sign.ts";
import {
  MAX_SIGNATURES,
  type VerifyOptions,
  verifySignatures,
} from "../../src/mail/dkim_verify.ts";
import { type RawMessage, splitMessage } from "../../src/mail/raw_message.ts";
import vectors from "../vectors/dkim_mails.json" with { type: "json" };

const RECORDS = vectors.records as Readonly<Record<string, readonly string[]>>;

/** What dkimpy says otherwise, and why. */
const DKIMPY_DIFFERS: Readonly<Record<string, string>> = {
  "second From on top": "it refuses mail with two From fields; here the caller does",
  "first signature broken, second good": "it tries the first one only",
  "l=": "RFC 8460 §3 forbids it",
  "x= past": "it allows ten hours more",
  "i= below d=, t=s": "it does not know t=s",
  "key record: beside": "it takes the first record",
  "key record: both": "it knows one service type only",
  "key record: email": "it takes s=email for s=tlsrpt",
  "key record: sha1": "it does not read h=",
  "key record: late": "it does not check the order",
  "key record: twice": "it takes the first record",
};

function optionsWith(changed: Partial<VerifyOptions> = {}): VerifyOptions {
  return {
    lookupKey: (name) => {
      const [selector = ""] = name.split("._domainkey.");
      const records = RECORDS[selector] ?? [];
      return Promise.resolve(
        records.length === 0 ? { kind: "none" as const } : { kind: "found" as const, records },
      );
    },
    now: vectors.now * 1000,
    service: "tlsrpt",
    wants: (domain) => domain === "sender.test",
    ...changed,
  };
}

function read(base64: string): RawMessage {
  const message = splitMessage(Uint8Array.fromBase64(base64));
  assert(message !== undefined);
  return message;
}

async function wordOf(base64: string, options = optionsWith()): Promise<string> {
  const verdict = (await verifySignatures(read(base64), options)).at(-1);
  return verdict?.kind === "invalid" ? verdict.fault : verdict?.kind ?? "none";
}

Deno.test("verifySignatures() agrees with the signers about every mail of the vectors", async () => {
  const wrong: string[] = [];
  for (const { name, mail, expected, dkimpy } of vectors.mails) {
    const word = await wordOf(mail);
    if (word !== expected) wrong.push(`${name}: ${word}, not ${expected}`);
    if ((dkimpy === (word === "valid")) === Object.hasOwn(DKIMPY_DIFFERS, name)) {
      wrong.push(`${name}: ${word}, dkimpy ${dkimpy}`);
    }
  }
  assertEquals(wrong, []);
});

function mailNamed(name: string): string {
  const found = vectors.mails.find((each) => each.name === name);
  assert(found !== undefined, name);
  return found.mail;
}

const GOOD = mailNamed("RSA of 2048 bits");

Deno.test("verifySignatures() leaves it open when DNS does not answer", async () => {
  const lookupKey = () => Promise.resolve({ kind: "failed" as const, detail: "timeout" });
  assertEquals(await verifySignatures(read(GOOD), optionsWith({ lookupKey })), [
    { kind: "temporary", domain: "sender.test", detail: "timeout" },
  ]);
});

Deno.test("verifySignatures() passes over other domains without a lookup", async () => {
  const names: string[] = [];
  const lookupKey = (name: string) => {
    names.push(name);
    return Promise.resolve({ kind: "none" as const });
  };
  assertEquals(await wordOf(GOOD, optionsWith({ lookupKey, wants: () => false })), "none");
  assertEquals(names, []);
  assertEquals(await wordOf(GOOD, optionsWith({ lookupKey })), "no-key");
  assertEquals(names, ["rsa2048._domainkey.sender.test"]);
});

Deno.test("verifySignatures() looks up at most as many keys as it tries signatures", async () => {
  let lookups = 0;
  const lookupKey = () => {
    lookups++;
    return Promise.resolve({ kind: "none" as const });
  };
  const { headers, body } = read(GOOD);
  const [signature] = headers;
  const many = { headers: [...Array(40).fill(signature), ...headers], body };
  const verdicts = await verifySignatures(many, optionsWith({ lookupKey }));
  assertEquals([verdicts.length, lookups], [MAX_SIGNATURES, MAX_SIGNATURES]);
});

Deno.test("verifySignatures() judges times by the clock that is handed in", async () => {
  const mail = mailNamed("x= ahead");
  const at = (seconds: number) =>
    wordOf(mail, optionsWith({ now: (vectors.now + seconds) * 1000 }));
  assertEquals(await at(604_800), "valid");
  assertEquals(await at(604_801), "expired");
  assertEquals(await at(-3_600), "valid");
  assertEquals(await at(-3_601), "future");
});

Deno.test("a signature may cover another one, and never itself", async () => {
  const key = await readDkimKey(await makeDkimKey("ed25519"));
  const other: HeaderField = ["DKIM-Signature", " v=1; d=other.test"];
  const from: HeaderField = ["From", " <a@sender.test>"];
  const body = new Uint8Array();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toBase64();
  const value = " v=1; a=ed25519-sha256; c=relaxed/relaxed; d=sender.test; s=x;" +
    ` h=from:dkim-signature; bh=${hash}; b=`;
  const text = [from, other].map((field) => `${relaxHeader(field)}\r\n`).join("");
  const signature = await signText(text + relaxHeader(["DKIM-Signature", value]), key);
  const headers: HeaderField[] = [other, ["DKIM-Signature", value + signature], from];
  const records = [`v=DKIM1; k=ed25519; p=${key.published}`];
  const lookupKey = () => Promise.resolve({ kind: "found" as const, records });
  const [verdict] = await verifySignatures({ headers, body }, optionsWith({ lookupKey }));
  assertEquals(verdict?.kind, "valid");
});

Deno.test("a key for one service signs for no other", async () => {
  const withService = (name: string, service: string) =>
    wordOf(mailNamed(`key record: ${name}`), optionsWith({ service }));
  assertEquals(await withService("email", "email"), "valid");
  assertEquals(await withService("tlsrpt", "email"), "key-service");
  assertEquals(await withService("any", "email"), "valid");
});

Deno.test("a signature over 8 MiB of blanks is judged in time that does not grow with their form", async () => {
  const octets = new Uint8Array(8 * 1024 * 1024).fill(0x20);
  const head = Uint8Array.fromBase64(GOOD);
  octets.set(head);
  octets[octets.length - 1] = 0x78;
  const message = splitMessage(octets);
  assert(message !== undefined);
  const began = performance.now();
  const [verdict] = await verifySignatures(message, optionsWith());
  assertEquals(verdict?.kind === "invalid" && verdict.fault, "body");
  assert(performance.now() - began < 5000, "8 MiB take tens of ms");
});

Deno.test("the signed message of RFC 8463 appendix A.3 is valid", async () => {
  const text = [
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;",
    " d=football.example.com; i=@football.example.com;",
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :",
    " subject : date : message-id : from : subject : date;",
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;",
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus",
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
    "From: Joe SixPack <joe@football.example.com>",
    "To: Suzie Q <suzie@shopping.example.net>",
    "Subject: Is dinner ready?",
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>",
    "",
    "Hi.",
    "",
    "We lost the game.  Are you hungry yet?",
    "",
    "Joe.",
    "",
  ].join("\n");
  const records = ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="];
  const [verdict] = await verifySignatures(
    splitMessage(new TextEncoder().encode(text))!,
    optionsWith({
      wants: () => true,
      lookupKey: (name) => {
        assertEquals(name, "brisbane._domainkey.football.example.com");
        return Promise.resolve({ kind: "found", records });
      },
    }),
  );
  assertEquals(verdict?.kind, "valid");
});
