/** Rules of a sender: how MX hosts are validated, and what is reported (RFC 8461 §2, §4, §5, §6); see `rfc8461.ts`. */

import type { Requirement } from "./requirement.ts";

export const VALIDATION_RULES: readonly Requirement[] = [
  {
    id: "V1",
    level: "MUST",
    section: "4, 4.1",
    says:
      "The MX host's name matches an `mx` of the policy, where `*` is exactly one left-most label.",
    heldBy: [
      ["mxPattern", "matchesMx() agrees with the vectors (RFC 8461 §4.1)"],
      ["mxPattern", "matchesMx() gives * exactly one label and folds case (RFC 8461 §4.1)"],
      [
        "dane",
        "wildcards are answered as the exact names of the MX hosts that match (RFC 8461 §4.1)",
      ],
      ["answer", "formatAnswer() matches the hosts when known, else the patterns (RFC 8461 §4.1)"],
    ],
    others:
      "Postfix compares names; from 3.10.5 on it also checks the MX host against the policy itself.",
  },
  {
    id: "V2",
    level: "MUST",
    section: "4, 4.2",
    says: "The MX host offers STARTTLS, with a valid certificate for its name from a trusted root.",
    heldBy: [
      ["resolver", "fetched: a policy found at first contact is stored and answered"],
      [
        "property",
        "no policy text and no TXT record bring anything unvalidated into a reply (RFC 8461 §3.2)",
      ],
    ],
    others:
      "Postfix does, at the level `secure` that the reply asks for; `deno task e2e` delivers mail to show it.",
  },
  {
    id: "V3",
    level: "MUST NOT",
    section: "5",
    says: "Under mode `enforce`, nothing is delivered to a host that fails.",
    heldBy: [
      [
        "property",
        "no policy text and no TXT record bring anything unvalidated into a reply (RFC 8461 §3.2)",
      ],
      ["answer", "formatAnswer() prints for any answer what Postfix reads without complaint"],
      ["dane", "when no MX host matches the policy, Postfix defers (RFC 8461 §4.1)"],
    ],
    others: "Postfix defers at the level `secure`; `deno task e2e` delivers mail to show it.",
  },
  {
    id: "V4",
    section: "5",
    says: "Modes `testing` and `none` deliver as if nothing failed.",
    heldBy: [
      ["resolver", "mode testing is enforced in a zone with strict_testing only (RFC 8461 §5)"],
      [
        "resolver",
        "replaced: a new id brings the new policy, whatever its mode (RFC 8461 §5.1, §8.3)",
      ],
    ],
  },
  {
    id: "V5",
    level: "MUST",
    section: "7.1",
    says: "The TLS handshake with an MX host names it (SNI).",
    heldBy: [
      ["answer", "formatAnswer() asks for SNI only where it is wanted (RFC 8461 §7.1)"],
      ["defaults", "loadConfig() without a file gives the embedded defaults"],
    ],
    others:
      "Postfix does, as `servername=hostname` asks; `require_sni: false` is for Postfix before 3.4.",
  },
  {
    id: "V6",
    section: "8.4",
    says: "MX hosts are tried as usual; one that fails validation counts as unreachable.",
    heldBy: [
      [
        "dane",
        "wildcards are answered as the exact names of the MX hosts that match (RFC 8461 §4.1)",
      ],
    ],
    others: "Postfix chooses the hosts; the reply names all that match, in one list.",
  },
  {
    id: "V7",
    level: "MUST NOT",
    section: "2",
    says: "A failed DANE validation is not overridden.",
    heldBy: [
      ["dane", "DANE goes before MTA-STS: dane-only (RFC 8461 §2)"],
      ["dane", "a TLSA lookup that fails is never taken for no DANE (RFC 7672 §2.1)"],
      ["answer", "formatAnswer() for DANE names no attributes (RFC 8461 §2)"],
    ],
    others: "Postfix validates at the level `dane-only`.",
  },
];

export const REPORT_RULES: readonly Requirement[] = [
  {
    id: "R1",
    level: "SHOULD",
    section: "6",
    says: "A fetch that fails although the TXT record is valid is reported.",
    heldBy: [
      ["tlsrpt", "tlsrptResult() has a result type for each failure (RFC 8460 §4.3.2.2)"],
      [
        "failures",
        "lookup, reply and counter distinguish every failure (RFC 8461 §3.1, §3.3)",
      ],
    ],
    others: "Only if `report serve` runs (docs/tls-reports.md); it is off by default.",
  },
  {
    id: "R2",
    level: "SHOULD",
    section: "6",
    says: "Any failure to fetch while a policy is cached is reported, unless its mode is `none`.",
    heldBy: [
      [
        "observer",
        "createObserver() warns of a policy that stays in use, and of one overdue (RFC 8461 §10.2)",
      ],
    ],
    others: "Only if `report serve` runs (docs/tls-reports.md); it is off by default.",
  },
  {
    id: "R3",
    level: "SHOULD",
    section: "6",
    says:
      "A delivery to a host without STARTTLS or a valid certificate is reported, unless the mode is `none`.",
    heldBy: [
      ["answer", "formatAnswer() adds the attributes of Postfix 3.10 in a fixed order"],
    ],
    others:
      "Postfix 3.10 and later does, with the attributes that a zone with `tlsrpt` adds to the reply.",
  },
];
