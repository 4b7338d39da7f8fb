/**
 * Sums of sessions and failures by domain and policy, in memory and within a bound.
 *
 * @module
 */

import type { FailureDetail } from "../tlsrpt/report.ts";
import type { DomainCount, PolicyCount, SessionPolicy } from "../tlsrpt/session.ts";
import { failureKey, policyKey } from "../tlsrpt/session_key.ts";

/**
 * A key of a policy counts as one more for each of so many characters: most have fewer, but a policy may have 64 KiB,
 * and a bound on the number alone would bound no memory.
 */
const KEY_CHARS = 512;

interface PolicySums {
  readonly policy: SessionPolicy;
  /** As how many keys it counts. */
  readonly weight: number;
  ok: number;
  failed: number;
  /** Absent until there is one: most sessions succeed. */
  details: Map<string, { readonly detail: FailureDetail; count: number }> | undefined;
}

interface DomainSums {
  record: string | undefined;
  readonly policies: Map<string, PolicySums>;
}

/** The sums. A key is a policy of a domain, which counts as several if it is long, or a failure under it. */
export class Sums {
  readonly #domains = new Map<string, DomainSums>();
  /** Keys of policies: the same object comes again and again. */
  readonly #policyKeys = new WeakMap<SessionPolicy, string>();
  #keys = 0;

  /** Keys held. */
  get size(): number {
    return this.#keys;
  }

  /** Domains held. */
  get domains(): number {
    return this.#domains.size;
  }

  /**
   * Adds what happened with one domain.
   *
   * @param room New keys that may be held.
   * @returns Sessions and failures that were dropped for lack of room.
   */
  add({ domain, record, policies }: DomainCount, room: number): number {
    let held = this.#domains.get(domain);
    if (held === undefined) {
      held = { record, policies: new Map() };
    } else if (record !== undefined) held.record = record;
    const limit = this.#keys + room;
    let dropped = 0;
    for (const count of policies) dropped += this.#addPolicy(held, count, limit);
    if (held.policies.size > 0) this.#domains.set(domain, held);
    return dropped;
  }

  /** Takes out what was added up: one entry per domain, oldest first, at most `limit`. */
  take(limit: number): DomainCount[] {
    const counts: DomainCount[] = [];
    for (const [domain, { record, policies }] of this.#domains) {
      if (counts.length >= limit) break;
      this.#domains.delete(domain);
      const list: PolicyCount[] = [];
      for (const { policy, weight, ok, failed, details } of policies.values()) {
        const all = [...details?.values() ?? []];
        this.#keys -= weight + all.length;
        const entries = all.map(({ detail, count }) => ({ ...detail, count }));
        list.push({ policy, ok, failed, details: entries });
      }
      counts.push({ domain, record, policies: list });
    }
    return counts;
  }

  #addPolicy(
    held: DomainSums,
    { policy, ok, failed, details }: PolicyCount,
    limit: number,
  ): number {
    let key = this.#policyKeys.get(policy);
    if (key === undefined) this.#policyKeys.set(policy, key = policyKey(policy));
    let sums = held.policies.get(key);
    if (sums === undefined) {
      const weight = 1 + Math.floor(key.length / KEY_CHARS);
      if (this.#keys + weight > limit) return Math.max(1, ok + failed);
      this.#keys += weight;
      held.policies.set(key, sums = { policy, weight, ok: 0, failed: 0, details: undefined });
    }
    sums.ok += ok;
    sums.failed += failed;
    let dropped = 0;
    for (const detail of details) {
      const name = failureKey(detail);
      const known = sums.details?.get(name);
      if (known !== undefined) known.count += detail.count;
      else if (this.#keys >= limit) dropped += detail.count;
      else {
        this.#keys++;
        sums.details ??= new Map();
        sums.details.set(name, { detail, count: detail.count });
      }
    }
    return dropped;
  }
}
