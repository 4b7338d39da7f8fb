/**
 * Mails that a domain did sign, changed so that another report would be read from them: by header fields that the
 * signature does not cover.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { composeReportMail } from "../../src/deliver/report_mail.ts";
import { formatMessage, type Message } from "../../src/mail/compose.ts";
import { signMessage } from "../../src/mail/dkim_sign.ts";
import { createAdmission } from "../../src/receive/admission.ts";
import type { Admission, Arrival } from "../../src/receive/types.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";
import {
  keyLookup,
  mailArrival,
  NOW,
  reportWith,
  type SignedOptions,
  testKeys,
} from "./report_mails.ts";

const DOMAINS = ["a.test", "*.b.test"];

async function admit(arrival: Arrival): Promise<Admission> {
  const { lookupKey } = await keyLookup();
  return await createAdmission({
    rules: () => ({ domains: DOMAINS, unsigned: "mark", keepDays: 400 }),
    lookupKey,
    arrivals: () => undefined,
    now: () => NOW,
  })(arrival);
}

/** What became of a mail: the word of its refusal, or the domains of the policies that are believed. */
async function outcome(options: SignedOptions): Promise<string> {
  const admission = await admit(await mailArrival(reportWith(), options));
  if (admission.kind === "admitted") {
    return admission.report.policies.map(({ policyDomain }) => policyDomain).join(" ");
  }
  return admission.kind === "refused" ? `${admission.refusal}: ${admission.text}` : "later";
}

const LEFT_OPEN = "unsigned: its signature does not cover the fields that say how the body is read";

/** What a stranger sends to a mail server of sender.test, to have it returned. */
const FORGED: string = [
  "--inner",
  "Content-Type: application/tlsrpt+json",
  "",
  writeReport(reportWith({ organization: "Forged" })),
  "--inner--",
  "",
].join("\r\n");

/** A bounce that sender.test signs, with what the stranger wrote in it. @param types Fields about the body. */
function bounceWith(types: readonly (readonly [string, string])[]) {
  return ({ headers }: Message): Message => ({
    headers: [
      ...headers.filter(([name]) => !/^content-|^mime-/i.test(name)),
      ...types,
    ],
    body: ["--outer", "Content-Type: text/plain", "", "Returned mail:", FORGED, "--outer--", ""]
      .join("\r\n"),
  });
}

Deno.test("a second Content-Type before the signed one makes no report of a bounce", async () => {
  const before = bounceWith([["Content-Type", ' multipart/mixed; boundary="outer"']]);
  assertEquals(await outcome({ before }), "unreadable: the mail has no report in it");
  const after = (text: string) => `Content-Type: multipart/mixed; boundary="inner"\r\n${text}`;
  assertEquals(await outcome({ before, after }), LEFT_OPEN);
});

Deno.test("a Content-Type that is not signed has no comments, and one boundary", async () => {
  const before = bounceWith([]);
  const types = [
    'multipart/mixed; bound(x)ary="inner"; x-boundary="outer"',
    'multipart/mixed; bound(x)ary=inner; y="; boundary=outer ; "',
    'multipart/mixed; boundary="inner"; boundary="outer"',
    'multipart/mixed; boundary*=inner; x-boundary="outer"',
  ];
  for (const type of types) {
    const after = (text: string) => `Content-Type: ${type}\r\n${text}`;
    const result = await outcome({ before, after });
    assert(result === LEFT_OPEN || result.startsWith("unreadable:"), `${type}: ${result}`);
  }
});

Deno.test("fields that are not signed make no report of a signed text", async () => {
  const json = writeReport(reportWith({ organization: "Forged" }));
  const text = (body: string) => ({ headers }: Message): Message => ({
    headers: [
      ...headers.filter(([name]) => !/^content-|^mime-/i.test(name)),
      ["Content-Type", " text/plain"],
    ],
    body: `${body}\r\n`,
  });
  const disposition = "Content-Disposition: attachment; filename=x.json\r\n";
  assertEquals(
    await outcome({ before: text(json), after: (mail) => disposition + mail }),
    LEFT_OPEN,
  );
  const encoded = text(new TextEncoder().encode(json).toBase64());
  assertEquals(
    await outcome({
      before: encoded,
      after: (mail) => `Content-Transfer-Encoding: base64\r\n${disposition}${mail}`,
    }),
    LEFT_OPEN,
  );
});

Deno.test("a mail that is a report from its first line is believed if all of that is signed", async () => {
  const before = ({ headers }: Message): Message => ({
    headers: [
      ...headers.filter(([name]) => !/^content-|^mime-/i.test(name)),
      ["Content-Type", " application/tlsrpt+json"],
      ["Content-Transfer-Encoding", " base64"],
    ],
    body: new TextEncoder().encode(writeReport(reportWith())).toBase64() + "\r\n",
  });
  assertEquals(await outcome({ before }), "a.test");
});

Deno.test("of two signatures the one counts that covers enough", async () => {
  const { rsa } = await testKeys();
  const options = { key: rsa, domain: "sender.test", selector: "s1", time: NOW };
  const message = composeReportMail(reportWith(), { to: "tls@a.test", time: NOW });
  const whole: Message = {
    headers: [
      ...message.headers.filter(([name]) => !/^content-|^mime-/i.test(name)),
      ["Content-Type", " application/tlsrpt+json"],
    ],
    body: `${writeReport(reportWith())}\r\n`,
  };
  const sign = async (message: Message) => (await signMessage(message, options)).headers[0]!;
  const weak = await sign({
    ...whole,
    headers: whole.headers.filter(([name]) => name !== "Content-Type"),
  });
  const strong = await sign(whole);
  const arrivalOf = (...signatures: Message["headers"][number][]): Arrival => {
    const text = formatMessage({ ...whole, headers: [...signatures, ...whole.headers] });
    return { octets: new TextEncoder().encode(text), way: "mail", at: NOW };
  };
  assertEquals((await admit(arrivalOf(weak, strong))).kind, "admitted");
  assertEquals((await admit(arrivalOf(strong, weak))).kind, "admitted");
  const admission = await admit(arrivalOf(weak));
  assert(admission.kind === "refused");
  assertEquals(`${admission.refusal}: ${admission.text}`, LEFT_OPEN);
});

Deno.test("TLS-Report-Domain says what a report is about if it is signed", async () => {
  const unnamed = JSON.parse(writeReport(reportWith()));
  delete unnamed.policies[0].policy["policy-domain"];
  const withFields =
    (fields: readonly (readonly [string, string])[]) => ({ headers }: Message) => ({
      headers: [
        ...headers.filter(([name]) => !/^content-|^mime-|^tls-/i.test(name)),
        ["Content-Type", " application/tlsrpt+json"] as const,
        ...fields,
      ],
      body: `${JSON.stringify(unnamed)}\r\n`,
    });
  const own = withFields([["TLS-Report-Domain", " a.test"]]);
  assertEquals(await outcome({ before: own }), "a.test");
  const prepend = (domain: string) => (mail: string) => `TLS-Report-Domain: ${domain}\r\n${mail}`;
  const foreign = "foreign: it is about no domain, which is not in received.domains";
  assertEquals(await outcome({ before: own, after: prepend("x1.b.test") }), foreign);
  assertEquals(await outcome({ before: withFields([]), after: prepend("a.test") }), foreign);
});
