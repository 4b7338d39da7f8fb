/**
 * `config …`: the commands about the configuration.
 *
 * @module
 */

import { type Command, CONFIG_OPTION } from "./command.ts";
import { MAIN_CF } from "./options.ts";

export const configCheckCommand: Command = {
  name: "config check",
  operands: "",
  arity: [0, 0],
  summary: "Check the configuration",
  description: [
    "Reads the configuration and reports every mistake in it that 'serve' would refuse. Then tries",
    "the trust roots and each DNS resolver: does it answer over UDP and TCP, support EDNS, and validate",
    "DNSSEC? With 'cache.shared', connects to the engine: may this host read, write and take leases, are",
    "entries signed with its secret, and does news arrive? Compares Postfix's main.cf with what the",
    "answers need. If TLS reports are on, checks their sockets and file. Prints one line per finding.",
    "With --connect, it also tries to open the sockets, or asks the daemon there, and fetches a policy.",
  ],
  options: [
    CONFIG_OPTION,
    {
      name: "connect",
      value: "DOMAIN",
      text: "Also try the sockets, and fetch the policy of DOMAIN",
    },
    { name: "main-cf", value: "FILE", text: `Postfix's main.cf (default ${MAIN_CF})` },
  ],
  exits: [
    [0, "no mistakes; there may be warnings"],
    [1, "something that the configuration refers to does not work"],
    [2, "wrong arguments or configuration"],
  ],
  examples: [[
    "mta-sts-resolver config check --connect example.com",
    "Check everything, with a domain that has a policy",
  ]],
  run: async (args, io) => await (await import("./config_check.ts")).run(args, io),
};

export const configShowCommand: Command = {
  name: "config show",
  operands: "",
  arity: [0, 0],
  summary: "Print the effective configuration",
  description: [
    "Prints the effective configuration, defaults included, as YAML. For the passwords of 'cache.shared', it",
    "prints ***. With --sql, prints instead the statements that create the tables of 'cache.shared' in PostgreSQL,",
    "for a privileged role to run: the daemon's own role then needs no right to create anything.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "sql", text: "Print the tables for PostgreSQL instead" },
  ],
  examples: [[
    "mta-sts-resolver config show --sql | psql -1 -d DATABASE",
    "Create the tables, as a privileged role",
  ]],
  run: async (args, io) => await (await import("./config_show.ts")).run(args, io),
};

export const configConvertCommand: Command = {
  name: "config convert",
  operands: "FILE…",
  arity: [1, 2],
  summary: "Convert the configuration of another program",
  description: [
    "Reads a configuration of postfix-mta-sts-resolver, postfix-tlspol or tlsrpt-reporter (both of its",
    "files at once) and prints the equivalent configuration for this program. Comments mark settings",
    "that have no effect here. FILE is not changed.",
  ],
  options: [],
  examples: [[
    "mta-sts-resolver config convert /etc/mta-sts-daemon.yml >/etc/mta-sts-resolver.yml",
    "Move from postfix-mta-sts-resolver",
  ]],
  run: async (args, io) => await (await import("./config_convert.ts")).run(args, io),
};
