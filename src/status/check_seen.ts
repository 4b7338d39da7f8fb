/**
 * What `check` sees of a domain now, beside what senders reported of it: whether a reported failure is still there.
 *
 * The check itself is handed in. Its verdict is careful: a failure counts as gone only if `check` saw the thing work,
 * not merely because it saw nothing.
 *
 * @module
 */

import type { Advice } from "../tlsrpt/advice.ts";
import type { ResultType } from "../tlsrpt/result_type.ts";

/** A finding of `check`, as far as a page shows it. Printable ASCII. */
export interface SeenFinding {
  /** The name of its kind, such as `certificate-expired`. */
  readonly id: string;
  readonly severity: "ok" | "info" | "warning" | "error";
  /** `txt`, `host` (the policy host), `policy`, `mx`, `tlsrpt` or `dane`. */
  readonly group: string;
  /** What was checked: a name, or a host with its address such as `mx.example.com [192.0.2.1]`. */
  readonly subject: string;
  /** What was seen there. */
  readonly seen: string;
  /** A few words that name the kind. */
  readonly title: string;
  /** What to do; empty if there is nothing to do. */
  readonly fix: string;
}

/** The result of a check of a domain. */
export interface SeenNow {
  /** When it ended, ms. */
  readonly at: number;
  /** No DNS resolver answered, so nothing is known. */
  readonly undecided: boolean;
  readonly findings: readonly SeenFinding[];
  /** The MX hosts of the domain now. */
  readonly mxHosts: readonly SeenHost[];
}

/** An MX host as `check` sees it. */
export interface SeenHost {
  readonly name: string;
  /** Whether the policy covers it; absent without a policy. */
  readonly covered?: boolean;
  /** TLSA records, signed or not; 0 also if the lookup failed. */
  readonly tlsaRecords: number;
}

/** What is known of a domain now. */
export type CheckState =
  /** The first check has not ended yet. */
  | { readonly kind: "running" }
  | { readonly kind: "seen"; readonly seen: SeenNow; readonly isRunning: boolean }
  /** It could not be made; `reason` is one line. */
  | { readonly kind: "failed"; readonly at: number; readonly reason: string }
  /** Nobody checks, by configuration. */
  | { readonly kind: "off" };

/** Whether a reported failure is there now. */
export type Now =
  /** The same. */
  | { readonly kind: "still"; readonly finding: SeenFinding }
  /** Something else is wrong at the same place. */
  | { readonly kind: "other"; readonly finding: SeenFinding }
  /** It works. */
  | { readonly kind: "gone" }
  /** The host is not an MX host of the domain any more. */
  | { readonly kind: "no-mx" }
  /** `check` could not see it. */
  | { readonly kind: "unknown" };

/** A reported failure, as far as it is looked for. */
export interface Reported {
  readonly result: ResultType | "unknown";
  /** The MX host in lower case, or empty. */
  readonly mx: string;
  /** What has the remedy. */
  readonly advice: Advice;
}

/** Kinds of findings that senders cannot tell apart, or that this program tells apart more finely. */
const ALIKE: readonly (readonly string[])[] = [
  ["certificate-name", "certificate-cn-only"],
  ["certificate-untrusted", "certificate-self-signed", "certificate-chain"],
  ["certificate-weak", "certificate-usage", "certificate-invalid"],
  ["smtp-no-starttls", "smtp-starttls-refused"],
  ["dane-mismatch", "dane-unusable"],
  ["https-failed", "https-timeout", "https-slow", "host-unreachable", "host-no-address"],
];

/** Findings at an MX host that keep a sender from TLS, although they are warnings only. */
const NO_TLS: readonly string[] = [
  ...["smtp-unreachable", "smtp-timeout", "smtp-closed", "smtp-garbage", "smtp-greeting"],
  ...["smtp-ehlo", "smtp-after-tls"],
];

/** Findings about TLSA records that keep a sender from DANE, although they are warnings only. */
const DANE_FAULTS: readonly string[] = ["dane-partial", "dane-unusable", "dane-insecure"];

/** Looks for a reported failure among what `check` sees. */
export function compareNow(reported: Reported, seen: SeenNow): Now {
  if (seen.undecided) return { kind: "unknown" };
  const { result, advice } = reported;
  if (advice === "dns-bogus") return compareDnssec(seen);
  if (advice === "mx-not-in-policy") return compareCoverage(reported, seen);
  if (advice.startsWith("dane-") || result === "tlsa-invalid") return compareDane(reported, seen);
  if (result.startsWith("sts-")) return comparePolicyHost(reported, seen);
  return compareMail(reported, seen);
}

