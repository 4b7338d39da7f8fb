/**
 * Turns an answer of the resolver into the value that Postfix's `smtp_tls_policy_maps` gets.
 *
 * `secure match=…` makes Postfix require a valid certificate for one of the names, and switches off
 * Postfix's own DANE check. `match=.example.com` accepts names at any depth, while RFC 8461 §4.1 allows
 * one label only. So exact host names are listed if they are known and the zone has room for them. Postfix 3.10.5 and later compare the
 * MX names with `mx_host_pattern` themselves and then require the MX's own name in its certificate, which
 * is the whole of RFC 8461 §4.
 *
 * One malformed attribute defers all mail to the domain. So every name is checked again before it is
 * printed, and a line of the policy that Postfix could misread is left out of the report.
 *
 * @module
 */

import { isDomainName, isHostname } from "../base/host.ts";
import { formatMatchList, parseMxPattern } from "../sts/mx_pattern.ts";
import type { Answer } from "../resolver/types.ts";
import { formatOk, formatTemp, NOTFOUND_REPLY } from "./socketmap.ts";

type SecureAnswer = Extract<Answer, { kind: "secure" }>;

/** What a zone's Postfix understands; a {@link Zone} is one. */
export interface ReplyOptions {
  /** Adds `servername=hostname`, so that SNI is sent (RFC 8461 §7.1; Postfix 3.4 and later). */
  readonly requireSni: boolean;
  /** Adds the attributes for TLSRPT and for the comparison of MX names (Postfix 3.10 and later). */
  readonly tlsrpt: boolean;
}

/**
 * The name to match if no MX host is in the policy. Postfix 3.10.5 finds that out itself, with a better
 * message than ours. Postfix 3.10.0 to 3.10.4 accept the attributes too but use `match` only, and no
 * public CA can certify a name under `.invalid` (RFC 2606 §2).
 */
const UNMATCHABLE_NAME = "mx-not-in-policy.invalid";

/**
 * Prints an answer as the payload of a socketmap reply.
 *
 * @returns Printable text within Postfix's limits: `TEMP` with the reason if the answer cannot be
 *   printed.
 */
export function formatAnswer(answer: Answer, options: ReplyOptions): string {
  switch (answer.kind) {
    case "notfound":
      return NOTFOUND_REPLY;
    case "dane-only":
      return "OK dane-only";
    case "temp":
      return formatTemp(answer.reason);
    case "secure":
      return formatSecure(answer, options);
  }
}

function formatSecure(answer: SecureAnswer, { requireSni, tlsrpt }: ReplyOptions): string {
  const { domain } = answer;
  if (!isPrintable(answer)) return formatTemp("internal error: malformed name in an answer");
  if (answer.hosts?.length === 0 && !tlsrpt) {
    return formatTemp(`no MX host of ${domain} matches its MTA-STS policy`);
  }
  const words = ["secure", `match=${matchList(answer)}`];
  if (requireSni) words.push("servername=hostname");
  const reports: string[] = [];
  if (tlsrpt) {
    words.push("policy_type=sts", `policy_domain=${domain}`);
    for (const pattern of new Set(answer.patterns)) words.push(`mx_host_pattern=${pattern}`);
    for (const line of answer.policyStrings) {
      if (isQuotable(line)) reports.push(`{ policy_string = ${line} }`);
    }
  }
  // Only reports need the policy lines; delivery needs the rest.
  return formatOk([...words, ...reports].join(" ")) ?? formatOk(words.join(" ")) ??
    formatTemp(`the MTA-STS policy of ${domain} is too long for a reply`);
}

/** The names for `match`, at least one. */
function matchList({ hosts, patterns, listsPatterns }: SecureAnswer): string {
  if (hosts?.length === 0) return UNMATCHABLE_NAME;
  return formatMatchList(listsPatterns ? patterns : hosts ?? patterns);
}

function isPrintable({ domain, patterns, hosts = [] }: SecureAnswer): boolean {
  return isDomainName(domain) && hosts.every(isHostname) && patterns.length > 0 &&
    patterns.every((pattern) => parseMxPattern(pattern) === pattern);
}

/** Whether Postfix reads `{ policy_string = line }` as one attribute: braces must be balanced. */
function isQuotable(line: string): boolean {
  if (/\p{Cc}/u.test(line)) return false;
  let depth = 0;
  for (const char of line) {
    if (char === "{") depth++;
    if (char === "}" && --depth < 0) return false;
  }
  return depth === 0;
}
