/** Rules of a sender: how a policy is fetched (RFC 8461 §3.3, §7); see `rfc8461.ts`. */

import type { Requirement } from "./requirement.ts";

export const FETCH_RULES: readonly Requirement[] = [
  {
    id: "H1",
    section: "3.2",
    says: "The policy is at `https://mta-sts.DOMAIN/.well-known/mta-sts.txt`, port 443.",
    heldBy: [
      [
        "fetchAnswers",
        "fetchPolicy() asks the well-known path of the policy host, and no cache (RFC 8461 §3.2, §3.3)",
      ],
      [
        "domain",
        "policyHost() and txtName() name the two places of a policy (RFC 8461 §3.1, §3.3)",
      ],
    ],
  },
  {
    id: "H2",
    level: "MUST",
    section: "3.3",
    says: "The certificate is valid for the policy host now, and leads to a trusted root.",
    heldBy: [
      ["certificates", "fetchPolicy() judges a certificate with other names (RFC 8461 §3.3)"],
      [
        "certificates",
        "fetchPolicy() judges a certificate with a time that is over (RFC 8461 §3.3)",
      ],
      ["certificates", "fetchPolicy() judges a certificate with a time to come (RFC 8461 §3.3)"],
      [
        "certificates",
        "fetchPolicy() refuses certificates no trusted CA has signed (RFC 8461 §3.3)",
      ],
      [
        "certificates",
        "fetchPolicy() accepts a chain with its intermediate certificate only (RFC 8461 §3.3)",
      ],
      ["trustRoots", "loadTrustRoots() says how to trust exactly the roots chosen (RFC 8461 §3.3)"],
    ],
  },
  {
    id: "H3",
    section: "3.3",
    says: "Only a DNS-ID matches: no common name, no address.",
    heldBy: [
      [
        "certificates",
        "fetchPolicy() judges a certificate with a common name only (RFC 8461 §3.3)",
      ],
      [
        "certificates",
        "fetchPolicy() judges a certificate with a common name and an address (RFC 8461 §3.3)",
      ],
    ],
  },
  {
    id: "H4",
    level: "MAY",
    section: "3.3",
    says: "A wildcard stands for the whole left-most label, never for less or more.",
    heldBy: [
      [
        "certificates",
        "fetchPolicy() judges a certificate with a wildcard for one label (RFC 8461 §3.3)",
      ],
      [
        "certificates",
        "fetchPolicy() judges a certificate with a partial wildcard (RFC 8461 §3.3)",
      ],
      [
        "certificates",
        "fetchPolicy() judges a certificate with a wildcard for two labels (RFC 8461 §3.3)",
      ],
    ],
  },
  {
    id: "H5",
    level: "MAY",
    section: "3.3, 10.5",
    says: "A sender may check revocation by any suitable means.",
    heldBy: [],
    others:
      "Not done: the runtime's TLS does not check revocation. README.md says so under Limits.",
  },
  {
    id: "H6",
    level: "MUST",
    section: "7.1",
    says: "The TLS handshake names the policy host (SNI).",
    heldBy: [
      [
        "fetchAnswers",
        "fetchPolicy() names the policy host in the TLS handshake (RFC 8461 §7.1)",
      ],
    ],
  },
  {
    id: "H7",
    level: "MUST",
    section: "7.2",
    says: "TLS 1.2 or later is spoken; older versions are refused.",
    heldBy: [
      [
        "policyHost",
        "a policy host is spoken to in TLS 1.2 or 1.3, in nothing older (RFC 8461 §7.2)",
      ],
      ["fetchAnswers", "fetchPolicy() tells what is wrong with TLS"],
    ],
  },
  {
    id: "H8",
    section: "3.3",
    says: "A sender accepts a policy only with status 200.",
    heldBy: [["fetchAnswers", "fetchPolicy() accepts status 200 alone (RFC 8461 §3.3)"]],
  },
  {
    id: "H9",
    level: "MUST NOT",
    section: "3.3",
    says: "Redirects are not followed.",
    heldBy: [["fetchAnswers", "fetchPolicy() follows no redirect (RFC 8461 §3.3)"]],
  },
  {
    id: "H10",
    level: "MUST NOT",
    section: "3.3, 8.2",
    says: "A sender does not use HTTP caching.",
    heldBy: [
      [
        "policyHost",
        "every fetch asks the policy host anew, whatever HTTP would let be cached (RFC 8461 §3.3, §8.2)",
      ],
      [
        "fetchAnswers",
        "fetchPolicy() asks the well-known path of the policy host, and no cache (RFC 8461 §3.2, §3.3)",
      ],
    ],
  },
  {
    id: "H11",
    level: "SHOULD",
    section: "3.2",
    says: "The media type is `text/plain`, whatever its parameters.",
    heldBy: [
      ["fetchAnswers", "fetchPolicy() insists on text/plain (RFC 8461 §3.2)"],
      ["mediaType", "isTextPlain() agrees with the vectors (RFC 8461 §3.2)"],
    ],
  },
  {
    id: "H12",
    level: "MAY",
    section: "3.3",
    says: "A fetch has one deadline over DNS, connection, TLS and body.",
    heldBy: [
      [
        "fetchAnswers",
        "fetchPolicy() ends by the deadline, whatever is slow (RFC 8461 §3.3)",
      ],
      ["fetch", "fetchPolicy() counts DNS into its deadline"],
      ["fetch", "fetchPolicy() counts the wait for a free place into its deadline"],
    ],
  },
  {
    id: "H13",
    level: "MAY",
    section: "3.3",
    says: "A policy has at most 64 KiB, decoded.",
    heldBy: [
      [
        "fetchAnswers",
        "fetchPolicy() accepts 64 KiB and not an octet more (RFC 8461 §3.3)",
      ],
      ["fetchAnswers", "fetchPolicy() breaks off an endless body"],
      ["fetchAnswers", "fetchPolicy() is not undone by content codings nobody asked for"],
      ["policy", "parsePolicy() refuses what is larger than 64 KiB in UTF-8 (RFC 8461 §3.3)"],
    ],
  },
  {
    id: "H14",
    level: "SHOULD",
    section: "3.3",
    says:
      "After a failed fetch, the same `id` is not tried for five minutes; another one may be tried at once.",
    heldBy: [
      [
        "resolver",
        "kept-fetch-failed: no retry of an id within five minutes, a changed id at once (RFC 8461 §3.3)",
      ],
      [
        "resolver",
        "fetch-failed: a fetch that fails leaves no policy and is not repeated for five minutes (RFC 8461 §3.3)",
      ],
    ],
  },
  {
    id: "H15",
    section: "3.3",
    says: "Fetches may be limited even if the TXT record is valid.",
    heldBy: [
      [
        "resolver",
        "fetch-failed: back-off doubles up to an hour and survives a restart (RFC 8461 §3.3)",
      ],
      [
        "fetchLimits",
        "createFetchLimits() bounds the fetches to an address without holding up others",
      ],
    ],
  },
  {
    id: "H16",
    level: "MUST",
    section: "3.3",
    says:
      "Without a cached policy, a fetch that fails for any reason makes the domain one without MTA-STS.",
    heldBy: [
      [
        "failures",
        "lookup, reply and counter distinguish every failure (RFC 8461 §3.1, §3.3)",
      ],
      ["decision", "decide: fetch-failed, row 8 (RFC 8461 §3.1, §3.3, §5.1)"],
    ],
  },
  {
    id: "H17",
    level: "MUST",
    section: "3.3",
    says: "A cached policy that has not expired is applied if no live one can be found.",
    heldBy: [
      [
        "resolver",
        "kept-without-record: with … the cached policy stays in use (RFC 8461 §3.1, §3.3)",
      ],
      [
        "resolver",
        "kept-fetch-failed: when the fetch for a new id …, the cached policy stays (RFC 8461 §3.3)",
      ],
      ["decision", "decideCheck() never drops a held policy but for a newer one (RFC 8461 §3.3)"],
      ["year", "a year of random outcomes never differs from the model (RFC 8461 §3, §5)"],
    ],
  },
];
