/**
 * The only place that decides which incoming reports are believed (RFC 8460 §3, §5.3).
 *
 * Mail needs a valid DKIM signature of the domain that it comes from. What comes over HTTPS or as a file has none, and
 * counts as unsigned or not at all. Which domain a report is about is said by its body; names around it only fill in what
 * it leaves out, if they are signed. Whoever signs can still lie, and a report never decides about mail. Names cost
 * nothing, so what is taken of a day is bounded.
 *
 * Cheap checks come first: DNS is asked only about mail that has a report about one of our domains.
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { quoteText } from "../base/quote_text.ts";
import type { KeyLookup } from "../mail/dkim_verify.ts";
import { mailDomain } from "../mail/address.ts";
import { MAIL_MAX_OCTETS } from "../mail/read_mime.ts";
import { toDomainName } from "../sts/domain.ts";
import { containerOf, unpack } from "../tlsrpt/unpack.ts";
import { admitPolicies } from "./own_domains.ts";
import { type ArrivalReading, readArrival } from "./read_arrival.ts";
import { checkSigning, prepareSigned } from "./signed_mail.ts";
import type {
  Admission,
  AdmittedPolicy,
  AdmittedReport,
  Arrival,
  ArrivalLoad,
  ArrivalQuery,
  Refusal,
} from "./types.ts";

/** What the operator decides. */
export interface AdmissionRules {
  /** Lower-case A-labels; with `*.` before it, all names below a domain. */
  readonly domains: readonly string[];
  /** What happens to reports without a signature. */
  readonly unsigned: "mark" | "refuse";
  /** How many days counts are kept. */
  readonly keepDays: number;
}

