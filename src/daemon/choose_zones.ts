/**
 * Chooses the zone of each query, and warns the operator if Sendmail asks a zone that is not safe for it.
 *
 * Sendmail takes what it does not understand, such as `dane-only`, for "no check". Only the socketmap
 * name shows that Sendmail asks: its rules fix `sts`, while Postfix can ask any name.
 *
 * @module
 */

import type { Warnings } from "../base/warnings.ts";
import type { Config, Zone } from "../config/types.ts";
import { SENDMAIL_NAME, unsafeForSendmail, zoneFor } from "../config/zones.ts";

/**
 * Makes the choice for one configuration.
 *
 * @param warnings Gets a warning at the first query that an unsafe zone `sts` answers, and no other.
 * @returns The zone of a map name. Called for every query, so it does no more than it must.
 */
export function chooseZones(
  config: Config,
  warnings: Pick<Warnings, "warn">,
): (mapName: string) => Zone {
  const unsafe = unsafeForSendmail(zoneFor(config, SENDMAIL_NAME)).join(", ");
  let isQuiet = unsafe === "";
  return (mapName) => {
    if (!isQuiet && mapName === SENDMAIL_NAME) {
      isQuiet = true;
      warnings.warn(`zone ${SENDMAIL_NAME}`, "zone unsafe for Sendmail", {
        zone: SENDMAIL_NAME,
        settings: unsafe,
      });
    }
    return zoneFor(config, mapName);
  };
}
