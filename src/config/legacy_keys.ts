/**
 * The keys of postfix-mta-sts-resolver that are not ours, and all keys together that a file may
 * have. `zones`, `default_zone` and `shutdown_timeout` mean the same in both programs. What becomes
 * of the others is in `legacy.ts`.
 *
 * @module
 */

import { isSocketPath, SOCKET_PATH_MAX_BYTES } from "../base/address.ts";
import { isHostname, isIpv4, isIpv6 } from "../base/host.ts";
import { CACHE_KEYS } from "./cache_keys.ts";
import type { ValuesOf } from "./key.ts";
import { KEYS } from "./keys.ts";
import { choice, count, fileMode, flag, list, ratio, seconds, section, text } from "./kinds.ts";

/** A bound against nonsense only: `legacy.ts` moves what is out of our own bounds into them. */
const ANY = [0, 1e9] as const;

const OPTION_KEYS = {
  cache_size: count({ range: ANY, text: "Same as `cache.memory_entries`." }),
  filename: text({
    parse: (value) => value,
    allowed: "a path",
    text: "Ignored. That file belongs to the other program, and `cache import` reads it.",
  }),
};

/** Keys below `cache`, beside ours. */
export const LEGACY_CACHE_KEYS = {
  type: choice({
    words: ["internal", "sqlite", "redis", "redis_sentinel", "postgres"],
    text:
      "The cache of postfix-mta-sts-resolver. `redis`, `redis_sentinel` and `postgres` become `cache.shared`. Policies are always kept in memory and in our own cache file too.",
  }),
  options: section({
    keys: OPTION_KEYS,
    open: true,
    text:
      "The options of the cache. Those that say where Redis or PostgreSQL is are used, the others are noted.",
  }),
};

const PREFETCH_KEYS = {
  enabled: flag({ text: "Ignored. Policies in use are always refreshed before they expire." }),
  interval: seconds({ range: ANY, text: "Same as `refresh.interval`." }),
  concurrency_limit: count({ range: ANY, text: "Same as `refresh.concurrency`." }),
  grace_ratio: ratio({ range: ANY, text: "Ignored. Each policy is refreshed by its own age." }),
};

/** Keys at the top of the file, beside ours. */
export const LEGACY_KEYS = {
  host: list({
    parse: (value) => isHostname(value) || isIpv4(value) || isIpv6(value) ? value : undefined,
    allowed: 'an address such as "127.0.0.1" or "::1"',
    text: "The address part of `listen`. Without a value, all addresses.",
  }),
  port: count({ range: [0, 65_535], quoted: true, text: "The port part of `listen`." }),
  path: text({
    parse: (value) => isSocketPath(value) ? value : undefined,
    allowed: `an absolute path of at most ${SOCKET_PATH_MAX_BYTES} bytes`,
    text: "The UNIX socket of `listen`, instead of `host` and `port`.",
  }),
  mode: fileMode({ text: "Same as `socket_mode`." }),
  reuse_port: flag({ text: "Ignored. One process answers everything." }),
  cache_grace: seconds({ range: ANY, text: "Same as `recheck`." }),
  proactive_policy_fetching: section({
    keys: PREFETCH_KEYS,
    text: "How policies are fetched again before they expire.",
  }),
};

/** All keys that a file may have, ours and theirs. */
export const FILE = section({
  keys: {
    ...KEYS,
    ...LEGACY_KEYS,
    cache: section({ keys: { ...CACHE_KEYS, ...LEGACY_CACHE_KEYS }, text: KEYS.cache.text }),
  },
  text: "The file.",
});

/** The values of a file in its own units, defaults filled in. */
export type FileValues = ValuesOf<typeof FILE.keys>;
