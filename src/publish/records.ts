/**
 * The DNS records that go with a policy: `_mta-sts` (RFC 8461 §3.1), the policy host (§3.3) and
 * `_smtp._tls` (RFC 8460 §3), as lines of a zone file.
 *
 * @module
 */

import { policyHost, toALabel, txtName } from "../sts/domain.ts";
import { formatTxtRecord } from "../sts/txt_record.ts";

/** What {@link formatHostRecords} needs. */
export interface HostRecordOptions {
  /** Lower-case A-labels. */
  readonly domain: string;
  /** Name or address of the web server; without it the record has a placeholder. */
  readonly webHost?: string;
  /** Where reports go: one or more URIs from {@link readReportUri}, separated by commas. */
  readonly reportUri?: string;
}

/** Local part and domain of a mail address, without characters that a URI in the record must not have (RFC 8460 §3). */
const MAIL_ADDRESS = /^([A-Za-z0-9.+_~=-]{1,64})@([A-Za-z0-9.-]{1,253})$/;
const HTTPS_URI = /^https:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:\/[!-~]*)?$/;

/** Octets of a URI in the record: one character-string holds 255 (RFC 1035 §3.3.14). */
const URI_MAX_LENGTH = 230;

/**
 * Makes a fresh `id` for the TXT record (RFC 8461 §3.1) from the time in UTC, so that people can read it.
 *
 * @param now Milliseconds since the epoch.
 * @param current The published `id`. The new one must differ from it.
 * @returns `YYYYMMDDhhmmss`.
 */
export function freshId(now: number, current?: string): string {
  const id = new Date(now).toISOString().slice(0, 19).replaceAll(/[-:T]/g, "");
  return id === current ? freshId(now + 1000, current) : id;
}

/** The line of the zone file for an `id`. */
export function formatTxtLine(domain: string, id: string): string {
  return zoneLine(txtName(domain), "TXT", `"${formatTxtRecord(id)}"`);
}

/** The name of the TLSRPT record (RFC 8460 §3). */
export function tlsrptName(domain: string): string {
  return `_smtp._tls.${domain}`;
}

/** The lines of the zone file that do not depend on the policy and can precede it. */
export function formatHostRecords({ domain, webHost, reportUri }: HostRecordOptions): string[] {
  const lines = [policyHostLine(policyHost(domain), webHost)];
  if (reportUri !== undefined) {
    lines.push(zoneLine(tlsrptName(domain), "TXT", `"v=TLSRPTv1; rua=${reportUri}"`));
  }
  return lines;
}

/**
 * Reads where reports go: a mail address, or a `mailto:` or `https:` URI (RFC 8460 §3).
 *
 * @returns The URI; `undefined` if it is none of these.
 */
export function readReportUri(text: string): string | undefined {
  if (text.length > URI_MAX_LENGTH) return undefined;
  if (HTTPS_URI.test(text)) return /[",;!]/.test(text) ? undefined : text;
  const address = text.startsWith("mailto:") ? text.slice("mailto:".length) : text;
  const [, local, host = ""] = MAIL_ADDRESS.exec(address) ?? [];
  const domain = toALabel(host);
  return local === undefined || domain === undefined ? undefined : `mailto:${local}@${domain}`;
}

function policyHostLine(host: string, webHost: string | undefined): string {
  if (webHost === undefined) return zoneLine(host, "CNAME", "WEB-SERVER.EXAMPLE.");
  if (/^[0-9.]+$/.test(webHost)) return zoneLine(host, "A", webHost);
  return webHost.includes(":")
    ? zoneLine(host, "AAAA", webHost)
    : zoneLine(host, "CNAME", `${webHost}.`);
}

function zoneLine(name: string, type: string, data: string): string {
  return `${name}. IN ${type} ${data}`;
}
