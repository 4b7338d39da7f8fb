/**
 * Which zone answers a query: the one named by the last part of Postfix's
 * `socketmap:inet:127.0.0.1:8461:NAME`.
 *
 * @module
 */

import type { Config } from "./types.ts";
import type { Zone } from "../resolver/zone.ts";

/** Map name with which postfix-tlspol's users ask for TLS report attributes, in lower case. */
const TLSRPT_NAME = "querywithtlsrpt";

/** The socketmap name that Sendmail's `FEATURE(sts)` asks: its rules have no other. */
export const SENDMAIL_NAME = "sts";

/** Octets of the `match=` list that Sendmail reads. */
const SENDMAIL_MATCH_OCTETS = 255;

/**
 * What the zone `sts` has unless the operator says otherwise. Sendmail takes `dane-only` for "no check", defers
 * all mail for a reply without `servername=hostname` or with TLSRPT attributes, and loses the whole policy if
 * the list of names is long; the bound leaves it some room.
 */
export const SENDMAIL_SETTINGS = {
  dane: "off",
  tlsrpt: false,
  requireSni: true,
  matchLimit: 240,
} as const satisfies Partial<Zone>;

/**
 * Lists the settings of a zone with which Sendmail sends mail without protection, or sends none.
 *
 * @returns As they are written in the file, such as `dane: auto`; empty if there are none.
 */
export function unsafeForSendmail({ dane, tlsrpt, requireSni, matchLimit }: Zone): string[] {
  const unsafe: string[] = [];
  if (dane !== "off") unsafe.push(`dane: ${dane}`);
  if (tlsrpt) unsafe.push("tlsrpt: true");
  if (!requireSni) unsafe.push("require_sni: false");
  if (matchLimit === undefined || matchLimit > SENDMAIL_MATCH_OCTETS) {
    unsafe.push(`match_limit: ${matchLimit ?? "null"}`);
  }
  return unsafe;
}

/**
 * Chooses the zone for a map name. Called for every query.
 *
 * A zone of exactly that name comes first. Otherwise `QUERYwithTLSRPT`, in any letter case, means
 * the default zone with TLS report attributes, as in postfix-tlspol. All other names, `QUERY`
 * included, mean the default zone. `sts` is a zone in every configuration.
 */
export function zoneFor(config: Config, mapName: string): Zone {
  const zone = config.zones.get(mapName);
  if (zone !== undefined) return zone;
  const asksForTlsrpt = mapName.length === TLSRPT_NAME.length &&
    mapName.toLowerCase() === TLSRPT_NAME;
  return asksForTlsrpt ? config.tlsrptZone : config.defaultZone;
}
