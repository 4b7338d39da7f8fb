/**
 * The certificates of the policy hosts, from files that another program renews: `DOMAIN.pem` with
 * `DOMAIN.key`, or `mta-sts.DOMAIN/fullchain.pem` with `privkey.pem` as certbot writes them.
 *
 * A certificate that no sender would accept is refused, and the previous one stays in use (RFC 8461 §3.3).
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { messageOf } from "../base/error_text.ts";
import type { Log } from "../base/log.ts";
import { policyHost } from "../sts/domain.ts";
import { matchesMx } from "../sts/mx_pattern.ts";
import { watchFiles } from "../base/watched_files.ts";
import type { Made, WatchedFiles } from "../base/watched_files.ts";
import { listenOnLoopback } from "../http/tls_session.ts";
import type { PemPair } from "../http/tls_session.ts";
import type { Files } from "../base/files.ts";

/** Certificate chain and private key. */
export interface Credentials extends PemPair {
  /** When the certificate expires, ms since the epoch. */
  readonly expires: number;
}

/** What {@link watchCertificates} needs. */
export interface WatchedCertificatesOptions {
  readonly directory: string;
  /** The domains that need a certificate. */
  readonly domains: () => Iterable<string>;
  readonly files: Files;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A chain of a few certificates is smaller than 20 KiB in PEM, bytes. */
const PEM_MAX_BYTES = 128 * 1024;

/** How the runtime prints a dNSName of the subjectAltName. */
const DNS_NAME = "DNS:";

/** Watches certificates: credentials by domain (lower-case A-labels). */
export function watchCertificates(options: WatchedCertificatesOptions): WatchedFiles<Credentials> {
  const { domains, files, log } = options;

  /** The first pair of files that exists. */
  async function find(domain: string) {
    for (const pair of pathsOf(domain, options.directory)) {
      const stamps = await Promise.all(pair.map(files.stamp));
      if (!stamps.includes(undefined)) return { pair, stamp: stamps.join(" ") };
    }
    return undefined;
  }

  async function list(): Promise<ReadonlyMap<string, string>> {
    const stamps = new Map<string, string>();
    for (const domain of domains()) {
      const found = await find(domain);
      // `make` reports a domain without a certificate, once.
      stamps.set(domain, found === undefined ? "" : `${found.pair.join(" ")} ${found.stamp}`);
    }
    return stamps;
  }

  async function make(domain: string): Promise<Made<Credentials>> {
    const found = await find(domain);
    if (found === undefined) {
      return refused(`there is no ${domain}.pem with ${domain}.key`);
    }
    const texts: string[] = [];
    for (const path of found.pair) {
      const read = await files.read(path, PEM_MAX_BYTES);
      if (read.kind === "absent") return refused(`${path} is gone`);
      if (read.kind === "failed") return refused(read.detail);
      texts.push(new TextDecoder().decode(read.bytes));
    }
    const [cert = "", key = ""] = texts;
    return judge({ cert, key }, policyHost(domain), options.now());
  }

  return watchFiles({ what: "certificate", list, make, log });
}

function pathsOf(domain: string, directory: string): (readonly [string, string])[] {
  const lineage = `${directory}/${policyHost(domain)}`;
  return [
    [`${directory}/${domain}.pem`, `${directory}/${domain}.key`],
    [`${lineage}/fullchain.pem`, `${lineage}/privkey.pem`],
  ];
}

/** Refuses a certificate that no sender would accept. A missing intermediate goes unnoticed here. */
function judge(
  pem: PemPair,
  host: string,
  now: number,
): Made<Credentials> {
  try {
    const certificate = new X509Certificate(pem.cert);
    listenOnLoopback(pem).close();
    // Names match as in MX patterns: a wildcard is the whole first label (RFC 8461 §3.3, §4.1).
    const names = (certificate.subjectAltName ?? "").split(", ").filter(isDnsName);
    if (!names.some((name) => matchesMx(name.slice(DNS_NAME.length), host))) {
      return refused(`the certificate is not for ${host}`);
    }
    const expires = Date.parse(certificate.validTo);
    return expires <= now
      ? refused(`the certificate expired at ${new Date(expires).toISOString()}`)
      : { kind: "made", item: { ...pem, expires } };
  } catch (error) {
    const text = messageOf(error);
    return refused(`certificate and key cannot be used: ${text}`);
  }
}

function isDnsName(name: string): boolean {
  return name.startsWith(DNS_NAME);
}

function refused(problem: string): Made<Credentials> {
  return { kind: "refused", problem };
}
