/** Rules of a sender: which domain has a policy, and its TXT record (RFC 8461 §3.1, §3.4); see `rfc8461.ts`. */

import type { Requirement } from "./requirement.ts";

export const DOMAIN_RULES: readonly Requirement[] = [
  {
    id: "S1",
    section: "1.1",
    says:
      "The policy domain is the next hop: the recipient's domain, unless routing names another.",
    heldBy: [
      ["domain", "readKey() finds the policy domain in every form of next hop (RFC 8461 §3.4)"],
      [
        "responder",
        "createResponder() asks the resolver and prints its answer as the zone wants it",
      ],
    ],
    others: "Postfix routes the mail and asks with the next hop.",
  },
  {
    id: "S2",
    level: "MUST",
    section: "3.4",
    says: "With a smart host, its domain is the policy domain.",
    heldBy: [
      ["domain", "readKey() finds the policy domain in every form of next hop (RFC 8461 §3.4)"],
      [
        "daneRecords",
        "assessMx() takes a bracketed name for the host, with its port (RFC 8461 §3.4)",
      ],
    ],
  },
  {
    id: "S3",
    section: "3.4",
    says: "An address literal has no policy.",
    heldBy: [
      ["domain", "readKey() knows addresses, which have no policy (RFC 8461 §3.4)"],
      [
        "responder",
        "createResponder() answers keys that are no domain without the resolver (RFC 8461 §3.4)",
      ],
    ],
  },
  {
    id: "S4",
    level: "MUST NOT",
    section: "3.4",
    says: "A policy is not taken from the parent zone.",
    heldBy: [
      ["discovery", "a subdomain never takes the policy of its parent zone (RFC 8461 §3.4)"],
      ["domain", "readKey() recognizes the keys of Postfix's walk to the parents (RFC 8461 §3.4)"],
      ["responder", "createResponder() answers parent keys without the resolver (RFC 8461 §3.4)"],
    ],
  },
];

export const TXT_RULES: readonly Requirement[] = [
  {
    id: "T1",
    level: "MUST",
    section: "3.1",
    says:
      "The record is US-ASCII: pairs of key and value separated by semicolons, `v` and `id` among them.",
    heldBy: [
      ["txtRecord", "selectTxtRecord() agrees with the vectors (RFC 8461 §3.1)"],
      ["txtRecord", "selectTxtRecord() tells a postmaster which mistake it is"],
      [
        "discovery",
        "a record that is not ASCII: no policy, and nothing is fetched (RFC 8461 §3.1)",
      ],
      ["discovery", "a record without id: no policy, and nothing is fetched (RFC 8461 §3.1)"],
    ],
  },
  {
    id: "T2",
    level: "MUST",
    section: "3.1",
    says: "The version comes first; the other fields may have any order.",
    heldBy: [
      [
        "txtRecord",
        "selectTxtRecord() takes white space around semicolons, and extensions (RFC 8461 §3.1)",
      ],
      ["txtRecord", "selectTxtRecord() tells a postmaster which mistake it is"],
    ],
  },
  {
    id: "T3",
    section: "3.1",
    says: "Records that do not begin with `v=STSv1;` are discarded.",
    heldBy: [
      [
        "txtRecord",
        "selectTxtRecord() discards records of other kinds, then wants one (RFC 8461 §3.1)",
      ],
    ],
  },
  {
    id: "T4",
    level: "MUST",
    section: "3.1",
    says: "If there is not exactly one valid record, there is no policy, and discovery ends.",
    heldBy: [
      ["discovery", "two records: no policy, and nothing is fetched (RFC 8461 §3.1)"],
      ["discovery", "twice the same record: no policy, and nothing is fetched (RFC 8461 §3.1)"],
      [
        "discovery",
        "an invalid record beside a valid one: no policy, and nothing is fetched (RFC 8461 §3.1)",
      ],
      [
        "txtRecord",
        "selectTxtRecord() discards records of other kinds, then wants one (RFC 8461 §3.1)",
      ],
    ],
  },
  {
    id: "T5",
    section: "3.1, 5.1",
    says: "A record that is gone or wrong does not remove a cached policy.",
    heldBy: [
      [
        "resolver",
        "kept-without-record: with no record the cached policy stays in use (RFC 8461 §3.1, §3.3)",
      ],
      [
        "resolver",
        "kept-without-record: with several records the cached policy stays in use (RFC 8461 §3.1, §3.3)",
      ],
      [
        "resolver",
        "kept-without-record: with an invalid record the cached policy stays in use (RFC 8461 §3.1, §3.3)",
      ],
    ],
  },
  {
    id: "T6",
    level: "MUST",
    section: "3.1",
    says: "The character-strings of a record are joined without a space.",
    heldBy: [
      ["findTxt", "findTxt() joins the strings of each record without a space (RFC 8461 §3.1)"],
      [
        "dnsRecords",
        "RECORD_READERS.TXT joins the strings without a space, one character per octet (RFC 8461 §3.1)",
      ],
    ],
  },
  {
    id: "T7",
    level: "MUST",
    section: "3.1, 8.2",
    says:
      "A sender follows aliases, one or a chain; the policy host remains that of the domain itself.",
    heldBy: [
      ["discovery", "the TXT record may stand behind a chain of aliases (RFC 8461 §3.1)"],
      [
        "discovery",
        "the policy host is that of the domain asked for, wherever its TXT record stands (RFC 8461 §3.1, §8.2)",
      ],
      ["dnsFailover", "lookup() follows ten aliases in all and no more"],
      ["dnsMessage", "decodeReply() bounds the CNAME chain, loops included"],
    ],
  },
  {
    id: "T8",
    level: "MUST",
    section: "3.2",
    says: "A valid record with unknown fields is accepted, and the fields are ignored.",
    heldBy: [
      [
        "txtRecord",
        "selectTxtRecord() takes white space around semicolons, and extensions (RFC 8461 §3.1)",
      ],
      ["txtRecord", "selectTxtRecord() agrees with the vectors (RFC 8461 §3.1)"],
    ],
  },
  {
    id: "T9",
    level: "SHALL",
    section: "3.2",
    says: "If a field that may occur only once is repeated, the first counts.",
    heldBy: [
      [
        "txtRecord",
        "selectTxtRecord() takes white space around semicolons, and extensions (RFC 8461 §3.1)",
      ],
      [
        "policy",
        "parsePolicy() lets the first of repeated fields count, and all mx (RFC 8461 §3.2)",
      ],
    ],
  },
  {
    id: "T10",
    section: "3.1",
    says:
      "An `id` has 1 to 32 letters and digits. Two of them are equal or different; they have no order.",
    heldBy: [
      ["discovery", "an id is new when it differs, whichever sorts first (RFC 8461 §3.1)"],
      ["txtRecord", "selectTxtRecord() never throws, and what it finds is an id (RFC 8461 §3.1)"],
      ["txtRecord", "selectTxtRecord() tells a postmaster which mistake it is"],
    ],
  },
];
