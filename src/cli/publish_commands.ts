/**
 * `publish …`: the commands for the owner of a domain.
 *
 * @module
 */

import { type Command, CONFIG_OPTION } from "./command.ts";
import { DEFAULT_WAIT, MAX_AGE_OPTION, MX_OPTION, OUT_OPTION } from "./options.ts";

export const publishInitCommand: Command = {
  name: "publish init",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Propose a policy for a domain, write it, and print its DNS records",
  description: [
    "Checks the MX hosts of the domain and their certificates, writes the policy file DOMAIN.txt, and",
    "prints the DNS records and a web server configuration for it.",
    "Publishes nothing itself: serve the file first, then add the records (RFC 8461 §8.1).",
    "If 'received' in the configuration has the domain, the TLSRPT record leads to 'report receive'; --rua",
    "overrides it.",
  ],
  options: [
    CONFIG_OPTION,
    OUT_OPTION,
    { name: "mode", value: "MODE", text: "Mode of the policy: testing (default) or enforce" },
    MAX_AGE_OPTION,
    MX_OPTION,
    { name: "rua", value: "ADDRESS", text: "Where senders report to: a mail address or https URI" },
    { name: "web-host", value: "HOST", text: "Name or address of the web server" },
    {
      name: "web",
      value: "SERVER",
      text: "Web server to configure: nginx, apache, caddy or all (default)",
    },
    { name: "no-smtp", text: "Do not connect to the MX hosts" },
    {
      name: "force",
      short: "f",
      text: "Overwrite the policy file, and enforce in spite of bad certificates",
    },
  ],
  exits: [
    [0, "written"],
    [1, "refused; the message says what is wrong and what to do"],
    [2, "wrong arguments or configuration"],
    [3, "DNS failed, or the file cannot be written"],
  ],
  examples: [[
    "mta-sts-resolver publish init example.com --out /var/lib/mta-sts --rua tls@example.com",
    "Write a policy in mode testing, with reports",
  ]],
  run: async (args, io) => await (await import("./publish_init.ts")).run(args, io),
};

export const publishLintCommand: Command = {
  name: "publish lint",
  operands: "FILE…",
  arity: [1, Infinity],
  summary: "Check policy files strictly",
  description: [
    "Reports every departure from the grammar of RFC 8461 §3.2 with its line, and whatever is valid but",
    "probably a mistake. Then says what several kinds of senders make of the file.",
  ],
  options: [{ name: "json", short: "j", text: "Print one JSON object per line for each file" }],
  exits: [
    [0, "no errors or warnings; there may be notes"],
    [1, "errors or warnings"],
    [2, "wrong arguments, or a file cannot be read"],
  ],
  examples: [[
    "mta-sts-resolver publish lint /var/lib/mta-sts/*.txt",
    "Check all policies in a directory",
  ]],
  run: async (args, io) => await (await import("./publish_lint.ts")).run(args, io),
};

export const publishServeCommand: Command = {
  name: "publish serve",
  operands: "",
  arity: [0, 0],
  summary: "Serve policy files over HTTPS, or over HTTP behind a web server",
  description: [
    "Serves DOMAIN.txt of the policy directory as https://mta-sts.DOMAIN/.well-known/mta-sts.txt.",
    "Reads changed policies and certificates every ten seconds, and at a HUP. Refuses a file without a",
    "valid policy and a certificate for another name; the last good one stays in use.",
    "Certificates are DOMAIN.pem with DOMAIN.key, or mta-sts.DOMAIN/fullchain.pem with privkey.pem, the",
    "layout of certbot in /etc/letsencrypt/live.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "policies", short: "p", value: "DIR", text: "Directory of the policy files" },
    { name: "certs", value: "DIR", text: "Directory of the certificates, for HTTPS" },
    {
      name: "https",
      value: "ADDRESS",
      many: true,
      text: "Listen on this address for HTTPS (default [::]:443 unless --http is given)",
    },
    {
      name: "http",
      value: "ADDRESS",
      many: true,
      text: "Listen on this address for HTTP, behind a web server",
    },
    { name: "metrics", value: "ADDRESS", many: true, text: "Serve /metrics on this address" },
    { name: "log-level", value: "LEVEL", text: "Log level: debug, info, warn or error" },
    { name: "log-format", value: "FORMAT", text: "Log format: text or json" },
  ],
  exits: [[0, "stopped by a signal"], [2, "wrong arguments"], [3, "cannot listen"]],
  examples: [
    [
      "mta-sts-resolver publish serve -p /var/lib/mta-sts --certs /etc/letsencrypt/live",
      "Serve HTTPS with certificates of certbot",
    ],
    [
      "mta-sts-resolver publish serve -p /var/lib/mta-sts --http 127.0.0.1:8080",
      "Serve HTTP behind a web server that passes on the Host header",
    ],
  ],
  run: async (args, io) => await (await import("./publish_serve.ts")).run(args, io),
};

export const publishRollCommand: Command = {
  name: "publish roll",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Change a policy in the safe order, and check that senders see it",
  description: [
    "Writes the new policy (and keeps the old one as DOMAIN.txt.previous), waits for the web server to",
    "serve it, prints the TXT record with a fresh id, waits for DNS to show the id, and then resolves",
    "the domain as a sender would (RFC 8461 §8.1). Refuses changes that cost mail or protection unless",
    "--force is given. Without a change, it announces the file as it is. To withdraw MTA-STS, use",
    "--mode none and follow the instructions at the end (RFC 8461 §8.3). Before a policy is enforced, it",
    "says what the TLS reports of two weeks show that 'report receive' keeps of the domain; it refuses if more",
    "than 0.1 % of the sessions would have failed, and to do without reports is no reason to refuse.",
  ],
  options: [
    CONFIG_OPTION,
    OUT_OPTION,
    { name: "mode", value: "MODE", text: "New mode: enforce, testing or none" },
    { ...MX_OPTION, text: "New MX host, or wildcard such as *.example.com; list all of them" },
    MAX_AGE_OPTION,
    { name: "file", value: "FILE", text: "New policy file, instead of --mode, --mx and --max-age" },
    { name: "id", value: "ID", text: "Wait for this id, which an interrupted run printed" },
    {
      name: "wait",
      value: "SECONDS",
      text: `Time to wait for the web server, and again for DNS (default ${DEFAULT_WAIT})`,
    },
    { name: "force", short: "f", text: "Make a dangerous change" },
  ],
  exits: [
    [0, "senders see the new policy"],
    [1, "refused, or not seen in time; the message says what to do"],
    [2, "wrong arguments or configuration"],
    [3, "a file cannot be read or written"],
  ],
  examples: [
    ["mta-sts-resolver publish roll example.com --mode enforce", "Enforce a policy after testing"],
    [
      "mta-sts-resolver publish roll example.com --mx mx1.example.com --mx mx3.example.com",
      "Change the MX hosts, before the MX records change",
    ],
  ],
  run: async (args, io) => await (await import("./publish_roll.ts")).run(args, io),
};

/** The commands, in the order in which a domain needs them. */
export const PUBLISH_COMMANDS: readonly Command[] = [
  publishInitCommand,
  publishLintCommand,
  publishServeCommand,
  publishRollCommand,
];
