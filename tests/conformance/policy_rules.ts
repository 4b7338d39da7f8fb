/** Rules of a sender: what a policy says, and how long it is kept (RFC 8461 §3.2, §5, §8, §10); see `rfc8461.ts`. */

import type { Requirement } from "./requirement.ts";

export const POLICY_RULES: readonly Requirement[] = [
  {
    id: "P1",
    section: "3.2",
    says:
      "Keys and values have their exact case. White space may follow the colon and end the line, but not precede the colon. The order is free.",
    heldBy: [
      [
        "policy",
        "parsePolicy() takes LF and CRLF, white space after the colon and at the end (RFC 8461 §3.2)",
      ],
      ["policy", "parsePolicy() says what is wrong and where (RFC 8461 §3.2)"],
      ["policy", "parsePolicy() agrees with the vectors (RFC 8461 §3.2)"],
    ],
  },
  {
    id: "P2",
    section: "3.2",
    says: "`version`, `mode` and `max_age` are there, and an `mx` unless the mode is `none`.",
    heldBy: [
      ["policy", "parsePolicy() says what is wrong and where (RFC 8461 §3.2)"],
      ["policy", "parsePolicy() needs no mx for mode none (RFC 8461 §3.2)"],
      [
        "resolver",
        "kept-fetch-failed: when the fetch for a new id gives an invalid policy, the cached policy stays (RFC 8461 §3.3)",
      ],
      ["tlsrpt", "tlsrptResult() has a result type for each failure (RFC 8460 §4.3.2.2)"],
    ],
  },
  {
    id: "P3",
    level: "SHALL",
    section: "3.2",
    says: "Unknown fields are ignored. If a field other than `mx` is repeated, the first counts.",
    heldBy: [
      ["policy", "parsePolicy() ignores unknown fields, malformed ones too (RFC 8461 §3.2)"],
      [
        "policy",
        "parsePolicy() lets the first of repeated fields count, and all mx (RFC 8461 §3.2)",
      ],
    ],
  },
  {
    id: "P4",
    level: "MUST",
    section: "3.2",
    says: "Each `mx` has a line of its own.",
    heldBy: [
      ["policy", "parsePolicy() agrees with the vectors (RFC 8461 §3.2)"],
      ["policy", "parsePolicy() says what is wrong and where (RFC 8461 §3.2)"],
    ],
  },
  {
    id: "P5",
    level: "MUST",
    section: "3.2",
    says: "Internationalized names in `mx` are A-labels.",
    heldBy: [
      ["mxPattern", "parseMxPattern() takes a host name, or *. and one (RFC 8461 §3.2)"],
      ["policy", "parsePolicy() agrees with the vectors (RFC 8461 §3.2)"],
    ],
  },
  {
    id: "P6",
    section: "3.2",
    says: "`max_age` is from 0 to 31557600; a larger value counts as the largest.",
    heldBy: [
      ["policy", "parsePolicy() caps max_age at its limit (RFC 8461 §3.2)"],
      ["policy", "parsePolicy() says what is wrong and where (RFC 8461 §3.2)"],
      ["resolver", "fetched: a max_age of 0 serves the current answer only (RFC 8461 §3.2)"],
    ],
  },
  {
    id: "P7",
    level: "SHOULD",
    section: "3.2, 5.1",
    says: "A policy lives for `max_age` from its last fetch; a TXT lookup is not a fetch.",
    heldBy: [
      [
        "resolver",
        "unchanged: the same id does not lengthen the life of a policy (RFC 8461 §3.2, §5.1)",
      ],
      [
        "cacheRows",
        "readPolicyRow() parses the text, and adds max_age to the time of the fetch (RFC 8461 §3.2)",
      ],
    ],
  },
  {
    id: "P8",
    section: "3.2",
    says:
      "Lines end in LF or CRLF and in nothing else. NUL and a byte order mark are invalid. Blank lines are accepted.",
    heldBy: [
      ["policy", "parsePolicy() says what is wrong and where (RFC 8461 §3.2)"],
      [
        "policy",
        "parsePolicy() takes LF and CRLF, white space after the colon and at the end (RFC 8461 §3.2)",
      ],
      ["fetchAnswers", "fetchPolicy() leaves a BOM in the text and replaces malformed UTF-8"],
    ],
  },
];

