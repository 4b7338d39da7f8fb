/**
 * The commands of one word.
 *
 * @module
 */

import { PROBE_TIMEOUT_MS } from "../check/probe_timeout.ts";
import { type Command, CONFIG_OPTION, PROGRAM, ZONE_OPTION } from "./command.ts";
import { OFFLINE_OPTION, SOCKET_OPTION } from "./options.ts";

export const serveCommand: Command = {
  name: "serve",
  operands: "",
  arity: [0, 0],
  summary: "Run the daemon that Postfix asks (the default)",
  description: [
    "Answers Postfix's smtp_tls_policy_maps over the socketmap protocol. Without a configuration",
    "file it listens on 127.0.0.1:8461 and keeps its cache in the state directory.",
    "TERM and INT stop it when open requests are answered; a second signal stops it at once.",
    "HUP reads the configuration again and refuses it whole if there is a mistake in it.",
    "Sockets passed by systemd are served instead of those that the configuration names.",
  ],
  options: [
    CONFIG_OPTION,
    {
      name: "listen",
      short: "l",
      value: "ADDRESS",
      many: true,
      text: "Listen here instead: inet:127.0.0.1:8461 or unix:/path",
    },
    { name: "cache", value: "FILE", text: "Cache file instead, or 'memory' for none" },
    { name: "log-level", value: "LEVEL", text: "debug, info, warn or error" },
    { name: "log-format", value: "FORMAT", text: "text or json" },
  ],
  exits: [
    [0, "stopped by a signal"],
    [2, "wrong arguments or configuration"],
    [3, "cannot listen"],
  ],
  run: async (args, io) => await (await import("./serve.ts")).run(args, io),
};

export const lookupCommand: Command = {
  name: "lookup",
  operands: "DOMAIN…",
  arity: [1, Infinity],
  summary: "Resolve domains anew and show each step",
  description: [
    "Looks up the TXT record, fetches the policy file, checks the MX hosts for DANE, and shows what",
    "was seen, what the running daemon holds, what it knows of the other hosts, and the exact reply",
    "Postfix would get and why. Without a daemon, its cache file is read. Nothing is changed in either.",
    "A next hop may be written as Postfix asks for it: example.com, example.com:587, [host]:587.",
  ],
  options: [
    CONFIG_OPTION,
    {
      name: "json",
      short: "j",
      text: "Print one JSON object per domain; docs/json.md describes it",
    },
    OFFLINE_OPTION,
    ZONE_OPTION,
    { name: "strict-testing", text: "Treat mode testing as enforce" },
  ],
  exits: [
    [0, "a policy (or DANE) is in force for every domain"],
    [1, "there is none for a domain"],
    [2, "wrong arguments or configuration"],
    [3, "a lookup or a fetch failed for a domain"],
  ],
  examples: [
    ["mta-sts-resolver lookup example.com", "Each step for one domain"],
    ["mta-sts-resolver lookup --json --zone tlsrpt example.com", "For scripts"],
  ],
  run: async (args, io) => await (await import("./lookup.ts")).run(args, io),
};

export const queryCommand: Command = {
  name: "query",
  operands: "KEY…",
  arity: [1, Infinity],
  summary: "Query the running daemon as Postfix does",
  description: [
    "Sends each key to the running daemon as Postfix does, and prints a line with key and reply.",
    "The default address is the first one that the daemon listens on. Needs no valid configuration:",
    "without one, it queries the default address.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "json", short: "j", text: "Print one JSON object per key; docs/json.md describes it" },
    SOCKET_OPTION,
    { ...ZONE_OPTION, text: "Query this zone (socketmap name; default postfix)" },
  ],
  exits: [
    [0, "every reply is OK"],
    [1, "a reply is NOTFOUND"],
    [2, "wrong arguments"],
    [3, "a reply is TEMP or PERM, or the daemon does not answer"],
  ],
  examples: [[
    "mta-sts-resolver query example.com",
    "Print the reply that Postfix gets for mail to example.com",
  ]],
  run: async (args, io) => await (await import("./query.ts")).run(args, io),
};

export const healthCommand: Command = {
  name: "health",
  operands: "",
  arity: [0, 0],
  summary: "Check that the running daemon works",
  description: [
    "Sends the running daemon a query that needs no lookup. If the configuration has 'http', the result",
    "also depends on the daemon's own checks of DNS, clock, cache and DNSSEC. Warnings are printed. Needs no valid",
    "configuration: without one, it queries the default address.",
  ],
  options: [
    CONFIG_OPTION,
    {
      ...SOCKET_OPTION,
      text: "Query this address only, such as inet:127.0.0.1:8461 or unix:/path",
    },
  ],
  exits: [[0, "healthy"], [1, "unhealthy"], [2, "wrong arguments"]],
  run: async (args, io) => await (await import("./health.ts")).run(args, io),
};

export const checkCommand: Command = {
  name: "check",
  operands: "DOMAIN…",
  arity: [1, Infinity],
  summary: "Check the MTA-STS, TLS reporting and DANE setup of a domain",
  description: [
    "Checks everything that senders look at: the MTA-STS record, the policy host and its certificate,",
    "the policy, STARTTLS on every address of every MX host, the TLSRPT record, DNSSEC and DANE. Each",
    "finding says what was seen, why it matters, and what to do.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "json", short: "j", text: "Print JSON; docs/check.schema.json describes it" },
    { name: "html", value: "FILE", text: "Also write an HTML report to FILE" },
    {
      name: "nagios",
      text: "Print and exit as a Nagios or Icinga plugin",
    },
    { name: "mx-only", text: "Check only the MX hosts" },
    { name: "no-smtp", text: "Do not connect to MX hosts" },
    {
      name: "since",
      value: "FILE",
      text: "Compare with the last run, which FILE remembers",
    },
    { name: "watch", text: "Print only what has changed since the last run; needs --since" },
    {
      name: "resolver",
      value: "ADDRESS",
      many: true,
      text: "Use this DNS resolver, such as 127.0.0.1 or [::1]:5353",
    },
    { name: "ca", value: "FILE", text: "Trust only the certificate authorities in this PEM file" },
    {
      name: "allow-private",
      value: "RANGE",
      many: true,
      text: "Also connect to addresses in this private range, such as 10.0.0.0/8",
    },
    {
      name: "timeout",
      value: "SECONDS",
      text: `Time limit for each address of a host (default ${PROBE_TIMEOUT_MS / 1000})`,
    },
    {
      name: "smtp-port",
      value: "PORT",
      text: "Port of the MX hosts, for test networks (default 25)",
    },
  ],
  exits: [
    [0, "no faults; with --nagios: OK"],
    [1, "warnings; with --nagios: WARNING"],
    [2, "wrong arguments or configuration; with --nagios: CRITICAL"],
    [3, "errors, or no DNS resolver answers; with --nagios: UNKNOWN"],
  ],
  examples: [
    [`${PROGRAM} check example.com`, "Print a report"],
    [
      `${PROGRAM} check --watch --since /var/lib/misc/mta-sts.json example.com`,
      "Print changes, from cron",
    ],
    [`${PROGRAM} check --nagios example.com`, "Run as a plugin of Nagios or Icinga"],
  ],
  run: async (args, io) => await (await import("./check.ts")).run(args, io),
};
