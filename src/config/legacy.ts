/**
 * The file of postfix-mta-sts-resolver, `/etc/mta-sts-daemon.yml`, works unchanged: its keys are
 * turned into ours here, or accepted with a note on what happens instead.
 *
 * Its cache file is never opened: it belongs to the other program and has another form. Its Redis or PostgreSQL
 * becomes `cache.shared`, see `legacy_shared.ts`.
 *
 * @module
 */

import { CACHE_KEYS, POLICY_KEYS, REFRESH_KEYS } from "./cache_keys.ts";
import type { Document } from "./document.ts";
import type { Key } from "./key.ts";
import { type FileValues, LEGACY_KEYS } from "./legacy_keys.ts";
import { type SharedType, translateShared } from "./legacy_shared.ts";
import type { ConfigNote } from "./types.ts";
import { SENDMAIL_NAME } from "./zones.ts";

/** Where only one of `host` and `port` is given; the other program's defaults are these too. */
const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 8461;

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

/** Keys without effect here, and why nothing is lost. */
const UNUSED: readonly ConfigNote[] = [
  {
    path: "reuse_port",
    text: "has no effect: one process answers everything",
  },
  {
    path: "proactive_policy_fetching.grace_ratio",
    text: "has no effect: each policy is refreshed by its own age",
  },
];

/** What a translation reads beside the values, and where it puts what it finds. */
interface Context {
  /** Distinguishes what was given from what is a default. */
  readonly document: Document;
  readonly notes: ConfigNote[];
  /** One line each, without the name of the file. */
  readonly problems: string[];
}

/**
 * Turns the other program's keys into ours.
 *
 * @param values The checked values.
 * @param document The document they were made from.
 * @returns Values in which our keys say everything, remarks for the operator, and one line for
 * each pair of keys that exclude each other.
 */
export function translateLegacy(
  values: FileValues,
  document: Document,
): { values: FileValues; notes: ConfigNote[]; problems: string[] } {
  const problems = pairsOf(values)
    .filter((pair) => pair.every((path) => isGiven(document, path)))
    .map(([ours, theirs]) => `${theirs}: conflicts with ${ours}, remove one of them`);
  const notes = UNUSED.filter(({ path }) => isGiven(document, path));
  const context = { document, notes, problems };
  const translated = {
    ...values,
    listen: translateListen(values, context),
    socket_mode: values.mode ?? values.socket_mode,
    cache: translateCache(values.cache, context),
    recheck:
      bounded(values.cache_grace, { path: "cache_grace", like: POLICY_KEYS.recheck, notes }) ??
        values.recheck,
    refresh: translateRefresh(values, context),
  };
  noteInheritance(context);
  return { values: translated, notes, problems };
}

/** An engine that is shared takes the place of another one, but not of the file. */
function pairsOf({ cache }: FileValues): typeof PAIRS {
  if (!isShared(cache.type)) return PAIRS;
  return [
    ...PAIRS.filter(([ours]) => ours !== "cache.file"),
    ["cache.shared.url", "cache.type"],
    ["cache.shared.sentinels", "cache.type"],
  ];
}

function isShared(type: FileValues["cache"]["type"]): type is SharedType {
  return type === "redis" || type === "redis_sentinel" || type === "postgres";
}

/** `host` and `port`, or `path` instead of both. */
function translateListen(values: FileValues, { document, notes }: Context): FileValues["listen"] {
  const { path, port } = values;
  const inet = ["host", "port"].filter((key) => isGiven(document, key));
  if (path) {
    for (const key of inet) notes.push({ path: key, text: "has no effect together with path" });
    return [{ kind: "unix", path }];
  }
  if (isGiven(document, "listen")) return values.listen;
  if (isGiven(document, "mode")) notes.push({ path: "mode", text: "has no effect without path" });
  if (inet.length === 0) return values.listen;

  let hosts = document.host === null ? ["::"] : values.host ?? [DEFAULT_HOST];
  // On Linux an IPv6 socket takes IPv4 too, and one for IPv4 beside it finds the port in use.
  if (hosts.includes("::") && hosts.includes("0.0.0.0")) {
    hosts = hosts.filter((host) => host !== "0.0.0.0");
    notes.push({ path: "host", text: "listens on :: only, which accepts IPv4 as well" });
  }
  return hosts.map((hostname) => ({ kind: "inet", hostname, port: port ?? DEFAULT_PORT }));
}

/** `cache.type` and `cache.options`. The other program's file is left alone. */
function translateCache(
  cache: FileValues["cache"],
  context: Context,
): FileValues["cache"] {
  const { document, notes } = context;
  const { options } = cache;
  const type = cache.type ?? (isGiven(document, "cache.options") ? "internal" : undefined);
  if (type === undefined) return cache;
  if (isShared(type)) return translateEngine(type, { cache, context });
  const note = (path: string, text: string) => notes.push({ path: `cache.${path}`, text });

  if (type === "sqlite") {
    note(
      "type",
      "sqlite is not used: policies are kept in our own cache file; 'cache import' reads the old one",
    );
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

/** A cache that hosts share: policies are kept here too, and hosts tell each other there what they learn. */
function translateEngine(
  type: SharedType,
  { cache, context }: { readonly cache: FileValues["cache"]; readonly context: Context },
): FileValues["cache"] {
  const { document, notes, problems } = context;
  const path = "cache.options";
  const translation = translateShared(type, valueAt(document, path));
  problems.push(...translation.problems.map((problem) => `${path}.${problem}`));
  notes.push(
    ...translation.notes.map(({ option, text }) => ({ path: `${path}.${option}`, text })),
    {
      path: "cache.type",
      text: `${type} is shared with the other hosts; policies are also kept on this one`,
    },
  );
  return { ...cache, shared: { ...cache.shared, ...translation.values } };
}

function translateRefresh(
  { refresh, proactive_policy_fetching: proactive }: FileValues,
  { notes }: Context,
): FileValues["refresh"] {
  const path = "proactive_policy_fetching";
  if (proactive.enabled === false) {
    const text = "has no effect: policies in use are always refreshed before they expire";
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
  value: number | undefined,
  options: { path: string; like: Pick<Key, "range">; notes: ConfigNote[] },
): number | undefined {
  if (value === undefined) return undefined;
  const { path, like, notes } = options;
  const [min, max] = like.range!;
  const used = Math.min(Math.max(value, min), max);
  if (used !== value) {
    notes.push({ path, text: `is out of range (${min} to ${max}), using ${used}` });
  }
  return used;
}

/** A zone inherits what it leaves out from `default_zone`; in the other program, from built-in defaults. */
function noteInheritance({ document, notes }: Context): void {
  const keys = [...Object.keys(LEGACY_KEYS), "cache.type", "cache.options"];
  if (!keys.some((key) => isGiven(document, key))) return;
  const zones = Object.values(valueAt(document, "zones") ?? {});
  const sts = (valueAt(document, "zones") as Document | undefined)?.[SENDMAIL_NAME];
  if (sts !== undefined) {
    const text = "is for Sendmail and has dane: off unless set; Postfix should ask another name";
    notes.push({ path: `zones.${SENDMAIL_NAME}`, text });
  }
  const inherited = Object.keys(valueAt(document, "default_zone") ?? {})
    .filter((key) => zones.some((zone) => !isGiven(zone ?? {}, key)));
  if (inherited.length > 0) {
    notes.push({
      path: "zones",
      text: `inherit ${inherited.join(", ")} from default_zone unless set`,
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
