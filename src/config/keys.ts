/**
 * Every key of the configuration file, in the order of the manual. Each is stated once, in the
 * file of its subject: a new key goes there, and nowhere else.
 *
 * Durations are seconds. Bounds are there to catch slips of the pen (milliseconds, a digit too
 * many); each text gives the reason where it is not obvious.
 *
 * @module
 */

import { POLICY_KEYS } from "./cache_keys.ts";
import { PROCESS_KEYS, SOCKET_KEYS } from "./daemon_keys.ts";
import { withoutDefaults } from "./key.ts";
import { namedSections, section } from "./kinds.ts";
import { NETWORK_KEYS } from "./network_keys.ts";
import { ZONE_KEYS } from "./zone_keys.ts";

/** A name that can stand last in `socketmap:inet:host:port:name`, see socketmap_table(5). */
const ZONE_NAME = /^[^:\p{Z}\p{C}]+$/u;

/** All keys of the file. */
export const KEYS = {
  ...SOCKET_KEYS,
  default_zone: section({
    keys: ZONE_KEYS,
    text: "The settings of socketmap names that are not listed in `zones`.",
  }),
  zones: namedSections({
    keys: withoutDefaults(ZONE_KEYS),
    name: ZONE_NAME,
    allowedName: "a socketmap name without spaces, colons and control characters",
    text:
      "The settings of individual socketmap names. Each has the keys of `default_zone` and inherits what it leaves out. The zone `sts`, for Sendmail, is built in, with `dane: off`, `tlsrpt: false`, `require_sni: true` and `match_limit: 240`.",
  }),
  ...POLICY_KEYS,
  ...NETWORK_KEYS,
  ...PROCESS_KEYS,
};
