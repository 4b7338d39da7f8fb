/**
 * Judges DNSSEC and DANE for the MX hosts of a domain (RFC 7672): whether there are TLSA records, signed
 * and usable, and whether they match the certificates that the hosts presented.
 *
 * For DANE-TA (usage 2) it is enough here that any certificate of the chain matches. The chain up to that
 * certificate is not verified.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { TlsaRecord } from "../dns/types.ts";
import { isUsableTlsa } from "../resolver/tlsa.ts";
import { readCertificate } from "./certificate.ts";
import { dnsFindings } from "./dns_findings.ts";
import { type Finding, finding, type FindingId } from "./finding.ts";
import type { DomainSeen, MailHostSeen } from "./gather.ts";
import type { Presented } from "./presented.ts";
import { count, listNames } from "./wording.ts";

/** TLSA records of a host that a finding shows. */
const RECORDS_SHOWN_MAX = 5;

/** Octets of the data of a record that a finding shows. */
const DATA_SHOWN_OCTETS = 8;

const USAGE_DANE_EE = 3;

function at(subject: string, id: FindingId, seen: string): Finding {
  return finding(id, { group: "dane", subject, seen });
}

/** Judges the zone and all hosts. */
export function judgeDane({ domain, dnssec, mail }: DomainSeen): Finding[] {
  // Without the MX records nothing is known. The findings about the MX hosts say so.
  if (mail.answer.kind === "failed") return [];
  if (dnssec.kind !== "validates") return [at(domain, "dnssec-unknown", dnssec.detail)];
  const signed = mail.answer.secure;
  const zone = signed
    ? at(domain, "dnssec-ok", "the MX records are validated")
    : at(domain, "dnssec-none", "the MX records are not validated");
  const { hosts } = mail;
  const failed = hosts.flatMap(({ tlsa }) =>
    dnsFindings(tlsa.answer, { group: "dane", name: tlsa.owner, type: "TLSA" })
  );
  const published = hosts.filter(({ tlsa }) => tlsa.answer.kind === "found");
  const found = published.map((host) => judgeHost(host, signed));
  const bare = hosts.filter(({ tlsa }) =>
    tlsa.answer.kind === "nodata" || tlsa.answer.kind === "nxdomain"
  );
  if (published.length === 0 && bare.length > 0) {
    found.push(at(domain, "dane-none", `none at ${count(hosts.length, "MX host")}`));
  } else if (bare.length > 0) {
    found.push(at(domain, "dane-partial", `none at ${listNames(bare.map(({ name }) => name))}`));
  }
  return [zone, ...failed, ...found];
}

function judgeHost({ tlsa, addresses }: MailHostSeen, signed: boolean): Finding {
  const { owner, answer } = tlsa;
  const records = answer.kind === "found" ? answer.records : [];
  const shown = records.slice(0, RECORDS_SHOWN_MAX).map(formatTlsa).join(", ");
  if (answer.kind !== "found" || !answer.secure) return at(owner, "dane-insecure", shown);
  const usable = records.filter(isUsableTlsa);
  if (usable.length === 0) return at(owner, "dane-unusable", shown);
  const presented = addresses.flatMap(({ address, probe }) =>
    probe !== undefined && probe.kind !== "unconnected" && probe.presented !== undefined
      ? [{ address, ...probe.presented }]
      : []
  );
  const judged = presented.map((one) => ({ address: one.address, fit: fits(usable, one) }));
  const wrong = judged.filter(({ fit }) => fit === "no").map(({ address }) => address);
  if (wrong.length > 0) return at(owner, "dane-mismatch", `${shown}: not at ${wrong.join(", ")}`);
  if (judged.length === 0 || judged.some(({ fit }) => fit === "unknown")) {
    return at(owner, "dane-not-compared", shown);
  }
  return signed
    ? at(owner, "dane-ok", `${shown}: at ${judged.map(({ address }) => address).join(", ")}`)
    : at(owner, "dane-mx-insecure", shown);
}

type Fit = "yes" | "no" | "unknown";

/** Whether one of the records matches (RFC 7672 §3.1). */
function fits(records: readonly TlsaRecord[], { chain }: Presented): Fit {
  const found = records.flatMap((record) =>
    (record.usage === USAGE_DANE_EE ? chain.slice(0, 1) : chain).map((der) => fit(record, der))
  );
  if (found.includes("yes")) return "yes";
  return found.includes("unknown") ? "unknown" : "no";
}

/** RFC 6698 §2.1.2, §2.1.3: the certificate or its key, as it is or as a digest. */
function fit({ selector, matchingType, data }: TlsaRecord, der: Uint8Array): Fit {
  const selected = selector === 0 ? der : readCertificate(der)?.spki;
  if (selected === undefined) return "unknown";
  const algorithm = matchingType === 1 ? "sha256" : "sha512";
  const wanted = matchingType === 0 ? selected : createHash(algorithm).update(selected).digest();
  return Buffer.compare(wanted, data) === 0 ? "yes" : "no";
}

function formatTlsa({ usage, selector, matchingType, data }: TlsaRecord): string {
  const shown = data.slice(0, DATA_SHOWN_OCTETS).toHex();
  const cut = data.length > DATA_SHOWN_OCTETS ? "..." : "";
  return `${usage} ${selector} ${matchingType} ${shown}${cut}`;
}