export const CACHE_RULES: readonly Requirement[] = [
  {
    id: "C1",
    section: "5.1",
    says: "A cached policy is used up to its `max_age`, and none beyond it.",
    heldBy: [
      ["resolver", "fresh: a policy checked lately is answered at once, with no lookup at all"],
      [
        "resolver",
        "expired: an expired policy is never used, its id never revives it (RFC 8461 §5.1)",
      ],
      ["year", "a year of random outcomes never differs from the model (RFC 8461 §3, §5)"],
    ],
  },
  {
    id: "C2",
    section: "3, 5.1",
    says: "If the `id` differs from the cached one, the sender fetches the policy.",
    heldBy: [
      [
        "resolver",
        "replaced: a new id brings the new policy, whatever its mode (RFC 8461 §5.1, §8.3)",
      ],
      ["discovery", "an id is new when it differs, whichever sorts first (RFC 8461 §3.1)"],
    ],
  },
  {
    id: "C3",
    level: "SHOULD",
    section: "3.3",
    says: "Policies are fetched again before they expire, about daily.",
    heldBy: [
      ["refresher", "startRefresher() fetches each policy about daily, spread over half a day"],
      ["refresher", "startRefresher() fetches policies of a short max_age before they expire"],
    ],
  },
  {
    id: "C4",
    level: "SHOULD NOT",
    section: "10.2",
    says: "The regular fetch does not wait for the TXT record, which an attacker may hide.",
    heldBy: [
      [
        "refresher",
        "startRefresher() outlasts an attacker who hides the TXT record (RFC 8461 §10.2)",
      ],
      [
        "resolver",
        "the regular fetch is made whatever TXT says, before expiry (RFC 8461 §10.2)",
      ],
    ],
  },
  {
    id: "C5",
    level: "SHOULD",
    section: "3.3, 10.2",
    says:
      "Administrators learn in time of a policy that cannot be refreshed, unless its mode is `none`.",
    heldBy: [
      [
        "observer",
        "createObserver() warns of a policy that stays in use, and of one overdue (RFC 8461 §10.2)",
      ],
      [
        "observer",
        "createObserver() warns of a policy about to expire without a fetch (RFC 8461 §3.3)",
      ],
      [
        "observer",
        "createObserver() says nothing when a policy of mode none is gone (RFC 8461 §8.3)",
      ],
    ],
  },
  {
    id: "C6",
    section: "8.3",
    says:
      "Mode `none` replaces any policy at once and is cached like one. A policy that disappears after it is no error.",
    heldBy: [
      [
        "discovery",
        "mode none ends a policy at once, is kept like any other, and its end is no news (RFC 8461 §8.3)",
      ],
      [
        "resolver",
        "replaced: a new id brings the new policy, whatever its mode (RFC 8461 §5.1, §8.3)",
      ],
    ],
  },
  {
    id: "C7",
    section: "3.1, 3.3",
    says: "No failure, and no invalid policy, takes the place of a valid cached one.",
    heldBy: [
      [
        "resolver",
        "kept-without-record: with … the cached policy stays in use (RFC 8461 §3.1, §3.3)",
      ],
      [
        "resolver",
        "kept-fetch-failed: when the fetch for a new id fails, the cached policy stays (RFC 8461 §3.3)",
      ],
      [
        "resolver",
        "kept-fetch-failed: when the fetch for a new id gives an invalid policy, the cached policy stays (RFC 8461 §3.3)",
      ],
    ],
  },
  {
    id: "C8",
    level: "MUST NOT",
    section: "5, 5.1",
    says: "No message fails permanently before the sender has asked DNS for a newer policy.",
    heldBy: [
      [
        "discovery",
        "a changed policy is noticed within a day, however the checks are set (RFC 8461 §5.1)",
      ],
    ],
    others:
      "Postfix defers and asks again at each attempt, for five days by default (`maximal_queue_lifetime`).",
  },
  {
    id: "C9",
    level: "SHOULD",
    section: "5",
    says: "A delivery that fails because of the policy is tried again later.",
    heldBy: [
      ["dane", "when no MX host matches the policy, Postfix defers (RFC 8461 §4.1)"],
      ["responder", "createResponder() defers when the resolver fails, and says where"],
    ],
    others: "Postfix defers with 4.7.5; no reply says PERM.",
  },
  {
    id: "C10",
    section: "8.1",
    says:
      "The old file may still be served under a new `id`, so a change during the fetch is fetched again.",
    heldBy: [
      [
        "discovery",
        "a policy is kept under the id seen before its fetch, so a change meanwhile is not missed (RFC 8461 §8.1)",
      ],
    ],
    others:
      "Domain owners replace the file before the TXT record; `publish roll` keeps that order.",
  },
  {
    id: "C11",
    section: "10.2",
    says: "The cache survives a restart.",
    heldBy: [
      [
        "resolver",
        "a restart answers from the store with DNS and HTTPS dead (RFC 8461 §10.2)",
      ],
      ["store", "createSqliteStore() finds everything again after a restart"],
      [
        "daemon",
        "serve answers what it had acknowledged after kill -9, with DNS and HTTPS off (RFC 8461 §10.2)",
      ],
    ],
  },
];
