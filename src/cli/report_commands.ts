/**
 * `report …`: the commands about TLS reports (RFC 8460).
 *
 * @module
 */

import { type Command, CONFIG_OPTION, PROGRAM } from "./command.ts";

export const reportServeCommand: Command = {
  name: "report serve",
  operands: "",
  arity: [0, 0],
  summary: "Run the daemon that counts for TLS reports (RFC 8460)",
  description: [
    "Collects the outcomes of TLS sessions from Postfix 3.10 and later (smtp_tlsrpt_socket_name), and",
    "from 'serve' the failures that Postfix cannot see. Counts per domain and UTC day. See",
    "docs/tls-reports.md.",
    "TERM and INT stop it. HUP reads the configuration again; sockets stay as they are.",
  ],
  options: [CONFIG_OPTION],
  exits: [
    [0, "stopped by a signal"],
    [2, "wrong arguments or configuration"],
    [3, "a socket cannot be opened"],
  ],
  run: async (args, io) => await (await import("./report_serve.ts")).run(args, io),
};

export const reportStatusCommand: Command = {
  name: "report status",
  operands: "",
  arity: [0, 0],
  summary: "Show the counts for TLS reports, and their deliveries",
  description: [
    "Prints the days in the report file with their sessions and deliveries, when the next report is",
    "due, whether the DKIM key is the one in DNS, and the last failures. The last second of counts may still",
    "be in the daemon's memory.",
  ],
  options: [CONFIG_OPTION, { name: "json", text: "Print JSON" }],
  exits: [[0, "printed"], [2, "wrong arguments or configuration"], [3, "no report file"]],
  run: async (args, io) => await (await import("./report_status.ts")).run(args, io),
};

export const reportShowCommand: Command = {
  name: "report show",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Print the TLS report of a domain",
  description: [
    "Prints the report of DOMAIN (RFC 8460) for a UTC day, by default the last one with sessions.",
    "The report of today covers the day so far. Nothing is sent.",
    "With '--mail', prints the mail around it as it would be sent now to the first address in the TLSRPT",
    "record: headers and body, signed if there is a key. Lines end in CRLF, as on the wire.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "day", value: "DATE", text: "The day, such as 2026-11-27" },
    { name: "mail", text: "Print the mail instead of the report" },
  ],
  exits: [
    [0, "printed"],
    [1, "nothing was counted for the domain, or no report would go to it by mail"],
    [2, "wrong arguments or configuration"],
    [3, "no report file, or the DKIM key cannot be read"],
  ],
  run: async (args, io) => await (await import("./report_show.ts")).run(args, io),
};

export const reportSendCommand: Command = {
  name: "report send",
  operands: "[DOMAIN…]",
  arity: [0, 1000],
  summary: "Send TLS reports now, or a copy to yourself",
  description: [
    "Makes the reports of closed days due at once, so that 'report serve' sends them. With DOMAIN, also",
    "retries those that were refused or have expired. What was sent is not sent again.",
    "With '--to', this command itself sends the report of each DOMAIN to URI, as a test: a copy for the",
    "last day with sessions, or for '--day', open or closed. Nothing else changes.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "day", value: "DATE", text: "The day, such as 2026-11-27" },
    { name: "to", value: "URI", text: "Send a copy to URI, such as mailto:me@example.com" },
  ],
  exits: [
    [0, "due now, or sent"],
    [1, "nothing waits or was counted, or a copy was not accepted"],
    [2, "wrong arguments or configuration"],
    [3, "no report file, or it cannot be written"],
  ],
  examples: [[
    `${PROGRAM} report send example.net --to mailto:me@example.com`,
    "See how a report arrives, and whether its signature is valid",
  ]],
  run: async (args, io) => await (await import("./report_send.ts")).run(args, io),
};

export const reportKeyCommand: Command = {
  name: "report key",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Make a DKIM key for report mail, and print its DNS record",
  description: [
    "Makes a key in FILE, by default that of 'report.dkim.key_file', and prints the record to publish.",
    "If FILE exists, keeps it and prints its record. DOMAIN is the domain of 'report.contact'.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "file", value: "FILE", text: "Where the key is or will be" },
    { name: "selector", value: "NAME", text: "Selector (default that of the configuration)" },
    {
      name: "ed25519",
      text: "Make an Ed25519 key instead of RSA; not every receiver knows these",
    },
  ],
  exits: [
    [0, "printed"],
    [2, "wrong arguments or configuration"],
    [3, "the file cannot be written, or has no key"],
  ],
  examples: [[
    `${PROGRAM} report key example.com --file /etc/mta-sts-resolver/dkim.pem`,
    "Make the key for example.com",
  ]],
  run: async (args, io) => await (await import("./report_key.ts")).run(args, io),
};

export const reportReadCommand: Command = {
  name: "report read",
  operands: "FILE…",
  arity: [1, Infinity],
  summary: "Explain TLS reports that others sent",
  description: [
    "Reads mails, JSON and gzip, or standard input for '-', and says who reports, for which time, which policy",
    "they saw, what failed at which host, what that means and what to do, and where the file departs from",
    "RFC 8460. Whether the sender is who it says is not verified.",
  ],
  options: [{ name: "json", short: "j", text: "Print one JSON object per line for each file" }],
  exits: [
    [0, "all files are reports, and nothing failed"],
    [1, "a report names failures"],
    [2, "wrong arguments, or a file cannot be read"],
    [3, "a file has no report"],
  ],
  examples: [
    ["mta-sts-resolver report read report.json.gz", "Explain a report"],
    ["mta-sts-resolver report read Maildir/new/*", "Explain all reports of a mailbox"],
  ],
  run: async (args, io) => await (await import("./report_read.ts")).run(args, io),
};
