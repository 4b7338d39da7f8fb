/**
 * `report receive`, `report import` and `report summary`: the commands about the TLS reports that others send (RFC 8460).
 *
 * @module
 */

import { type Command, CONFIG_OPTION, PROGRAM } from "./command.ts";
import { SUMMARY_DAYS, SUMMARY_THRESHOLDS } from "./options.ts";

export const reportReceiveCommand: Command = {
  name: "report receive",
  operands: "",
  arity: [0, 0],
  summary: "Run the daemon that takes in the TLS reports of others (RFC 8460)",
  description: [
    "Takes in the reports that others send about the domains in 'received.domains': mail from a Maildir, which",
    "needs a valid DKIM signature of its sender, and reports posted over HTTPS, which count as unsigned. Shows",
    "who cannot deliver securely, why, and what to do. See docs/tls-reports-receiving.md.",
    "TERM and INT stop it. HUP reads the configuration and the Maildir again; sockets stay as they are.",
  ],
  options: [CONFIG_OPTION],
  exits: [
    [0, "stopped by a signal"],
    [2, "wrong arguments or configuration"],
    [3, "a socket cannot be opened"],
  ],
  run: async (args, io) => await (await import("./report_receive.ts")).run(args, io),
};

export const reportImportCommand: Command = {
  name: "report import",
  operands: "FILE…",
  arity: [1, Infinity],
  summary: "Import TLS reports from others into the file of received reports",
  description: [
    "Reads mails, JSON and gzip, all files of a directory, the mails of a Maildir or an mbox file, and for '-'",
    "one mail on standard input, as Postfix's pipe(8) hands it over. Each is judged as 'report receive' judges it:",
    "a mail needs a valid DKIM signature of its sender, and JSON without a mail counts as unsigned. A report",
    "counts once, however often it is imported. A running 'report receive' may use the same file; run this as",
    "its user. For '-', a mail that is refused ends with status 0, so that it does not bounce to the reporter.",
    "If a mail cannot be judged now, the status is 75, and Postfix tries again.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "json", short: "j", text: "Print one JSON object per line for each report" },
  ],
  exits: [
    [0, "all were judged, and none was refused; for '-': judged"],
    [1, "some were refused"],
    [2, "wrong arguments or configuration"],
    [3, "a file cannot be read"],
    [
      75,
      "some could not be kept or judged now: the file of reports is in use, full or damaged, or DNS fails",
    ],
  ],
  examples: [
    [`${PROGRAM} report import /var/mail/tlsrpt/Maildir`, "Import a mailbox"],
    [
      "tlsrpt unix - n n - 1 pipe user=mta-sts-resolver argv=/usr/bin/mta-sts-resolver report import -",
      "In Postfix's master.cf, for a transport",
    ],
  ],
  run: async (args, io) => await (await import("./report_import.ts")).run(args, io),
};

export const reportSummaryCommand: Command = {
  name: "report summary",
  operands: "[DOMAIN…]",
  arity: [0, Infinity],
  summary: "Show who could not deliver securely to your domains, and why",
  description: [
    "Reads the file of received reports, and says for each domain how many senders could not deliver",
    "securely, what failed at which MX host, who saw it, since when, what that means and what to do. The days",
    "are UTC days before today, and today as far as it was reported; most senders report once a day. Failures",
    "that a sender had not reported before are marked new; reports without a signature are marked unsigned.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "days", value: "N", text: `Look at this many days (default ${SUMMARY_DAYS})` },
    { name: "json", short: "j", text: "Print one JSON object per line for each domain" },
    { name: "nagios", text: "Print and exit as a Nagios or Icinga plugin" },
    {
      name: "warning",
      value: "PERCENT",
      text:
        `With --nagios: WARNING from this share of failed sessions on (default ${SUMMARY_THRESHOLDS.warning})`,
    },
    {
      name: "critical",
      value: "PERCENT",
      text:
        `With --nagios: CRITICAL from this share of failed sessions on (default ${SUMMARY_THRESHOLDS.critical})`,
    },
  ],
  exits: [
    [0, "nothing failed, or nothing was reported; with --nagios: OK"],
    [1, "senders could not deliver securely; with --nagios: WARNING"],
    [2, "wrong arguments or configuration; with --nagios: CRITICAL"],
    [3, "the file cannot be read; with --nagios: UNKNOWN, also if nothing was reported"],
  ],
  examples: [
    [`${PROGRAM} report summary`, "All domains, the last seven days"],
    [`${PROGRAM} report summary --nagios --critical 5 example.com`, "Run as a plugin"],
  ],
  run: async (args, io) => await (await import("./report_summary.ts")).run(args, io),
};
