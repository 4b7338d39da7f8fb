/**
 * The report about one domain: the findings, and the facts behind them for programs and tables.
 *
 * @module
 */

import type { LintOptions } from "../publish/lint.ts";
import type { PolicyMode } from "../sts/policy.ts";
import { judgeDane } from "./dane.ts";
import { isUnanswered } from "./dns_findings.ts";
import { type Finding, worst } from "./finding.ts";
import { SEVERITIES, type Severity } from "./finding_kind.ts";
import type { AddressSeen, DomainSeen, HostSeen } from "./gather.ts";
import { judgeMail } from "./mail_hosts.ts";
import { remember, type Remembered } from "./memory.ts";
import { type JudgedPolicy, judgePolicy } from "./policy.ts";
import { judgePolicyHost } from "./policy_host.ts";
import { matchesMx } from "../sts/mx_pattern.ts";
import { leafOf } from "./tls_findings.ts";
import { judgeTlsrpt } from "./tlsrpt.ts";
import { judgeTxt, readId } from "./txt.ts";

/** The result at one address. */
export interface AddressFacts {
  readonly address: string;
  /** `untried`: skipped on purpose; `unconnected`: the connection failed. */
  readonly result: "verified" | "failed" | "unconnected" | "untried";
  readonly protocol?: string;
  /** Issuer of the host's own certificate, as it is: remote text. */
  readonly issuer?: string;
  /** RFC 3339. */
  readonly notAfter?: string;
}

/** A host with its addresses. */
export interface HostFacts {
  readonly name: string;
  readonly addresses: readonly AddressFacts[];
}

/** An MX host. */
export interface MailHostFacts extends HostFacts {
  readonly preference: number;
  /** Whether the policy covers the host; absent without a policy. */
  readonly covered?: boolean;
  /** TLSA records, signed or not. */
  readonly tlsaRecords: number;
}

/** The facts behind the findings. */
export interface DomainFacts {
  /** `id` of the TXT record. */
  readonly id?: string;
  readonly policy?: {
    readonly mode: PolicyMode;
    /** Seconds. */
    readonly maxAge: number;
    readonly mx: readonly string[];
  };
  /** SHA-256 of the policy's text, in hexadecimal digits. */
  readonly digest?: string;
  readonly policyHost?: HostFacts;
  readonly mxHosts: readonly MailHostFacts[];
}

/** The report about one domain. */
export interface DomainReport {
  readonly domain: string;
  /** The gravest severity found. */
  readonly verdict: Exclude<Severity, "info">;
  /** No DNS resolver answered, so the verdict says nothing about the domain. */
  readonly undecided: boolean;
  /** Findings of each severity. */
  readonly counts: Readonly<Record<Severity, number>>;
  readonly findings: readonly Finding[];
  readonly facts: DomainFacts;
  /** What to pass to the next check. */
  readonly remembered: Remembered;
}

/**
 * Judges everything that was seen for a domain.
 *
 * @param seen What was gathered.
 * @param options `remembered`: from the last check; `now`: ms since the Unix epoch; `suggest`: finds the
 *   field that a misspelt one probably stands for.
 */
export function judge(
  seen: DomainSeen,
  options: {
    readonly remembered: Remembered | undefined;
    readonly now: number;
    readonly suggest: LintOptions["suggest"];
  },
): DomainReport {
  const { remembered, now, suggest } = options;
  const { domain, sts, mail } = seen;
  const id = sts && readId(sts.txt);
  const judged: JudgedPolicy = sts === undefined
    ? { policy: undefined, digest: undefined, findings: [] }
    : judgePolicy(sts, { id, mail, remembered, now, suggest });
  const { policy, digest } = judged;
  const findings = [
    ...(sts === undefined ? [] : [
      ...judgeTxt(sts.txt, { domain, strays: sts.strays }),
      ...judgePolicyHost(sts, now),
      ...judged.findings,
    ]),
    ...judgeMail(seen, { policy, now }),
    ...(sts === undefined ? [] : judgeTlsrpt(sts.tlsrpt, domain)),
    ...judgeDane(seen),
  ].map((one) => nameDomain(one, domain));
  const gravest = worst(findings);
  return {
    domain,
    verdict: gravest === "info" ? "ok" : gravest,
    undecided: isUnanswered(mail.answer) && (sts === undefined || isUnanswered(sts.txt)),
    counts: countSeverities(findings),
    findings,
    facts: collectFacts(seen, { ...judged, id }),
    remembered: remember(remembered, { id, digest, mode: policy?.mode, findings, now }),
  };
}

/** Puts the domain into the advice. */
function nameDomain(one: Finding, domain: string): Finding {
  const name = (text: string) => text.replaceAll("<domain>", domain);
  return { ...one, why: name(one.why), fix: name(one.fix) };
}

function countSeverities(findings: readonly Finding[]): Record<Severity, number> {
  const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length;
  return Object.fromEntries(SEVERITIES.map((severity) => [severity, count(severity)])) as Record<
    Severity,
    number
  >;
}

function collectFacts(
  { sts, mail }: DomainSeen,
  { id, policy, digest }: JudgedPolicy & { readonly id: string | undefined },
): DomainFacts {
  return {
    ...(id !== undefined && { id }),
    ...(policy !== undefined && { policy }),
    ...(digest !== undefined && { digest }),
    ...(sts !== undefined && { policyHost: hostFacts(sts.host) }),
    mxHosts: mail.hosts.map((host) => ({
      ...hostFacts(host),
      preference: host.preference,
      ...(policy !== undefined && {
        covered: policy.mx.some((pattern) => matchesMx(pattern, host.name)),
      }),
      tlsaRecords: host.tlsa.answer.kind === "found" ? host.tlsa.answer.records.length : 0,
    })),
  };
}

function hostFacts({ name, addresses }: HostSeen): HostFacts {
  return { name, addresses: addresses.map(addressFacts) };
}

function addressFacts({ address, probe }: AddressSeen): AddressFacts {
  if (probe === undefined) return { address, result: "untried" };
  if (probe.kind === "unconnected") return { address, result: "unconnected" };
  const certificate = leafOf(probe.presented);
  const protocol = probe.presented?.protocol;
  return {
    address,
    result: probe.kind,
    ...(protocol !== undefined && { protocol }),
    ...(certificate !== undefined && {
      issuer: certificate.issuer,
      notAfter: new Date(certificate.notAfter).toISOString(),
    }),
  };
}
