/**
 * Writes the effective configuration as a file that can be read again, with each key's
 * meaning above it. Reading it gives the same configuration, except that the cache file
 * then counts as named by the operator.
 *
 * @module
 */

import { formatEndpoint } from "./address.ts";
import { describeConfig, type KeyDescription } from "./describe.ts";
import { isMapping } from "./fields.ts";
import type { Config, Zone } from "./types.ts";

/** Width of a comment, characters. */
const COMMENT_WIDTH = 78;

/** Words that are text to every version of YAML, without quotes. */
const PLAIN_WORD = /^(?!(?:true|false|null)$)[a-z]{4,}$/;

/** Names that stay what they are without quotes as keys. */
const PLAIN_KEY = /^[a-z_]+$/;

/**
 * Writes a configuration as YAML.
 *
 * @param base Leaves out what is the same there, and in a zone what is the same in the default zone.
 */
export function formatConfig(config: Config, base?: Config): string {
  const ours = describeConfig().filter((key) => !key.legacy);
  const comments = new Map(ours.map((key) => [key.path, formatComment(key)]));
  const file = base === undefined
    ? toFile(config)
    : difference(inherit(toFile(config)), toFile(base));
  return [...formatMapping(file, comments), ""].join("\n");
}

type Mapping = Readonly<Record<string, unknown>>;

/** What is in `mapping` and not the same in `base`. */
function difference(mapping: Mapping, base: Mapping): Mapping {
  const rest: [string, unknown][] = [];
  for (const [name, value] of Object.entries(mapping)) {
    const other = base[name];
    if (isMapping(value) && isMapping(other)) {
      const below = difference(value, other);
      if (Object.keys(below).length > 0) rest.push([name, below]);
    } else if (JSON.stringify(value) !== JSON.stringify(other)) {
      rest.push([name, value]);
    }
  }
  return Object.fromEntries(rest);
}

/** Leaves to the default zone what zones have from there. */
function inherit(file: ReturnType<typeof toFile>): Mapping {
  const zones = Object.entries(file.zones)
    .map(([name, zone]) => [name, difference(zone, file.default_zone)]);
  return { ...file, zones: Object.fromEntries(zones) };
}

/** @param path Where the mapping stands in the file, which is also how its comments are found. */
function* formatMapping(
  mapping: Mapping,
  comments: ReadonlyMap<string, readonly string[]>,
  path: readonly string[] = [],
): Iterable<string> {
  const indent = "  ".repeat(path.length);
  for (const [index, [name, value]] of Object.entries(mapping).entries()) {
    const here = [...path, name];
    if (path.length === 0 && index > 0) yield "";
    for (const line of comments.get(here.join(".")) ?? []) yield `${indent}# ${line}`;
    const key = `${indent}${PLAIN_KEY.test(name) ? name : JSON.stringify(name)}:`;
    if (isMapping(value) && Object.keys(value).length > 0) {
      yield key;
      yield* formatMapping(value, comments, here);
    } else {
      yield `${key} ${formatValue(value)}`;
    }
  }
}

/** JSON is YAML, so only words are written otherwise. */
function formatValue(value: unknown): string {
  return typeof value === "string" && PLAIN_WORD.test(value) ? value : JSON.stringify(value);
}

/** The meaning of a key, and what may stand there. */
function formatComment({ type, text, allowed, default: fallback }: KeyDescription): string[] {
  if (type === "mapping") return wrap(text);
  const known = fallback === "" ? "" : ` Default: ${fallback}.`;
  return [...wrap(text), ...wrap(`Allowed: ${allowed}.${known}`)];
}

/** Breaks text into lines of at most that many characters. */
export function wrap(text: string, width = COMMENT_WIDTH): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line.length + word.length < width) {
      line = line === "" ? word : `${line} ${word}`;
    } else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

/** The configuration in names and units of the file; the opposite of `toConfig` in `load.ts`. */
function toFile(config: Config) {
  const { cache, refresh, dns, https, limits, log, control } = config;
  return {
    listen: config.listen.map(formatEndpoint),
    socket_mode: config.socketMode.toString(8).padStart(4, "0"),
    control: control === undefined ? null : formatEndpoint(control),
    http: config.http.map(formatEndpoint),
    default_zone: toFileZone(config.defaultZone),
    zones: Object.fromEntries([...config.zones].map(([name, zone]) => [name, toFileZone(zone)])),
    cache: {
      file: cache.file ?? "memory",
      memory_entries: cache.memoryEntries,
      allow_unsafe_directory: cache.allowUnsafeDirectory,
    },
    recheck: toSeconds(config.recheck),
    negative_ttl: toSeconds(config.negativeTtl),
    refresh: {
      interval: toSeconds(refresh.interval),
      forget_after: toSeconds(refresh.forgetAfter),
      concurrency: refresh.concurrency,
    },
    dns: { servers: dns.servers, timeout: toSeconds(dns.timeout), dnssec_probe: dns.dnssecProbe },
    tls: { ca: typeof https.ca === "string" ? https.ca : https.ca.file },
    https: {
      timeout: toSeconds(https.timeout),
      concurrency: https.concurrency,
      per_address: https.perAddress,
      proxy: https.proxy ?? null,
    },
    allow_private: https.allowPrivate,
    limits: {
      connections: limits.connections,
      pipeline: limits.pipeline,
      idle_timeout: toSeconds(limits.idleTimeout),
      io_timeout: toSeconds(limits.ioTimeout),
      discoveries: limits.discoveries,
    },
    shutdown_timeout: toSeconds(config.shutdownTimeout),
    log: { level: log.level, format: log.format },
  };
}

function toFileZone(zone: Zone): Record<string, unknown> {
  return {
    strict_testing: zone.strictTesting,
    timeout: toSeconds(zone.timeout),
    require_sni: zone.requireSni,
    tlsrpt: zone.tlsrpt,
    dane: zone.dane,
    on_dns_failure: zone.onDnsFailure,
  };
}

function toSeconds(milliseconds: number): number {
  return milliseconds / 1000;
}
