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
import { EXCEPTION_KEYS } from "./exception_keys.ts";
import { ALLOWED_DOMAIN, readExceptionDomain } from "./exceptions.ts";
import { withoutDefaults } from "./key.ts";
import { namedSections, section } from "./kinds.ts";
import { NETWORK_KEYS } from "./network_keys.ts";
import { RECEIVED_KEYS } from "./received_keys.ts";
import { TLSRPT_KEYS } from "./report_keys.ts";
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
    isName: (name) => ZONE_NAME.test(name),
    allowedName: "a socketmap name without spaces, colons and control characters",
    text:
      "The settings of individual socketmap names. Each has the keys of `default_zone` and inherits what it leaves out. The zone `sts`, for Sendmail, is built in, with `dane: off`, `tlsrpt: false`, `require_sni: true` and `match_limit: 240`.",
  }),
  domains: namedSections({
    keys: EXCEPTION_KEYS,
    isName: (name) => readExceptionDomain(name) !== undefined,
    allowedName: ALLOWED_DOMAIN,
    placeholder: "DOMAIN",
    text:
      "Exceptions from what domains publish, each with an end and a reason. `*.` and a domain stands for all names below it, at any depth, and not for the domain itself. Of several entries the most specific one counts, alone.",
  }),
  ...POLICY_KEYS,
  ...NETWORK_KEYS,
  ...TLSRPT_KEYS,
  ...RECEIVED_KEYS,
  ...PROCESS_KEYS,
};
