/**
 * The effective configuration, as the rest of the program reads it: every value present, checked
 * and in one unit. Durations are milliseconds here, seconds in the file.
 *
 * A setting bears the name of its key in camel case, and the text of the key says what it means:
 * `config.limits.idleTimeout` is `limits.idle_timeout`. What differs from the file is listed in
 * {@link Config}.
 *
 * @module
 */

import type { ListenAddress } from "../base/address.ts";
import type { SettingsOf } from "./key.ts";
import type { KEYS } from "./keys.ts";
import type { DomainException } from "../resolver/exception.ts";
import type { Zone } from "../resolver/zone.ts";

export type { ListenAddress } from "../base/address.ts";
export type { Zone } from "../resolver/zone.ts";

/** The settings under the names of their keys. */
export type Settings = SettingsOf<typeof KEYS>;

/** Keys whose settings have another form or place in {@link Config}. */
type Reshaped =
  | "listen"
  | "control"
  | "http"
  | "defaultZone"
  | "zones"
  | "domains"
  | "cache"
  | "tls"
  | "https"
  | "allowPrivate";

/** The whole configuration. */
export interface Config extends Omit<Settings, Reshaped> {
  /** The file it came from; `undefined` for the embedded defaults. */
  readonly file: string | undefined;
  readonly listen: readonly ListenAddress[];
  /** Control socket for `cache`; `undefined` switches it off. */
  readonly control: ListenAddress | undefined;
  /** HTTP surface for metrics, health and status page; empty switches it off. */
  readonly http: readonly ListenAddress[];
  readonly defaultZone: Zone;
  /** The default zone with `tlsrpt`, for the map name `QUERYwithTLSRPT` of postfix-tlspol. */
  readonly tlsrptZone: Zone;
  readonly zones: ReadonlyMap<string, Zone>;
  /** Exceptions from what domains publish, ended ones included. */
  readonly domains: readonly DomainException[];
  readonly cache: Omit<Settings["cache"], "file"> & {
    /** `undefined` keeps policies in memory only. */
    readonly file: string | undefined;
  };
  readonly https: Settings["https"] & {
    /** Trust roots (key `tls.ca`): the built-in Mozilla set, the system's, or a PEM file. */
    readonly ca: "mozilla" | "system" | { readonly file: string };
    /** Refused address ranges that are accepted nevertheless, as CIDR (key `allow_private`). */
    readonly allowPrivate: readonly string[];
  };
}

/** A remark on the file that is not an error: what happens to a key that has no meaning here. */
export interface ConfigNote {
  /** Path of the key, such as `cache.options.threads`. */
  readonly path: string;
  readonly text: string;
}
