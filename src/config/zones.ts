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

/**
 * Chooses the zone for a map name. Called for every query.
 *
 * A zone of exactly that name comes first. Otherwise `QUERYwithTLSRPT`, in any letter case, means
 * the default zone with TLS report attributes, as in postfix-tlspol. All other names, `QUERY`
 * included, mean the default zone.
 */
export function zoneFor(config: Config, mapName: string): Zone {
  const zone = config.zones.get(mapName);
  if (zone !== undefined) return zone;
  const asksForTlsrpt = mapName.length === TLSRPT_NAME.length &&
    mapName.toLowerCase() === TLSRPT_NAME;
  return asksForTlsrpt ? config.tlsrptZone : config.defaultZone;
}
