/**
 * Makes the effective configuration: finds and reads the file, adds defaults, turns units
 * and names into those of the program. Reads nothing but that one file; the environment
 * comes in as a value.
 *
 * @module
 */

import { toListenAddress } from "./address.ts";
import { CONFIG_FILES, defaultCacheFile, type Environment } from "./defaults.ts";
import { checkDocument, failOn, type FileValues, parseDocument } from "./document.ts";
import { translateLegacy } from "./legacy.ts";
import type { Config, ConfigNote, Zone } from "./types.ts";
import { UsageError } from "./usage_error.ts";

/** Purging the cache is for the operator alone, whoever may use the other sockets. */
const CONTROL_SOCKET_MODE = 0o600;

/** What {@link loadConfig} needs from outside. */
export interface LoadOptions {
  /** The file to read; without it the first of {@link CONFIG_FILES} there is, else the defaults alone. */
  readonly file?: string;
  /** Throws as `Deno.readTextFileSync` does. */
  readonly readTextFile: (path: string) => string;
  readonly env: Environment;
}

/** A configuration, and remarks on its file for the operator. */
export interface LoadedConfig {
  readonly config: Config;
  readonly notes: readonly ConfigNote[];
}

/**
 * Loads the configuration.
 *
 * @throws {UsageError} If the file cannot be read or has mistakes: one line for each, with file
 * and key, or with line and column.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { env } = options;
  const { file, text } = findFile(options);
  const name = file ?? "defaults";
  const document = parseDocument(text, name);
  const checked = checkDocument(document, name);
  const { values, notes, problems } = translateLegacy(checked, document);
  failOn(problems, name);

  const cacheFile = values.cache.file ?? defaultCacheFile(env);
  if (cacheFile === undefined) {
    const text = "is in memory only: neither STATE_DIRECTORY nor XDG_STATE_HOME nor HOME is set";
    notes.push({ path: "cache.file", text });
  }
  if (!values.https.proxy && (env("HTTPS_PROXY") || env("https_proxy"))) {
    const text = "is not set, and HTTPS_PROXY in the environment is not used";
    notes.push({ path: "https.proxy", text });
  }
  return { config: toConfig(values, { file, cacheFile }), notes };
}

function findFile({ file, readTextFile }: LoadOptions): { file?: string; text: string } {
  for (const candidate of file === undefined ? CONFIG_FILES : [file]) {
    try {
      return { file: candidate, text: readTextFile(candidate) };
    } catch (error) {
      if (file === undefined && error instanceof Deno.errors.NotFound) continue;
      throw cannotRead(candidate, error);
    }
  }
  return { text: "" };
}

/** The mistake of naming a file that cannot be read. */
export function cannotRead(file: string, error: unknown): UsageError {
  const why = error instanceof Error ? error.message : String(error);
  return new UsageError(`${file}: cannot be read: ${why}`, { cause: error });
}

function toConfig(
  values: FileValues,
  { file, cacheFile }: { file: string | undefined; cacheFile: string | undefined },
): Config {
  const { cache, refresh, dns, tls, https, limits, socket_mode: socketMode } = values;
  const defaultZone = toZone("default", values.default_zone, values.default_zone);
  return {
    file,
    listen: values.listen.map((endpoint) => toListenAddress(endpoint, socketMode)),
    socketMode,
    control: values.control ? toListenAddress(values.control, CONTROL_SOCKET_MODE) : undefined,
    http: values.http.map((endpoint) => toListenAddress(endpoint, socketMode)),
    defaultZone,
    tlsrptZone: { ...defaultZone, name: "QUERYwithTLSRPT", tlsrpt: true },
    zones: toZones(values),
    cache: {
      file: cacheFile === "memory" ? undefined : cacheFile,
      explicit: typeof cache.file === "string",
      memoryEntries: cache.memory_entries,
      allowUnsafeDirectory: cache.allow_unsafe_directory,
    },
    recheck: toMs(values.recheck),
    negativeTtl: toMs(values.negative_ttl),
    refresh: {
      interval: toMs(refresh.interval),
      forgetAfter: toMs(refresh.forget_after),
      concurrency: refresh.concurrency,
    },
    dns: { servers: dns.servers, timeout: toMs(dns.timeout), dnssecProbe: dns.dnssec_probe },
    https: {
      timeout: toMs(https.timeout),
      ca: tls.ca === "mozilla" || tls.ca === "system" ? tls.ca : { file: tls.ca },
      allowPrivate: values.allow_private,
      proxy: https.proxy ?? undefined,
      concurrency: https.concurrency,
      perAddress: https.per_address,
    },
    limits: {
      connections: limits.connections,
      pipeline: limits.pipeline,
      idleTimeout: toMs(limits.idle_timeout),
      ioTimeout: toMs(limits.io_timeout),
      discoveries: limits.discoveries,
    },
    shutdownTimeout: toMs(values.shutdown_timeout),
    log: values.log,
  };
}

function toZones(values: FileValues): Map<string, Zone> {
  const zones = Object.entries(values.zones);
  return new Map(zones.map(([name, zone]) => [name, toZone(name, zone, values.default_zone)]));
}

/** A zone with what it leaves out taken from `fallback`. */
function toZone(
  name: string,
  zone: FileValues["zones"][string],
  fallback: FileValues["default_zone"],
): Zone {
  return {
    name,
    strictTesting: zone.strict_testing ?? fallback.strict_testing,
    timeout: toMs(zone.timeout ?? fallback.timeout),
    requireSni: zone.require_sni ?? fallback.require_sni,
    tlsrpt: zone.tlsrpt ?? fallback.tlsrpt,
    dane: zone.dane ?? fallback.dane,
    onDnsFailure: zone.on_dns_failure ?? fallback.on_dns_failure,
  };
}

function toMs(seconds: number): number {
  return Math.round(seconds * 1000);
}