function compareDnssec({ findings }: SeenNow): Now {
  const bogus = findings.find(({ id }) => id === "dns-bogus");
  if (bogus !== undefined) return { kind: "still", finding: bogus };
  // Without a validating DNS resolver, what is bogus looks right.
  const isBlind = findings.some(({ id }) => id === "dnssec-unknown");
  return isBlind || findings.length === 0 ? { kind: "unknown" } : { kind: "gone" };
}

function compareCoverage({ mx }: Reported, { findings, mxHosts }: SeenNow): Now {
  const uncovered = findings.find(({ id, subject }) =>
    id === "mx-not-in-policy" && (mx === "" || subject === mx)
  );
  if (uncovered !== undefined) return { kind: "still", finding: uncovered };
  const concerned = mx === "" ? mxHosts : mxHosts.filter(({ name }) => name === mx);
  if (concerned.length === 0) return absentHost(mxHosts);
  return concerned.every(({ covered }) => covered === true) ? { kind: "gone" } : {
    kind: "unknown",
  };
}

function compareDane({ mx, advice }: Reported, { findings, mxHosts }: SeenNow): Now {
  const host = mxHosts.find(({ name }) => name === mx);
  if (host === undefined) return mx === "" ? { kind: "unknown" } : absentHost(mxHosts);
  const here = findings.filter(({ group, id, subject, seen }) =>
    group === "dane" &&
    (subject === tlsaOwner(mx) || id === "dane-partial" && namesIn(seen).includes(mx))
  );
  const now = choose(here.filter(isFault), advice);
  if (now !== undefined) return now;
  // Records that do not match can also be withdrawn. A lookup that failed is a fault.
  const isWithdrawn = advice !== "dane-partial" && host.tlsaRecords === 0;
  const isRight = here.some(({ id }) => id === "dane-ok");
  return { kind: isRight || isWithdrawn ? "gone" : "unknown" };
}

function comparePolicyHost({ advice }: Reported, { findings }: SeenNow): Now {
  const mistake = advice === "policy-mistake" ? findings.find(isPolicyError) : undefined;
  if (mistake !== undefined) return { kind: "still", finding: mistake };
  const wrong = findings.filter(({ id, group, severity }) =>
    group === "host" && (severity === "error" || id === "https-slow")
  );
  const isFetched = findings.some(({ id }) => id === "https-ok");
  return choose(wrong, advice) ?? { kind: isFetched ? "gone" : "unknown" };
}

function compareMail({ mx, advice }: Reported, { findings, mxHosts }: SeenNow): Now {
  const concerned = mx === "" ? mxHosts : mxHosts.filter(({ name }) => name === mx);
  if (concerned.length === 0) return absentHost(mxHosts);
  // A certificate that authorities vouch for can still be the wrong one for DANE.
  const here = findings.filter(({ group, subject }) =>
    concerned.some(({ name }) =>
      group === "mx" && isAt(subject, name) || group === "dane" && subject === tlsaOwner(name)
    )
  );
  const now = choose(here.filter(isFault), advice);
  if (now !== undefined) return now;
  const works = concerned.every(({ name }) =>
    here.some(({ id, subject }) => id === "mx-ok" && isAt(subject, name))
  );
  return works ? { kind: "gone" } : { kind: "unknown" };
}

/** The finding that is the reported failure, else the gravest other one. */
function choose(wrong: readonly SeenFinding[], advice: Advice): Now | undefined {
  const alike = ALIKE.find((kinds) => kinds.includes(advice)) ?? [advice];
  const same = wrong.find(({ id }) => id === advice) ??
    wrong.find(({ id }) => alike.includes(id));
  if (same !== undefined) return { kind: "still", finding: same };
  const other = wrong.find(({ severity }) => severity === "error") ?? wrong[0];
  return other === undefined ? undefined : { kind: "other", finding: other };
}

function isFault({ id, severity }: SeenFinding): boolean {
  return severity === "error" || NO_TLS.includes(id) || DANE_FAULTS.includes(id);
}

function isPolicyError({ group, severity }: SeenFinding): boolean {
  return group === "policy" && severity === "error";
}

function tlsaOwner(host: string): string {
  return `_25._tcp.${host}`;
}

/** Whether the subject is the host, or an address of it. */
function isAt(subject: string, host: string): boolean {
  return subject === host || subject.startsWith(`${host} [`);
}

function namesIn(text: string): string[] {
  return text.split(/[ ,]+/);
}

/** A host that DNS does not name any more; not known if DNS names none at all. */
function absentHost(mxHosts: readonly SeenHost[]): Now {
  return { kind: mxHosts.length === 0 ? "unknown" : "no-mx" };
}
