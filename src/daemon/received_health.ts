/**
 * The health of the receiver of reports.
 *
 * @module
 */

import type { ReceivedHealthCheck } from "../status/received_page.ts";
import { formatDuration, formatTime } from "../status/wording.ts";

/** A Maildir that was not read for so long is a fault, ms: it is read every few seconds, a full one in minutes. */
const SCAN_MS = 15 * 60_000;

/** A certificate should be renewed this long before it expires, ms; ACME clients do so 30 days before. */
const RENEWAL_MS = 7 * 86_400_000;

/** What is judged. Times in ms. */
export interface ReceiverState {
  readonly store: {
    /** What is wrong with the file, in one line. */
    readonly error: string | undefined;
    /** It takes no more. */
    readonly isFull: boolean;
  };
  /** `undefined` if no Maildir is configured. */
  readonly maildir: MaildirState | undefined;
  /** `undefined` if reports are not received over HTTPS here. */
  readonly certificate: CertificateState | undefined;
}

/** The Maildir, as far as it was read. */
export interface MaildirState {
  /** The end of the last scan; `undefined` before the first. */
  readonly scannedAt: number | undefined;
  /** Why it cannot be read, in one line. */
  readonly error: string | undefined;
  /** Mails that wait. */
  readonly waiting: number;
}

/** The certificate that senders see. */
export interface CertificateState {
  /** `undefined` if there is none. */
  readonly notAfter: number | undefined;
  /** Why it cannot be read, in one line. */
  readonly error: string | undefined;
}

/** Whether the receiver works, and its parts. */
export interface ReceiverHealth {
  readonly status: "ready" | "degraded" | "unready";
  readonly checks: readonly ReceivedHealthCheck[];
}

/** Judges the receiver. @param now Current time, ms. */
export function checkReceiver(state: ReceiverState, now: number): ReceiverHealth {
  const { store, maildir, certificate } = state;
  const checks = [
    checkStore(store),
    ...(maildir === undefined ? [] : [checkMaildir(maildir, now)]),
    ...(certificate === undefined ? [] : [checkCertificate(certificate, now)]),
  ];
  const has = (status: ReceivedHealthCheck["status"]) =>
    checks.some((check) => check.status === status);
  return { status: has("failed") ? "unready" : has("warning") ? "degraded" : "ready", checks };
}

function checkStore({ error, isFull }: ReceiverState["store"]): ReceivedHealthCheck {
  const name = "store";
  // Senders and the mail server try again, so a receiver that cannot keep reports must say no.
  if (error !== undefined) return { name, status: "failed", detail: error };
  return isFull
    ? { name, status: "warning", detail: "the file is full: new reports are not kept" }
    : { name, status: "ok", detail: "the file can be written" };
}

function checkMaildir(
  { scannedAt, error, waiting }: MaildirState,
  now: number,
): ReceivedHealthCheck {
  const name = "maildir";
  if (error !== undefined) return { name, status: "warning", detail: error };
  if (scannedAt === undefined) return { name, status: "ok", detail: "not read yet" };
  const age = Math.max(0, now - scannedAt);
  const detail = `read ${formatDuration(age)} ago` +
    (waiting === 0 ? "" : `, ${waiting === 1 ? "1 mail waits" : `${waiting} mails wait`}`);
  return { name, status: age > SCAN_MS ? "warning" : "ok", detail };
}

function checkCertificate(
  { notAfter, error }: CertificateState,
  now: number,
): ReceivedHealthCheck {
  const name = "certificate";
  if (error !== undefined) return { name, status: "warning", detail: error };
  if (notAfter === undefined) {
    return { name, status: "warning", detail: "no certificate: senders cannot post reports" };
  }
  const until = formatTime(notAfter);
  if (notAfter <= now) return { name, status: "warning", detail: `expired on ${until}` };
  return {
    name,
    status: notAfter - now < RENEWAL_MS ? "warning" : "ok",
    detail: `valid until ${until}`,
  };
}
