/**
 * `cache …`: the commands about what the daemon holds.
 *
 * @module
 */

import { type Command, CONFIG_OPTION, ZONE_OPTION } from "./command.ts";
import { JSON_OPTION, OFFLINE_OPTION } from "./options.ts";

/** Exit statuses of the `cache` commands about one domain. */
const CACHE_EXITS = [
  [0, "done"],
  [1, "the domain is not in the cache"],
  [2, "wrong arguments or configuration, or no daemon to make the change"],
  [3, "failed"],
] as const;

/** Exit statuses of the commands that copy to and from the engine of a fleet. */
const COPY_EXITS = [
  [0, "done"],
  [2, "wrong arguments or configuration, no daemon, or nothing is shared"],
  [3, "failed, or ended early"],
] as const;

export const cacheListCommand: Command = {
  name: "cache list",
  operands: "[PATTERN]",
  arity: [0, 1],
  summary: "List the cached policies",
  description: [
    "Prints one line for each cached policy, sorted by domain. PATTERN is a domain, or a wildcard such",
    "as '*.example.com' for all domains below example.com. Asks the running daemon; without one, reads",
    "its cache file. With --problems, also lists domains whose policy could never be fetched.",
  ],
  options: [
    CONFIG_OPTION,
    JSON_OPTION,
    OFFLINE_OPTION,
    {
      name: "mode",
      value: "MODE",
      text: "List only policies in this mode: enforce, testing or none",
    },
    { name: "problems", text: "List deferred domains, and those whose last fetch failed" },
  ],
  exits: [[0, "done"], [2, "wrong arguments or configuration"], [3, "failed"]],
  examples: [[
    "mta-sts-resolver cache list --problems",
    "List what is deferred, and policies that could not be fetched",
  ]],
  run: async (args, io) => await (await import("./cache_list.ts")).run(args, io),
};

export const cacheShowCommand: Command = {
  name: "cache show",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Show what is cached for a domain",
  description: [
    "Prints the policy of a domain, its times, the last problem, and the state of DANE. Asks the",
    "running daemon; without one, reads its cache file. In a fleet, the daemon also asks the engine, and",
    "the last lines say what the fleet has and what this host would do with it.",
  ],
  options: [CONFIG_OPTION, JSON_OPTION, OFFLINE_OPTION],
  exits: CACHE_EXITS,
  run: async (args, io) => await (await import("./cache_show.ts")).run(args, io),
};

export const cacheRefreshCommand: Command = {
  name: "cache refresh",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Fetch the policy of a domain now",
  description: [
    "Has the running daemon fetch the policy, even if its id has not changed or a fetch has just failed.",
    "If the fetch fails, a held policy stays in use. With --offline, this command fetches the policy and",
    "writes it to the file.",
  ],
  options: [CONFIG_OPTION, JSON_OPTION, OFFLINE_OPTION],
  exits: CACHE_EXITS,
  run: async (args, io) => await (await import("./cache_refresh.ts")).run(args, io),
};

export const cachePurgeCommand: Command = {
  name: "cache purge",
  operands: "[DOMAIN]",
  arity: [0, 1],
  summary: "Forget a domain, or all of them",
  description: [
    "Removes everything the cache holds for a domain. Its mail is unprotected until the policy is",
    "fetched again. With --all and --yes, forgets every domain: make a copy with 'cache export' first.",
    "In a fleet with a secret, all hosts forget the domain; --all affects this host only.",
  ],
  options: [
    CONFIG_OPTION,
    JSON_OPTION,
    OFFLINE_OPTION,
    { name: "all", text: "Forget every domain; needs --yes" },
    { name: "yes", text: "Confirm --all" },
  ],
  exits: CACHE_EXITS,
  examples: [["mta-sts-resolver cache purge --all --yes", "Forget everything"]],
  run: async (args, io) => await (await import("./cache_purge.ts")).run(args, io),
};

