/**
 * Judges the MX hosts of a domain: names, addresses, whether the policy covers them (RFC 8461 §4.1),
 * and TLS at each address (§4.2).
 *
 * @module
 */

import { quoteText } from "../base/quote_text.ts";
import { matchesMx } from "../sts/mx_pattern.ts";
import type { Policy } from "../sts/policy.ts";
import { absence, addressFindings, dnsFindings } from "./dns_findings.ts";
import { type Finding, finding, type FindingId } from "./finding.ts";
import { ADDRESSES_MAX, type DomainSeen, type MailHostSeen, type MailSeen } from "./gather.ts";
import { howUnconnected, judgeUnconnected, tlsFindings } from "./tls_findings.ts";
import { count, listNames } from "./wording.ts";

const NAME_QUOTE_LENGTH = 100;

/** What the hosts are judged against. */
export interface MailContext {
  /** `undefined` if there is none, or it was not looked up. */
  readonly policy: Policy | undefined;
  /** ms */
  readonly now: number;
}

function at(subject: string, id: FindingId, seen: string): Finding {
  return finding(id, { group: "mx", subject, seen });
}

/** Judges all MX hosts. */
export function judgeMail(
  { domain, mail, options }: Pick<DomainSeen, "domain" | "mail" | "options">,
  context: MailContext,
): Finding[] {
  const { answer, hosts } = mail;
  if (answer.kind === "failed") {
    return dnsFindings(answer, { group: "mx", name: domain, type: "MX" });
  }
  if (answer.kind === "nxdomain") return [at(domain, "mx-missing", absence(answer, "MX"))];
  if (isNullMx(mail)) return [at(domain, "mx-null", "MX 0 .")];
  const found = [
    ...judgeSet(domain, mail),
    ...hosts.flatMap((host) => judgeHost(host, context)),
  ];
  if (!options.smtp) return [...found, at(domain, "smtp-skipped", "--no-smtp")];
  found.push(...judgeReach(domain, hosts));
  const tried = hosts.flatMap(({ addresses }) => addresses.map(({ probe }) => probe?.kind));
  if (tried.includes("failed") && !tried.includes("verified")) {
    found.push(at(domain, "mx-none-usable", count(hosts.length, "host")));
  }
  return found;
}

/** RFC 7505 §3: the root is the only exchange. */
function isNullMx({ answer }: MailSeen): boolean {
  return answer.kind === "found" && answer.records.length === 1 &&
    answer.records[0]?.exchange === "";
}

function judgeSet(domain: string, { implicit, invalid, hosts, left }: MailSeen): Finding[] {
  const found: Finding[] = invalid.map((name) =>
    at(domain, "mx-name-invalid", `MX ${quoteText(name, NAME_QUOTE_LENGTH)}`)
  );
  if (implicit && hosts.length > 0) {
    found.push(at(domain, "mx-implicit", `mail goes to ${domain} itself`));
  } else if (implicit) {
    found.push(at(domain, "mx-missing", "neither MX record nor address"));
  }
  const cut = hosts.filter(({ v4, v6 }) =>
    [v4, v6].some((answer) => answer.kind === "found" && answer.records.length > ADDRESSES_MAX)
  );
  if (left.length > 0) {
    found.push(at(domain, "mx-too-many", `${count(left.length, "host")} left out`));
  }
  for (const { name } of cut) {
    found.push(at(name, "mx-too-many", `${ADDRESSES_MAX} addresses of each family tried`));
  }
  return found;
}

function judgeHost(host: MailHostSeen, { policy, now }: MailContext): Finding[] {
  const { name, v4, v6, addresses } = host;
  const found: Finding[] = addressFindings(host, "mx");
  const answer = [v4, v6].find((one) => one.kind === "found");
  if (answer?.kind === "found" && answer.owner !== name) {
    found.push(at(name, "mx-alias", `alias of ${quoteText(answer.owner, NAME_QUOTE_LENGTH)}`));
  }
  if (answer === undefined && found.length === 0) {
    found.push(at(name, "mx-no-address", absence(v4, "A or AAAA")));
  }
  const isCovered = policy === undefined || policy.mode === "none" ||
    policy.mx.some((pattern) => matchesMx(pattern, name));
  if (!isCovered) found.push(at(name, "mx-not-in-policy", `policy has ${listNames(policy.mx)}`));
  for (const { address, refused, probe } of addresses) {
    const subject = `${name} [${address}]`;
    if (refused !== undefined) found.push(at(subject, "mx-address-private", refused));
    if (probe === undefined || probe.kind === "unconnected") continue;
    found.push(...tlsFindings(probe, { group: "mx", subject, now, okId: "mx-ok" }));
  }
  return found;
}

function judgeReach(domain: string, hosts: readonly MailHostSeen[]): Finding[] {
  const addresses = hosts.flatMap((host) => host.addresses);
  const { faults, untested } = judgeUnconnected(addresses);
  const found = hosts.flatMap((host) =>
    host.addresses.filter((seen) => faults.includes(seen)).map((seen) =>
      at(`${host.name} [${seen.address}]`, "smtp-unreachable", howUnconnected([seen]))
    )
  );
  for (const { family, addresses: all } of untested) {
    const which = count(all.length, `${family} address`);
    found.push(at(domain, "smtp-blocked", `${which}: ${howUnconnected(all)}`));
  }
  return found;
}