/** What {@link createAdmission} works with. */
export interface AdmissionOptions {
  /** The rules as they are now. */
  readonly rules: () => AdmissionRules;
  /** Looks up TXT records; see `mail/dkim_verify.ts`. Never rejects. */
  readonly lookupKey: (name: string) => Promise<KeyLookup>;
  /** How much came on a day; see `ReceivedStore.arrivals`. `undefined` if nobody knows. */
  readonly arrivals: (query: ArrivalQuery) => ArrivalLoad | undefined;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** Judges an arrival. Never rejects. */
export type Admit = (arrival: Arrival) => Promise<Admission>;

/**
 * Reports that one submitter may send a day: one for each domain of ours, and some again. Unsigned reports stop here.
 * Signed reports have as much again, so a forger cannot use up the submitter's share.
 */
export const REPORTS_A_DAY = 1000;

/**
 * Unsigned reports about one domain of ours that are taken a day. Few senders post reports, and anybody can make up a
 * thousand: the page of a domain reads a month of them at once, and what it reads must fit into a moment.
 */
export const UNSIGNED_OF_DOMAIN_A_DAY = 200;

/** Unsigned reports that are taken a day in all, so that they never fill the file: five each about 1,000 domains. */
export const UNSIGNED_A_DAY = 5000;

/**
 * Submitters a day whose first signed report is taken. There are some hundred senders in the world; but whoever has a
 * domain has as many names below it, each with a signature. Senders that are known go on.
 */
export const NEW_SENDERS_A_DAY = 500;

const DAY_MS = 24 * 60 * 60_000;

/** How far ahead of our clock a report may reach, ms: to the end of a day that has just begun, by another clock. */
const AHEAD_MS = DAY_MS + 60 * 60_000;

/** Characters of remote text in a refusal. */
const QUOTED_CHARS = 80;

/** A report that was found. */
type Found = Exclude<ArrivalReading, { readonly kind: "refused" }>;

/** What is known of a report before it is known who sent it. */
interface Candidate {
  readonly reportId: string;
  readonly range: AdmittedReport["range"];
  readonly policies: readonly AdmittedPolicy[];
}

/** Creates the function that judges. */
export function createAdmission(options: AdmissionOptions): Admit {
  return (arrival) =>
    containerOf(arrival.octets) === "other" && arrival.octets.length > 0
      ? admitMail(arrival, options)
      : admitBare(arrival, options);
}

/** Mail comes by mail, or as a file that the operator names. */
async function admitMail(arrival: Arrival, options: AdmissionOptions): Promise<Admission> {
  if (arrival.way === "https") return refuse("unreadable", "it is neither JSON nor gzip");
  if (arrival.octets.length > MAIL_MAX_OCTETS) {
    return refuse("unreadable", "it is larger than 8 MiB");
  }
  const { octets, fileName, at } = arrival;
  const signable = prepareSigned(octets);
  if (typeof signable === "string") return refuse("unsigned", signable);
  const read = async (heedsHeader: boolean) => {
    const reading = await readArrival(octets, { fileName, opensForwarded: false, heedsHeader });
    return judgeReading(reading, options);
  };
  const claimed = await read(true);
  if (claimed.kind === "refused") return claimed;
  const signing = await checkSigning(signable, { lookupKey: options.lookupKey, at });
  if (signing.kind === "later") return signing;
  if (signing.kind === "unsigned") return refuse("unsigned", signing.text);
  const submitter = signing.domain;
  // Whoever sends a signed mail on can add this field, and so choose what a report without a policy domain is about.
  const found = signing.isReportDomainOpen ? await read(false) : claimed;
  if (found.kind === "refused") return found;
  return admit({ ...found, arrival, submitter, authentication: "dkim" }, options);
}

/** JSON or gzip without a mail around it: nobody can say who wrote it. */
async function admitBare(arrival: Arrival, options: AdmissionOptions): Promise<Admission> {
  if (arrival.way === "mail") return refuse("unreadable", "it is not a mail");
  const { octets, fileName } = arrival;
  if (options.rules().unsigned === "refuse") {
    return refuse("unsigned-refused", "reports without a signature are not taken");
  }
  const found = judgeReading(await readArrival(octets, { fileName }), options);
  if (found.kind === "refused") return found;
  const { contact } = found.reading.report;
  const submitter = contact === undefined ? undefined : toDomainName(mailDomain(contact));
  if (submitter === undefined || !contact?.includes("@") || !submitter.includes(".")) {
    return refuse("unidentified", "its contact-info is not a mail address");
  }
  return admit({ ...found, arrival, submitter, authentication: "unsigned" }, options);
}

/** Judges what a report says of itself. */
function judgeReading(
  reading: ArrivalReading,
  { rules, now }: Pick<AdmissionOptions, "rules" | "now">,
): { kind: "found"; reading: Found; candidate: Candidate } | Refused {
  if (reading.kind === "refused") return refuse("unreadable", reading.text);
  const { report, domain } = reading;
  const { reportId, range } = report;
  if (reportId === undefined) return refuse("unidentified", "it has no report-id");
  if (range === undefined) return refuse("unidentified", "it has no date-range");
  const { domains, keepDays } = rules();
  const policies = admitPolicies(report.policies, { domains, named: domain });
  if (policies.length === 0) {
    const [other] = report.policies.flatMap((policy) => policy.domain ?? []);
    const what = other === undefined ? "no domain" : quoteText(other, QUOTED_CHARS);
    return refuse("foreign", `it is about ${what}, which is not in received.domains`);
  }
  const first = Math.min(range.begin, range.end);
  const last = Math.max(range.begin, range.end);
  if (last > now() + AHEAD_MS) return refuse("out-of-range", "it is about the future");
  if (first < now() - keepDays * DAY_MS) {
    return refuse("out-of-range", `it is older than ${keepDays} days (received.keep_days)`);
  }
  return { kind: "found", reading, candidate: { reportId, range, policies } };
}

interface AdmitOptions extends Pick<AdmittedReport, "submitter" | "authentication"> {
  readonly reading: Found;
  readonly candidate: Candidate;
  readonly arrival: Arrival;
}

function admit(
  { reading, candidate, arrival, submitter, authentication }: AdmitOptions,
  { arrivals }: AdmissionOptions,
): Admission {
  const { way, at } = arrival;
  const domains = [...new Set(candidate.policies.map(({ domain }) => domain))];
  const load = way === "file" ? undefined : arrivals({ submitter, domains, at });
  const excess = load && findExcess(load, { submitter, authentication });
  if (excess !== undefined) return refuse("too-many", excess);
  const { organization, contact } = reading.report;
  return {
    kind: "admitted",
    report: {
      ...candidate,
      ...{ submitter, organization, contact, authentication, way, receivedAt: at },
      deviations: reading.deviations,
      gzip: pack(reading.octets),
    },
  };
}

/** What there is too much of, as the end of a sentence. */
function findExcess(
  { ofSubmitter, unsigned, unsignedOfDomain, isNew, newSenders }: ArrivalLoad,
  { submitter, authentication }: Pick<AdmittedReport, "submitter" | "authentication">,
): string | undefined {
  const isSigned = authentication === "dkim";
  const most = isSigned ? 2 * REPORTS_A_DAY : REPORTS_A_DAY;
  if (ofSubmitter >= most) return `${submitter} has sent ${most} reports today`;
  if (isSigned) {
    return isNew && newSenders >= NEW_SENDERS_A_DAY
      ? `${NEW_SENDERS_A_DAY} senders reported for the first time today`
      : undefined;
  }
  if (unsignedOfDomain >= UNSIGNED_OF_DOMAIN_A_DAY) {
    return `${UNSIGNED_OF_DOMAIN_A_DAY} unsigned reports about the domain came today`;
  }
  return unsigned >= UNSIGNED_A_DAY ? `${UNSIGNED_A_DAY} unsigned reports came today` : undefined;
}

/** The JSON in gzip, the same octets however it was packed. */
function pack(octets: Uint8Array): Uint8Array {
  const unpacked = unpack(octets);
  return unpacked.kind === "unpacked" ? gzipSync(unpacked.octets) : octets;
}

type Refused = Extract<Admission, { readonly kind: "refused" }>;

function refuse(refusal: Refusal, text: string): Refused {
  return { kind: "refused", refusal, text };
}
