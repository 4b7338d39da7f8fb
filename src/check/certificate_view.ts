/**
 * Checks the certificate of an MX host on each of its addresses, for `publish init`.
 *
 * @module
 */

import type { ProbeTls, TlsProbe } from "./tls_probe.ts";
import type { DnsClient } from "../dns/types.ts";
import type { CertificateView, ViewCertificate } from "../publish/types.ts";

/** Addresses of one host that are tried, for each family. */
const ADDRESSES_MAX = 4;

const SMTP_PORT = 25;

/** Faults before TLS. They say nothing about the certificate: the server turns us away, or a middlebox interferes. */
const INCONCLUSIVE: readonly string[] = [
  "smtp-timeout",
  "smtp-closed",
  "smtp-garbage",
  "smtp-greeting",
  "smtp-ehlo",
];

/** Creates the check. */
export function createCertificateView(
  lookup: DnsClient["lookup"],
  probe: ProbeTls,
): ViewCertificate {
  return async (host) => {
    const answers = await Promise.all([lookup(host, "A"), lookup(host, "AAAA")]);
    const addresses = answers.flatMap((answer) =>
      answer.kind === "found" ? answer.records.slice(0, ADDRESSES_MAX) : []
    );
    const failure = answers.find((answer) => answer.kind === "failed");
    if (addresses.length === 0) {
      return failure === undefined
        ? { kind: "bad", detail: "the host has no address" }
        : { kind: "unknown", detail: `cannot look up an address: ${failure.detail}` };
    }
    const probes = await Promise.all(
      addresses.map((address) => probe({ host, address, port: SMTP_PORT, smtp: true })),
    );
    return summarize(probes);
  };
}

/** One bad address makes a bad host, because senders may choose it. */
function summarize(probes: readonly TlsProbe[]): CertificateView {
  const bad = probes.find((probe) => probe.kind === "failed" && !INCONCLUSIVE.includes(probe.id));
  if (bad?.kind === "failed") return { kind: "bad", detail: `${bad.id}: ${bad.detail}` };
  if (probes.some(({ kind }) => kind === "verified")) {
    return { kind: "good", detail: "STARTTLS works, and the certificate is valid for the name" };
  }
  const [first] = probes;
  const detail = first === undefined || first.kind === "verified" ? "" : `: ${first.detail}`;
  return { kind: "unknown", detail: `cannot check port 25 from here${detail}` };
}
