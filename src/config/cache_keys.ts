/**
 * The keys about policies that are held: where they are kept, and when they are checked and
 * fetched again.
 *
 * @module
 */

import { count, file, flag, seconds, section } from "./kinds.ts";
import { SHARED } from "./shared_keys.ts";

/** Keys below `cache`. */
export const CACHE_KEYS = {
  file: file({
    words: ["memory"],
    text:
      "The file that keeps policies across restarts, or `memory` for none. The default depends on the environment, see mta-sts-resolver(1). `cache: memory` is short for `cache: {file: memory}`.",
  }),
  memory_entries: count({
    range: [100, 2_000_000],
    default: 20_000,
    text:
      "How many domains are held in memory in front of the file. Each takes about 2 KB. With fewer than 100, every query would go to the file.",
  }),
  memory_megabytes: count({
    range: [8, 65_536],
    default: 32,
    text:
      "How much memory may be used in front of the file, in megabytes. It holds policies, MX hosts and replies, however much domains publish. With `cache: memory`, a policy that does not fit is lost.",
  }),
  allow_unsafe_directory: flag({
    default: false,
    text: "Accept a cache directory that other users can write to.",
  }),
  shared: SHARED,
};

/** Keys below `refresh`. */
export const REFRESH_KEYS = {
  interval: seconds({
    range: [300, 604_800],
    default: 86_400,
    text:
      "About how often a policy in use is fetched again (RFC 8461 §10.2). RFC 8461 §3.3 asks for at least five minutes between attempts. At intervals above one week, policies would expire in between.",
  }),
  forget_after: seconds({
    range: [86_400, 31_557_600],
    default: 15_552_000,
    text:
      "How long a policy is refreshed after the last query for it. No policy lives longer than the upper bound, one year.",
  }),
  concurrency: count({
    range: [1, 1_000],
    default: 10,
    text: "How many policies are refreshed at the same time.",
  }),
};

/** Keys at the top of the file about policies that are held. */
export const POLICY_KEYS = {
  cache: section({ keys: CACHE_KEYS, text: "Where policies are kept." }),
  recheck: seconds({
    range: [1, 86_400],
    default: 300,
    text:
      "How long a policy is used before its TXT record is checked again. The check runs in the background, and the policy stays in use meanwhile. With more than one day, a changed policy would be noticed too late.",
  }),
  negative_ttl: seconds({
    range: [1, 86_400],
    default: 300,
    text:
      "How long to remember that a domain has no policy. With more than one day, a new policy would be noticed too late.",
  }),
  refresh: section({
    keys: REFRESH_KEYS,
    text: "How policies in use are fetched again before they expire.",
  }),
};