export const cacheExportCommand: Command = {
  name: "cache export",
  operands: "",
  arity: [0, 0],
  summary: "Print the whole cache, as JSON or as a Postfix table",
  description: [
    "Prints every cached policy as one JSON object per line, with all that 'cache show --json' prints;",
    "'cache import' reads this. With --format postfix, prints a table for postmap(1): domain and TLS",
    "policy, for smtp_tls_policy_maps. Its entries never expire and miss new MX hosts: use it only for",
    "a short time, while the daemon cannot run.",
  ],
  options: [
    CONFIG_OPTION,
    OFFLINE_OPTION,
    { name: "format", value: "FORMAT", text: "json (the default) or postfix" },
    { ...ZONE_OPTION, text: "With --format postfix: answer as in this zone (default postfix)" },
  ],
  exits: [[0, "done"], [2, "wrong arguments or configuration"], [3, "failed"]],
  examples: [
    ["mta-sts-resolver cache export > cache.jsonl", "Make a copy to import later"],
    [
      "mta-sts-resolver cache export --format postfix > /etc/postfix/sts && postmap /etc/postfix/sts",
      "Make a table for smtp_tls_policy_maps = hash:/etc/postfix/sts",
    ],
  ],
  run: async (args, io) => await (await import("./cache_export.ts")).run(args, io),
};

export const cacheImportCommand: Command = {
  name: "cache import",
  operands: "FILE",
  arity: [1, 1],
  summary: "Import policies that 'cache export' printed, or another program's",
  description: [
    "Reads the JSON lines of 'cache export' from FILE, or from standard input for '-', and has the running",
    "daemon take over every policy that is valid, unexpired, and was fetched later than the one it holds.",
    "It touches no other policy. FILE may also be the configuration of postfix-mta-sts-resolver or its",
    "SQLite file: then the policies of that cache are imported, from SQLite, Redis or PostgreSQL, and",
    "fetched again within an hour. Anybody who can write to FILE or that cache decides what is enforced:",
    "protect it like the cache file.",
  ],
  options: [CONFIG_OPTION, JSON_OPTION, OFFLINE_OPTION],
  exits: [
    [0, "done"],
    [1, "done, but lines were invalid"],
    [2, "wrong arguments or configuration, or no daemon"],
    [3, "failed"],
  ],
  examples: [
    [
      "mta-sts-resolver cache import cache.jsonl",
      "Restore what 'cache export > cache.jsonl' saved",
    ],
    [
      "mta-sts-resolver cache import /etc/mta-sts-daemon.yml",
      "Take over the cache of postfix-mta-sts-resolver",
    ],
  ],
  run: async (args, io) => await (await import("./cache_import.ts")).run(args, io),
};

export const cachePushCommand: Command = {
  name: "cache push",
  operands: "",
  arity: [0, 0],
  summary: "Send all policies of this host to the engine of the fleet",
  description: [
    "Makes the running daemon send every unexpired policy that it holds to the Redis or PostgreSQL of",
    "'cache.shared', 500 a second. A policy there is replaced only by one that was fetched later. Use this",
    "to fill a new engine; the hosts refill an emptied one without it. With --offline, this command sends",
    "the policies in the file.",
  ],
  options: [CONFIG_OPTION, JSON_OPTION, OFFLINE_OPTION],
  exits: COPY_EXITS,
  examples: [["mta-sts-resolver cache push", "Fill a new engine"]],
  run: async (args, io) => await (await import("./cache_push.ts")).run(args, io),
};

export const cachePullCommand: Command = {
  name: "cache pull",
  operands: "",
  arity: [0, 0],
  summary: "Take over all policies of the fleet",
  description: [
    "Makes the running daemon read every policy in the Redis or PostgreSQL of 'cache.shared', 500 a second,",
    "and take over each one that was fetched later than its own. A host needs this only before it is cut",
    "off from the engine; otherwise it asks for each domain when it needs it. Skips policies that are not",
    "signed, unless --unsigned is given: use it only if nobody else can write to the engine.",
  ],
  options: [
    CONFIG_OPTION,
    JSON_OPTION,
    OFFLINE_OPTION,
    { name: "unsigned", text: "Also take policies that are not signed" },
  ],
  exits: COPY_EXITS,
  examples: [[
    "mta-sts-resolver cache pull --offline /srv/cache.db",
    "Fill the file of a host that starts without the engine",
  ]],
  run: async (args, io) => await (await import("./cache_pull.ts")).run(args, io),
};

/** The commands, in the order of the help. */
export const CACHE_COMMANDS: readonly Command[] = [
  cacheListCommand,
  cacheShowCommand,
  cacheRefreshCommand,
  cachePurgeCommand,
  cacheExportCommand,
  cacheImportCommand,
  cachePushCommand,
  cachePullCommand,
];
