/**
 * How the memory for what is held in front of the cache file is divided, `cache.memory_megabytes` in all.
 *
 * @module
 */

/** Octets for, or taken by, each kind of what is held in memory. */
export interface MemoryShares {
  /** Domains and their policies. */
  readonly policies: number;
  /** MX views of next hops. */
  readonly views: number;
  /** Replies kept ready. */
  readonly replies: number;
}

/** Octets of a megabyte. */
const MEGABYTE = 1024 * 1024;

/**
 * Divides the memory: with ordinary policies each share holds some 14,000 domains when the whole is 32 megabytes.
 *
 * @param megabytes What may be taken in all.
 */
export function shareMemory(megabytes: number): MemoryShares {
  const octets = megabytes * MEGABYTE;
  return { policies: octets / 2, views: octets / 4, replies: octets / 4 };
}
