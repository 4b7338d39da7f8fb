/**
 * Where TLS reports about a domain can go if this program receives them: what `publish init` proposes for the TLSRPT
 * record (RFC 8460 §3).
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { isHostname } from "../base/host.ts";
import type { DnsClient } from "../dns/types.ts";
import { tlsrptName } from "./records.ts";

/** Stands for a name that the configuration does not have. */
const UNKNOWN_HOST = "REPORT-HOST.EXAMPLE";

/** The local part of the proposed address. */
const LOCAL_PART = "tls-reports";

/** How the runtime prints a dNSName of the subjectAltName. */
const DNS_NAME = "DNS:";

/** What the receiver has. */
export interface ReceiverWays {
  /** The Maildir that is read; `undefined` if no mail is. */
  readonly maildir: string | undefined;
  /** The path that is posted to; `undefined` if reports are not received over HTTPS. */
  readonly token: string | undefined;
  /** The host name of the HTTPS endpoint, as far as known. */
  readonly host: string | undefined;
}

/** What to publish. */
export interface ReceiverProposal {
  /** The value of `rua`: URIs, separated by commas; `undefined` if reports cannot be received. */
  readonly rua: string | undefined;
  /** What is still to do, in sentences. */
  readonly remarks: readonly string[];
}

/** Proposes where reports go. Mail comes first: only signed mail shows who sent a report. */
export function proposeReportUris(
  domain: string,
  { maildir, token, host }: ReceiverWays,
): ReceiverProposal {
  const uris: string[] = [];
  const remarks: string[] = [];
  if (maildir !== undefined) {
    uris.push(`mailto:${LOCAL_PART}@${domain}`);
    remarks.push(
      `Deliver mail to ${LOCAL_PART}@${domain} into ${maildir}, where 'report receive' reads it.`,
    );
  }
  if (token !== undefined) {
    uris.push(`https://${host ?? UNKNOWN_HOST}/${token}`);
    if (host === undefined) {
      remarks.push(
        `Replace ${UNKNOWN_HOST} with the name of your report host, which is not in the configuration.`,
      );
    }
  }
  return { rua: uris.length === 0 ? undefined : uris.join(","), remarks };
}

/** The first host name that a certificate is for. @param pem The chain; `undefined` if there is no such name. */
export function hostOfCertificate(pem: string): string | undefined {
  try {
    const { subjectAltName = "" } = new X509Certificate(pem);
    return subjectAltName.split(", ").filter((name) => name.startsWith(DNS_NAME))
      .map((name) => name.slice(DNS_NAME.length).toLowerCase()).find(isHostname);
  } catch {
    // No certificate, so no name.
    return undefined;
  }
}

/** What to say if the domain has a TLSRPT record already: senders use none of two (RFC 8460 §3). */
export async function existingRecordRemarks(
  domain: string,
  { lookupTxt }: Pick<DnsClient, "lookupTxt">,
): Promise<string[]> {
  const answer = await lookupTxt(tlsrptName(domain));
  const isThere = answer.kind === "found" &&
    answer.records.some((record) => record.startsWith("v=TLSRPTv1"));
  return isThere
    ? [
      `${domain} already has a TLSRPT record: replace it, because senders ignore both if there are two (RFC 8460 §3).`,
    ]
    : [];
}
