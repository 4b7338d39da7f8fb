/**
 * The keys of postfix-mta-sts-resolver, so that its file `/etc/mta-sts-daemon.yml` serves
 * unchanged. `zones`, `default_zone` and `shutdown_timeout` mean the same in both programs;
 * the other keys are turned into ours here, or accepted with a note on what happens instead.
 *
 * Its cache is never opened: the file belongs to the other program, and has another form.
 *
 * @module
 */

import * as v from "valibot";
import { isHostname, isIpv4, isIpv6, isSocketPath } from "./address.ts";
import type { Document, FileValues } from "./document.ts";
import {
  choice,
  count,
  factsOf,
  fileMode,
  flag,
  list,
  ratio,
  seconds,
  section,
  text,
} from "./fields.ts";
import { CACHE_KEYS, KEYS, REFRESH_KEYS } from "./schema.ts";
import type { ConfigNote } from "./types.ts";

/** Default of the other program, and ours. */
const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 8461;

/** A bound only against nonsense: what is out of our own bounds is moved into them, see {@link bounded}. */
const ANY = [0, 1e9] as const;

/** Keys below `cache`, beside ours. */
export const LEGACY_CACHE_KEYS = {
  type: v.nullish(
    choice(
      ["internal", "sqlite", "redis", "redis_sentinel", "postgres"],
      "Accepted; policies are always kept in memory and in our own cache file.",
    ),
  ),
  options: v.nullish(
    section({
      cache_size: v.nullish(count(ANY, "Same as `cache.memory_entries`.")),
      filename: v.nullish(
        text((value) => value, {
          allowed: "a path",
          text: "Has no effect: the file is the other program's, and ours is kept elsewhere.",
        }),
      ),
    }, { text: "Options of the cache; those not listed have no effect.", open: true }),
    {},
  ),
};

/** Keys at the top of the file, beside ours. */
export const LEGACY_KEYS = {
  host: v.nullish(
    list((value) => isHostname(value) || isIpv4(value) || isIpv6(value) ? value : undefined, {
      allowed: 'an address such as "127.0.0.1" or "::1"',
      text: "The address part of `listen`; without a value: all addresses.",
    }),
  ),
  port: v.nullish(
    v.pipe(
      v.unknown(),
      v.transform((value) =>
        typeof value === "string" && /^[0-9]{1,5}$/.test(value) ? Number(value) : value
      ),
      count([0, 65_535], "The port part of `listen`."),
    ),
  ),
  path: v.nullish(
    text((value) => isSocketPath(value) ? value : undefined, {
      allowed: "an absolute path of at most 107 bytes",
      text: "The UNIX socket of `listen`, instead of `host` and `port`.",
    }),
  ),
  mode: v.nullish(fileMode("Same as `socket_mode`.")),
  reuse_port: v.nullish(flag("Accepted without effect.")),
  cache_grace: v.nullish(seconds(ANY, "Same as `recheck`.")),
  proactive_policy_fetching: v.nullish(
    section({
      enabled: v.nullish(flag("Accepted; policies in use are always fetched anew in time.")),
      interval: v.nullish(seconds(ANY, "Same as `refresh.interval`.")),
      concurrency_limit: v.nullish(count(ANY, "Same as `refresh.concurrency`.")),
      grace_ratio: v.nullish(ratio(ANY, "Accepted without effect.")),
    }, { text: "Fetching policies anew before they expire." }),
    {},
  ),
};

/** Keys of ours and the ones they replace; only one of each pair may be given. */
const PAIRS: readonly (readonly [ours: string, theirs: string])[] = [
  ["listen", "host"],
  ["listen", "port"],
  ["listen", "path"],
  ["socket_mode", "mode"],
  ["recheck", "cache_grace"],
  ["cache.file", "cache.type"],
  ["cache.memory_entries", "cache.options.cache_size"],
  ["refresh.interval", "proactive_policy_fetching.interval"],
  ["refresh.concurrency", "proactive_policy_fetching.concurrency_limit"],
];

/** Keys that have nothing to do here, and why that is no loss. */
const UNUSED: readonly ConfigNote[] = [
  {
    path: "reuse_port",
    text: "has no effect: one process answers everything",
  },
  {
    path: "proactive_policy_fetching.grace_ratio",
    text: "has no effect: each policy is fetched anew by its own age",
  },
];

/** What a translation reads beside the values, and where it puts its remarks. */
interface Context {
  /** Tells what was given from what is a default. */
  readonly document: Document;
  readonly notes: ConfigNote[];
}

/**
 * Turns the other program's keys into ours.
 *
 * @param values The checked values.
 * @param document The document they were made from.
 * @returns Values in which our keys say all, remarks for the operator, and one line for each
 * pair of keys that exclude each other.
 */
