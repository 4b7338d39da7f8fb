/**
 * `cache list|show|refresh|purge|export`: shows and changes what the daemon has cached.
 *
 * A command about one domain asks the running daemon over its control socket, if one is configured and
 * answers. Otherwise it uses the cache file itself. Lists come from the file if there is one. Commands
 * that only read open the file read-only and repair nothing.
 *
 * @module
 */

import { CacheView } from "../cache/cache_view.ts";
import { createSqliteStore } from "../cache/sqlite_store.ts";
import type { PolicyStore } from "../cache/types.ts";
import type { Config, ListenAddress } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { createWarnings } from "../base/warnings.ts";
import { querySocketmap } from "../postfix/client.ts";
import { encodeUtf8 } from "../postfix/octets.ts";
import { NOTFOUND_REPLY } from "../postfix/socketmap.ts";
import { createClock } from "../base/clock.ts";
import type { ProcessClock } from "../base/clock.ts";
import { toDomainName } from "../sts/domain.ts";
import {
  describeEntry,
  ENTRY_HEADING,
  formatEntry,
  formatEntryLine,
} from "../daemon/cache_entry.ts";
import type { CacheEntry } from "../daemon/cache_entry.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { createControl, LIST_PAGE } from "../daemon/control.ts";
import { startEngine } from "../daemon/engine.ts";
import { readConfig } from "./read_config.ts";

/** A refresh waits for DNS and a policy host, ms. */
const TIMEOUT_MS = 60_000;

const EXIT_NOT_FOUND = 1;

const JSON_OPTION = { name: "json", short: "j", text: "Print one JSON object per line" };

const EXITS = [
  [0, "done"],
  [1, "the domain is not in the cache"],
  [2, "wrong arguments or configuration"],
  [3, "failed"],
] as const;

type DomainCommand = "show" | "refresh" | "purge";

export const cacheListCommand: Command = {
  name: "cache list",
  operands: "[PATTERN]",
  arity: [0, 1],
  summary: "List the cached policies",
  description: [
    "Prints one line for each cached policy, oldest fetch first. PATTERN is a domain, or a wildcard",
    "such as '*.example.com' for all domains below example.com.",
  ],
  options: [
    CONFIG_OPTION,
    JSON_OPTION,
    {
      name: "mode",
      value: "MODE",
      text: "List only policies in this mode: enforce, testing or none",
    },
    { name: "problems", text: "List only domains whose last fetch failed" },
  ],
  exits: EXITS,
  examples: [[
    "mta-sts-resolver cache list --problems",
    "List policies that could not be refreshed",
  ]],
  run: runList,
};

export const cacheShowCommand = domainCommand("show", {
  summary: "Show what is cached for a domain",
  description: [
    "Prints the policy of a domain, its times, the last problem, and the state of DANE.",
  ],
});

export const cacheRefreshCommand = domainCommand("refresh", {
  summary: "Fetch the policy of a domain now",
  description: [
    "Fetches the policy even if its id has not changed or an earlier fetch failed recently. If the fetch",
    "fails, a held policy stays in use.",
  ],
});

export const cachePurgeCommand = domainCommand("purge", {
  summary: "Forget a domain",
  description: [
    "Removes everything the cache holds for a domain. Its mail is unprotected until the policy is",
    "fetched again.",
  ],
});

export const cacheExportCommand: Command = {
  name: "cache export",
  operands: "",
  arity: [0, 0],
  summary: "Print the whole cache as JSON, one object per line",
  description: [
    "Prints every cached policy with everything that 'cache show' prints, one JSON object per line.",
  ],
  options: [CONFIG_OPTION],
  exits: EXITS,
  run: async (args, io) => {
    for await (const entry of listEntries(readConfig(args.value("config"), io).config)) {
      io.out(`${JSON.stringify(entry)}\n`);
    }
    return 0;
  },
};

async function runList(args: CommandArgs, io: Io): Promise<number> {
  const matches = readPattern(args.operands[0]);
  const mode = args.value("mode");
  if (mode !== undefined && !["enforce", "testing", "none"].includes(mode)) {
    throw new UsageError(`'--mode' takes enforce, testing or none: given '${mode}'`);
  }
  const { config } = readConfig(args.value("config"), io);
  const json = args.flag("json");
  if (!json) io.out(`${ENTRY_HEADING}\n`);
  for await (const entry of listEntries(config)) {
    if (!matches(entry.domain) || (mode !== undefined && entry.mode !== mode)) continue;
    if (args.flag("problems") && entry.failure === undefined) continue;
    io.out(`${json ? JSON.stringify(entry) : formatEntryLine(entry)}\n`);
  }
  return 0;
}

function readPattern(pattern: string | undefined): (domain: string) => boolean {
  if (pattern === undefined) return () => true;
  const below = pattern.startsWith("*.");
  const domain = toDomainName(below ? pattern.slice(2) : pattern);
  if (domain === undefined) throw new UsageError(`not a domain: '${pattern}'`);
  return below ? (name) => name.endsWith(`.${domain}`) : (name) => name === domain;
}

