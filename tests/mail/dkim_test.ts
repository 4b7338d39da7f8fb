/**
 * DKIM by the vectors of the RFCs, and by verifiers that others wrote, where they are installed.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { formatMessage, type HeaderField, type Message } from "../../src/mail/compose.ts";
import { relaxBody, relaxHeader, signedText } from "../../src/mail/dkim_canon.ts";
import {
  dkimName,
  dkimRecord,
  dkimRecordMistake,
  makeDkimKey,
  readDkimKey,
} from "../../src/mail/dkim_key.ts";
import { signMessage, signText } from "../../src/mail/dkim_sign.ts";
import { runTool } from "../fakes/tool.ts";

/** RFC 8463 appendix A: the secret key of 32 octets, in PKCS #8. */
const RFC8463_KEY = pem(
  "302e020100300506032b657004220420" +
    hex("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="),
);

const RFC8463_HEADERS: readonly HeaderField[] = [
  ["From", "Joe SixPack <joe@football.example.com>"],
  ["To", "Suzie Q <suzie@shopping.example.net>"],
  ["Subject", "Is dinner ready?"],
  ["Date", "Fri, 11 Jul 2003 21:00:37 -0700 (PDT)"],
  ["Message-ID", "<20030712040037.46341.5F8J@football.example.com>"],
];

const RFC8463_BODY = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";

function hex(base64: string): string {
  return Uint8Array.fromBase64(base64).toHex();
}

