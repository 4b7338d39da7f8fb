/**
 * The keys of a zone: what one socketmap name answers, and how.
 *
 * @module
 */

import { choice, count, flag, seconds } from "./kinds.ts";

/** Octets: room for a host name or two, and more than any sensible policy needs. */
const MATCH_LIMITS = [64, 10_000] as const;

/** Keys below `default_zone`, and below each name in `zones` without the defaults. */
export const ZONE_KEYS = {
  strict_testing: flag({
    default: false,
    text: "Treat policies in mode `testing` like those in mode `enforce`.",
  }),
  timeout: seconds({
    range: [0.1, 90],
    default: 10,
    text:
      "How long one query may wait for DNS and HTTPS together. Postfix itself gives up after 100 seconds.",
  }),
  require_sni: flag({
    default: true,
    text: "Add `servername=hostname` to the reply. This requires Postfix 3.4 or later.",
  }),
  tlsrpt: flag({
    default: false,
    text:
      "Add the attributes for TLS reports and for matching MX hosts. This requires Postfix 3.10 or later: older versions reject the reply.",
  }),
  dane: choice({
    words: ["auto", "off", "require"],
    default: "auto",
    text:
      "Whether DANE takes precedence over MTA-STS. With `auto`, the reply for a domain that DANE protects is `dane-only` (RFC 8461 §2). With `require`, mail is also deferred unless the resolver is known to validate DNSSEC. With `off`, DANE is ignored.",
  }),
  on_dns_failure: choice({
    words: ["deliver", "defer"],
    default: "deliver",
    text:
      "How to answer while DNS fails and no policy is known. With `deliver`, as if the domain had none. With `defer`, so that Postfix tries again later.",
  }),
  match_limit: count({
    range: MATCH_LIMITS,
    text:
      "How many octets the list of names in the reply may have. By default, there is no limit. If the MX hosts do not fit, the reply lists the policy's patterns. If these do not fit either, mail is deferred. A long list makes Sendmail skip all checks.",
  }),
};