/** A command about one domain. */
function domainCommand(
  command: DomainCommand,
  texts: Pick<Command, "summary" | "description">,
): Command {
  return {
    name: `cache ${command}`,
    operands: "DOMAIN",
    arity: [1, 1],
    ...texts,
    options: [CONFIG_OPTION, JSON_OPTION],
    exits: EXITS,
    run: (args, io) => runOnDomain(command, args, io),
  };
}

async function runOnDomain(
  command: DomainCommand,
  args: CommandArgs,
  io: Io,
): Promise<number> {
  const [operand = ""] = args.operands;
  const domain = toDomainName(operand);
  if (domain === undefined) throw new UsageError(`not a domain: '${operand}'`);
  const { config } = readConfig(args.value("config"), io);
  const overSocket = await askDaemon(config.control, command, domain);
  const reply = overSocket ?? await runOnFile(config, command, domain);
  if (overSocket === undefined && command === "purge") {
    io.err(
      "note: a running daemon still holds the policy in memory; set 'control' to reach the daemon",
    );
  }
  if (reply.startsWith("NOTFOUND")) {
    io.err(`${domain} is not in the cache`);
    return EXIT_NOT_FOUND;
  }
  if (!reply.startsWith("OK ")) throw new Error(`${domain}: ${reply.replace(/^[A-Z]+ /, "")}`);
  const json = reply.slice("OK ".length);
  io.out(args.flag("json") ? `${json}\n` : formatEntry(JSON.parse(json)));
  return 0;
}

/** Asks the daemon. @returns `undefined` if there is no control socket, or nobody listens on it. */
async function askDaemon(
  control: ListenAddress | undefined,
  command: string,
  argument: string,
): Promise<string | undefined> {
  if (control === undefined) return undefined;
  try {
    return (await querySocketmap(control, command, [argument], { timeout: TIMEOUT_MS }))[0];
  } catch (error) {
    const { cause } = error as Error;
    const absent = cause instanceof Deno.errors.NotFound ||
      cause instanceof Deno.errors.ConnectionRefused;
    if (absent) return undefined;
    throw error;
  }
}

/** Does on the file what the daemon would do, with the code of the daemon. */
async function runOnFile(config: Config, command: DomainCommand, domain: string): Promise<string> {
  const base = { ...quietParts(), clock: createClock() };
  if (command === "show") return showFromFile(config, domain);
  const store = openFile(config, base.clock);
  const warnings = createWarnings(base);
  const engine = command === "refresh"
    ? await startEngine(config, { ...base, store, warnings })
    : undefined;
  try {
    const resolver = engine?.resolver ??
      { check: () => undefined, purge: (name: string) => store.remove(name) };
    const control = createControl({ store, resolver: () => resolver });
    const reply = await control(encodeUtf8(`${command} ${domain}`), base.clock.now());
    return new TextDecoder().decode(reply).replace(/^[0-9]+:/, "").slice(0, -1);
  } finally {
    engine?.stop();
    store.close();
  }
}

async function* listEntries(config: Config): AsyncGenerator<CacheEntry> {
  if (config.cache.file === undefined) {
    yield* listFromDaemon(config.control);
    return;
  }
  const view = openView(config);
  try {
    for (const stored of view.listPolicies()) yield describeEntry(stored, view);
  } finally {
    view.close();
  }
}

async function* listFromDaemon(control: ListenAddress | undefined): AsyncGenerator<CacheEntry> {
  for (let skip = 0;; skip += LIST_PAGE) {
    const reply = await askDaemon(control, "list", String(skip));
    if (reply === undefined) {
      throw new Error(
        "the cache is only in the memory of the daemon, and no daemon answers on 'control'",
      );
    }
    if (!reply.startsWith("OK ")) throw new Error(reply);
    const entries: CacheEntry[] = JSON.parse(reply.slice("OK ".length));
    yield* entries;
    if (entries.length === 0) return;
  }
}

/** What the daemon would reply to `show`. */
function showFromFile(config: Config, domain: string): string {
  const view = openView(config);
  try {
    const stored = view.getPolicy(domain);
    return stored === undefined
      ? NOTFOUND_REPLY
      : `OK ${JSON.stringify(describeEntry(stored, view))}`;
  } finally {
    view.close();
  }
}

function openView(config: Config): CacheView {
  return new CacheView(requireFile(config), { now: Date.now });
}

function openFile(config: Config, clock: ProcessClock): PolicyStore {
  // The file may belong to the account of the daemon.
  const store = createSqliteStore({
    ...quietParts(),
    path: requireFile(config),
    now: clock.now,
    proven: clock.proven,
    onLastSeen: clock.seen,
    allowUnsafeDirectory: true,
  });
  const health = store.health();
  if (health.kind === "degraded") {
    store.close();
    throw new Error(health.error);
  }
  return store;
}

function requireFile({ cache: { file } }: Config): string {
  if (file === undefined) {
    throw new Error(
      "the cache is only in the memory of the daemon, and no daemon answers on 'control'",
    );
  }
  try {
    Deno.statSync(file);
    return file;
  } catch {
    throw new Error(`cannot read ${file}: has a daemon created it?`);
  }
}

function quietParts() {
  return { log: createLog({ level: "error", format: "text" }), metrics: createMetrics() };
}