function pem(octets: string): string {
  const base64 = Uint8Array.fromHex(octets).toBase64();
  return `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
}

async function sha256(text: string): Promise<string> {
  const octets = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", octets)).toBase64();
}

Deno.test("relaxed canonical forms are those of the example in RFC 6376 §3.4.5", () => {
  assertEquals(relaxHeader(["A", " X"]), "a:X");
  assertEquals(relaxHeader(["B ", " Y\t\r\n\tZ  "]), "b:Y Z");
  assertEquals(relaxBody(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
  assertEquals(relaxBody(""), "");
  assertEquals(relaxBody("no end"), "no end\r\n");
});

Deno.test("the signature of RFC 8463 appendix A.3 comes out of its key and message", async () => {
  assertEquals(
    await sha256(relaxBody(RFC8463_BODY)),
    "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=",
  );
  const key = await readDkimKey(RFC8463_KEY);
  assertEquals(
    dkimRecord(key),
    "v=DKIM1; k=ed25519; s=*; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
  );
  const signature: HeaderField = [
    "DKIM-Signature",
    "v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com;" +
    " i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n" +
    " subject : date : message-id : from : subject : date;\r\n" +
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=",
  ];
  const names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"];
  const text = signedText(RFC8463_HEADERS, names, { signature });
  assertEquals(
    await signText(text, key),
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
  );
});

Deno.test("of repeated header fields the last counts first, and fields that are not there for nothing", () => {
  const headers: HeaderField[] = [["A", "1"], ["a", "2"], ["B", "3"]];
  const signature: HeaderField = ["DKIM-Signature", "b="];
  assertEquals(
    signedText(headers, ["a", "b", "a", "a", "c"], { signature }),
    "a:2\r\nb:3\r\na:1\r\ndkim-signature:b=",
  );
});

Deno.test("keys are made, read and recognised in DNS; errors show nothing of them", async () => {
  for (const type of ["rsa", "ed25519"] as const) {
    const text = await makeDkimKey(type);
    const key = await readDkimKey(text.replaceAll("\n", "\r\n"));
    assertEquals(key.type, type);
    assertEquals(key.privateKey.extractable, false);
    const record = dkimRecord(key);
    assertEquals(dkimRecordMistake(["v=spf1 -all", record], key), undefined);
    assertEquals(dkimRecordMistake([record.replace("s=*; ", "s=email:tlsrpt;")], key), undefined);
    assertEquals(
      dkimRecordMistake([record.replace("s=*", "s=tlsrpt")], key),
      "the record is for other services than mail",
    );
    assertEquals(dkimRecordMistake([], key), "there is no DKIM record");
    assertEquals(dkimRecordMistake([record, record], key), "there is more than one DKIM record");
    assertEquals(dkimRecordMistake(["v=DKIM1; p="], key), "the key is revoked");
    assertEquals(
      dkimRecordMistake(["v=DKIM1; p=AAAA"], key),
      "the record has another key",
    );
  }
  assertEquals(dkimName("s1", "example.com"), "s1._domainkey.example.com");
  const elliptic = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201";
  for (
    const [text, reason] of [
      ["", "there is no PEM text in it"],
      ["-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "openssl pkcs8"],
      [pem(elliptic), "another algorithm"],
      [RFC8463_KEY.replace("MC4C", "MC4D"), "no private key for RSA or Ed25519"],
    ] as const
  ) {
    const error = await assertRejects(() => readDkimKey(text), Error);
    assertStringIncludes(error.message, reason);
  }
});

/** A message with everything that canonical forms are about. */
const MESSAGE: Message = {
  headers: [
    ["From", '"Example" <tls@example.com>'],
    ["Subject", "Report Domain: a.test\r\n Submitter: example.com"],
    ["TLS-Report-Domain", "a.test"],
    ["TLS-Required", "No"],
  ],
  body: "  two  spaces \r\n.\r\n\r\ntext\r\n\r\n\r\n",
};

async function signed(type: "rsa" | "ed25519"): Promise<{ content: string; record: string }> {
  const key = await readDkimKey(await makeDkimKey(type));
  const options = { key, domain: "example.com", selector: "s1", time: Date.now() };
  const content = formatMessage(await signMessage(MESSAGE, options));
  return { content, record: dkimRecord(key) };
}

Deno.test("every header field is signed, From twice, and no line is long", async () => {
  const { content } = await signed("rsa");
  const head = content.slice(0, content.indexOf("\r\nFrom:"));
  assertEquals(
    /h=([^;]*);/.exec(head.replaceAll(/\r\n /g, ""))?.[1],
    "from:subject:tls-report-domain:tls-required:from",
  );
  assertEquals(/\bl=/.test(head), false);
  for (const line of content.split("\r\n")) assertEquals(line.length < 79, true, line);
});

const DKIMPY = `
import sys, dkim
message = sys.stdin.buffer.read()
record = sys.argv[1].encode()
good = dkim.verify(message, dnsfunc=lambda name, timeout=5: record)
bad = dkim.verify(message.replace(b"two", b"six"), dnsfunc=lambda name, timeout=5: record)
added = dkim.verify(b"From: x@evil.test\\r\\n" + message, dnsfunc=lambda name, timeout=5: record)
print(good, bad, added)
`;

Deno.test("dkimpy verifies both algorithms, and sees each change", async (t) => {
  for (const type of ["rsa", "ed25519"] as const) {
    const { content, record } = await signed(type);
    const result = await runTool(["/usr/bin/python3", "-c", DKIMPY, record], { input: content });
    const isAbsent = result === undefined || /No module named/.test(result.err);
    if (isAbsent) {
      return void await t.step({ name: "dkimpy is not installed", ignore: true, fn() {} });
    }
    assertEquals(result.out, "True False False\n", result.err);
  }
});

Deno.test("opendkim verifies what is signed with RSA, and sees a change", async (t) => {
  const { content, record } = await signed("rsa");
  const directory = await Deno.makeTempDir();
  try {
    const [keys, message] = [`${directory}/keys`, `${directory}/message`];
    await Deno.writeTextFile(keys, `s1._domainkey.example.com ${record}\n`);
    await Deno.writeTextFile(`${directory}/conf`, `TestPublicKeys ${keys}\nMode v\n`);
    const verify = async (text: string) => {
      await Deno.writeTextFile(message, text);
      return await runTool(["opendkim", "-x", `${directory}/conf`, "-vv", "-t", message]);
    };
    const good = await verify(content);
    if (good === undefined) {
      return void await t.step({ name: "opendkim is not installed", ignore: true, fn() {} });
    }
    assertStringIncludes(
      good.out + good.err,
      "verification (s=s1, d=example.com, 2048-bit key) succeeded",
    );
    const bad = await verify(content.replace("two", "six"));
    assertEquals(/succeeded/.test(bad!.out + bad!.err), false);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