export function translateLegacy(
  values: FileValues,
  document: Document,
): { values: FileValues; notes: ConfigNote[]; problems: string[] } {
  const problems = PAIRS
    .filter((pair) => pair.every((path) => isGiven(document, path)))
    .map(([ours, theirs]) => `${theirs}: cannot stand beside ${ours}, remove one of them`);
  const notes = UNUSED.filter(({ path }) => isGiven(document, path));
  const context = { document, notes };
  const translated = {
    ...values,
    listen: translateListen(values, context),
    socket_mode: values.mode ?? values.socket_mode,
    cache: translateCache(values.cache, context),
    recheck: bounded(values.cache_grace, { path: "cache_grace", like: KEYS.recheck, notes }) ??
      values.recheck,
    refresh: translateRefresh(values, context),
  };
  noteInheritance(context);
  return { values: translated, notes, problems };
}

/** `host` and `port`, or `path` instead of both. */
function translateListen(values: FileValues, { document, notes }: Context): FileValues["listen"] {
  const { path, port } = values;
  const inet = ["host", "port"].filter((key) => isGiven(document, key));
  if (path) {
    for (const key of inet) notes.push({ path: key, text: "has no effect beside path" });
    return [{ kind: "unix", path }];
  }
  if (isGiven(document, "listen")) return values.listen;
  if (isGiven(document, "mode")) notes.push({ path: "mode", text: "has no effect without path" });

  let hosts = document.host === null ? ["::"] : values.host ?? [DEFAULT_HOST];
  // On Linux an IPv6 socket takes IPv4 too, and one for IPv4 beside it finds the port in use.
  if (hosts.includes("::") && hosts.includes("0.0.0.0")) {
    hosts = hosts.filter((host) => host !== "0.0.0.0");
    notes.push({ path: "host", text: "listens on :: only, which takes IPv4 as well" });
  }
  return hosts.map((hostname) => ({ kind: "inet", hostname, port: port ?? DEFAULT_PORT }));
}

/** `cache.type` and `cache.options`. The other program's file, server or database is left alone. */
function translateCache(
  cache: FileValues["cache"],
  { document, notes }: Context,
): FileValues["cache"] {
  const { options } = cache;
  const type = cache.type ?? (isGiven(document, "cache.options") ? "internal" : undefined);
  if (type === undefined) return cache;
  const note = (path: string, text: string) => notes.push({ path: `cache.${path}`, text });

  if (type !== "internal") {
    note("type", `${type} is not used: policies are kept in our own cache file`);
    return cache;
  }
  for (const key of Object.keys(valueAt(document, "cache.options") ?? {})) {
    if (key !== "cache_size") note(`options.${key}`, "has no effect");
  }
  note("type", "policies are also kept in a file, so that they survive a restart");
  const limits = { path: "cache.options.cache_size", like: CACHE_KEYS.memory_entries, notes };
  const memory_entries = bounded(options.cache_size, limits) ?? cache.memory_entries;
  return { ...cache, memory_entries };
}

function translateRefresh(
  { refresh, proactive_policy_fetching: proactive }: FileValues,
  { notes }: Context,
): FileValues["refresh"] {
  const path = "proactive_policy_fetching";
  if (proactive.enabled === false) {
    const text = "has no effect: policies in use are always fetched anew before they expire";
    notes.push({ path: `${path}.enabled`, text });
  }
  const { interval, concurrency } = REFRESH_KEYS;
  return {
    ...refresh,
    interval: bounded(proactive.interval, { path: `${path}.interval`, like: interval, notes }) ??
      refresh.interval,
    concurrency: bounded(proactive.concurrency_limit, {
      path: `${path}.concurrency_limit`,
      like: concurrency,
      notes,
    }) ?? refresh.concurrency,
  };
}

/** Moves a number that the other program accepts into the bounds of our key, with a note. */
function bounded(
  value: number | null | undefined,
  options: { path: string; like: v.GenericSchema; notes: ConfigNote[] },
): number | undefined {
  if (value === null || value === undefined) return undefined;
  const { path, like, notes } = options;
  const [min, max] = factsOf(like).range!;
  const used = Math.min(Math.max(value, min), max);
  if (used !== value) notes.push({ path, text: `${used} is used, allowed is ${min} to ${max}` });
  return used;
}

/** What a zone leaves out comes from `default_zone`, in the other program from its built-in defaults. */
function noteInheritance({ document, notes }: Context): void {
  const keys = [...Object.keys(LEGACY_KEYS), "cache.type", "cache.options"];
  if (!keys.some((key) => isGiven(document, key))) return;
  const zones = Object.values(valueAt(document, "zones") ?? {});
  const inherited = Object.keys(valueAt(document, "default_zone") ?? {})
    .filter((key) => zones.some((zone) => !isGiven(zone ?? {}, key)));
  if (inherited.length > 0) {
    notes.push({
      path: "zones",
      text: `take ${inherited.join(", ")} from default_zone if left out`,
    });
  }
}

/** Whether a key has a value. Null is none, except for `host`, where it means all addresses. */
function isGiven(document: Document, path: string): boolean {
  const value = valueAt(document, path);
  return value !== undefined && (value !== null || path === "host");
}

function valueAt(document: Document, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Document)?.[key], document);
}
