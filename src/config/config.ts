/**
 * The settings in the form the program wants them, and back: zones inherit, UNIX sockets get their
 * mode, and a few keys have another place. A key that is none of these needs nothing here.
 *
 * @module
 */

import { type Endpoint, toListenAddress } from "../base/address.ts";
import { toDomainValues, toExceptions } from "./exceptions.ts";
import type { ValuesOf } from "./key.ts";
import { KEYS } from "./keys.ts";
import { toFileValues, toSettings } from "./settings.ts";
import type { Config, Settings } from "./types.ts";
import type { Zone } from "../resolver/zone.ts";
import { SENDMAIL_NAME, SENDMAIL_SETTINGS } from "./zones.ts";

/** Only the operator may purge the cache, even if other users may use the other sockets. */
const CONTROL_SOCKET_MODE = 0o600;

/**
 * Makes the configuration.
 *
 * @param values Checked values of our keys, in the units of the file.
 * @param options `file`: where they come from; `cacheFile`: the cache file if they name none.
 */
export function toConfig(
  values: ValuesOf<typeof KEYS>,
  options: { readonly file: string | undefined; readonly cacheFile: string | undefined },
): Config {
  const { tls, allowPrivate, ...settings } = toSettings(KEYS, values);
  const { cache, https, socketMode } = settings;
  const listenOn = (endpoint: Endpoint) => toListenAddress(endpoint, socketMode);
  const defaultZone: Zone = { name: "default", ...settings.defaultZone };
  const cacheFile = cache.file ?? options.cacheFile;
  return {
    ...settings,
    file: options.file,
    listen: settings.listen.map(listenOn),
    control: settings.control && toListenAddress(settings.control, CONTROL_SOCKET_MODE),
    http: settings.http.map(listenOn),
    defaultZone,
    tlsrptZone: { ...defaultZone, name: "QUERYwithTLSRPT", tlsrpt: true },
    zones: toZones(settings.zones, defaultZone),
    domains: toExceptions(settings.domains),
    cache: { ...cache, file: cacheFile === "memory" ? undefined : cacheFile },
    https: { ...https, ca: toTrustRoots(tls.ca), allowPrivate },
  };
}

/**
 * The opposite of {@link toConfig}.
 *
 * @returns Every key of ours as it would be written in the file.
 */
export function toFile(config: Config): Record<keyof typeof KEYS, unknown> {
  const { cache, https, zones, domains } = config;
  const file = toFileValues(KEYS, {
    ...config,
    zones: Object.fromEntries(zones),
    domains: toDomainValues(domains),
    cache: { ...cache, file: cache.file ?? "memory" },
    tls: { ca: typeof https.ca === "string" ? https.ca : https.ca.file },
    allowPrivate: https.allowPrivate,
  });
  return { ...file, domains: withoutNulls(file.domains) };
}

/** An exception shows the keys that it has. */
function withoutNulls(domains: unknown): Record<string, unknown> {
  const entries = Object.entries(
    domains as Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  );
  return Object.fromEntries(entries.map(([name, values]) => {
    const given = Object.entries(values).filter(([_key, value]) => value !== null);
    return [name, Object.fromEntries(given)];
  }));
}

/** Each zone, with what it leaves out taken from the default zone; `sts` is there even if the file has none. */
function toZones(zones: Settings["zones"], defaultZone: Zone): Map<string, Zone> {
  const all = { ...zones, [SENDMAIL_NAME]: zones[SENDMAIL_NAME] ?? {} };
  return new Map(
    Object.entries(all).map(([name, zone]) => {
      const given = Object.entries(zone).filter(([_key, value]) => value !== undefined);
      return [name, { ...bareZone(name, defaultZone), ...Object.fromEntries(given) }];
    }),
  );
}

/** A zone of which the file says nothing. */
export function bareZone(name: string, defaultZone: Zone): Zone {
  return { ...defaultZone, ...(name === SENDMAIL_NAME ? SENDMAIL_SETTINGS : {}), name };
}

function toTrustRoots(ca: string): Config["https"]["ca"] {
  return ca === "mozilla" || ca === "system" ? ca : { file: ca };
}
