/**
 * Reports as they come in: signed mails with the records of their keys, and bare JSON.
 *
 * @module
 */

import { generateKeyPairSync } from "node:crypto";
import { composeReportMail } from "../../src/deliver/report_mail.ts";
import { formatMessage, type Message } from "../../src/mail/compose.ts";
import { type DkimKey, dkimName, makeDkimKey, readDkimKey } from "../../src/mail/dkim_key.ts";
import { signMessage } from "../../src/mail/dkim_sign.ts";
import type { KeyLookup } from "../../src/mail/dkim_verify.ts";
import type { Arrival } from "../../src/receive/types.ts";
import type { Report } from "../../src/tlsrpt/report.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";

/** When reports come in the tests: a day after the one they are about, ms. */
export const NOW: number = Date.UTC(2026, 10, 28, 8, 40);

/** The first moment of the day that they are about, ms. */
export const BEGIN: number = Date.UTC(2026, 10, 27);

/** The day that they are about, without its last second as RFC 8460 §4.1 has it. */
export const RANGE = { begin: BEGIN, end: BEGIN + 86_399_000 };

/** A report of sender.test about a.test. */
export function reportWith(changed: Partial<Report> = {}): Report {
  return {
    organization: "Example Sender",
    contact: "tls@sender.test",
    reportId: "20261127.a.test",
    ...RANGE,
    domain: "a.test",
    policies: [{
      type: "sts",
      domain: "a.test",
      strings: ["version: STSv1", "mode: enforce", "mx: mx.a.test", "max_age: 604800"],
      mxHosts: ["mx.a.test"],
      successful: 10,
      failed: 2,
      details: [{ result: "certificate-expired", count: 2, mxHost: "mx.a.test" }],
    }],
    ...changed,
  };
}

/** JSON that came without a mail. */
export function bareArrival(report: Report | string, changed: Partial<Arrival> = {}): Arrival {
  const text = typeof report === "string" ? report : writeReport(report);
  return { octets: new TextEncoder().encode(text), way: "https", at: NOW, ...changed };
}

/** How a mail is signed. */
export interface SignedOptions {
  readonly domain?: string;
  readonly selector?: string;
  readonly key?: DkimKey;
  /** Changes the mail before it is signed. */
  readonly before?: (message: Message) => Message;
  /** Changes the text of the signed mail. */
  readonly after?: (text: string) => string;
  readonly time?: number;
}

/** Keys of the tests. */
export interface TestKeys {
  readonly rsa: DkimKey;
  readonly small: DkimKey;
  readonly other: DkimKey;
}

let keys: Promise<TestKeys> | undefined;

/** Makes the keys once: an RSA key takes a tenth of a second. */
export function testKeys(): Promise<TestKeys> {
  return keys ??= makeKeys();
}

async function makeKeys(): Promise<TestKeys> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  const [rsa, other] = [await makeDkimKey("rsa"), await makeDkimKey("ed25519")];
  return {
    rsa: await readDkimKey(rsa),
    small: await readDkimKey(String(pem)),
    other: await readDkimKey(other),
  };
}

/** A mail as a mail box has it. */
export async function mailArrival(
  report: Report = reportWith(),
  options: SignedOptions = {},
): Promise<Arrival> {
  const { rsa } = await testKeys();
  const { domain = "sender.test", selector = "s1", key = rsa, time = NOW } = options;
  const { before = (message: Message) => message, after = (text: string) => text } = options;
  const message = before(composeReportMail(report, { to: "tls@a.test", time: NOW }));
  const signed = await signMessage(message, { key, domain, selector, time });
  const octets = new TextEncoder().encode(after(formatMessage(signed)).replaceAll("\r\n", "\n"));
  return { octets, way: "mail", at: NOW };
}

/** Answers with the records of the test keys: `s1` of every domain, and those handed in. */
export async function keyLookup(
  records: Readonly<Record<string, KeyLookup>> = {},
): Promise<{ readonly lookupKey: (name: string) => Promise<KeyLookup>; readonly names: string[] }> {
  const { rsa } = await testKeys();
  const names: string[] = [];
  const lookupKey = (name: string): Promise<KeyLookup> => {
    names.push(name);
    const found = records[name] ??
      (name === dkimName("s1", "sender.test")
        ? { kind: "found", records: [`v=DKIM1; p=${rsa.published}`] }
        : { kind: "none" });
    return Promise.resolve(found);
  };
  return { lookupKey, names };
}
