/**
 * Counts a batch into the file, within the bounds of a domain and day.
 *
 * Beyond the bounds, sessions count for a policy without a text, and failures for a detail without addresses: a
 * domain that rotates its policies or names cannot fill the file, and the sums stay right.
 *
 * @module
 */

import type { DomainCount, PolicyCount, SessionPolicy } from "../tlsrpt/session.ts";
import { coarseFailure, coarsePolicy, failureKey, policyKey } from "../tlsrpt/session_key.ts";
import { storePolicy } from "./policy_row.ts";
import type { ReportFile } from "./report_file.ts";
import * as sql from "./statements.ts";

/** What {@link countBatch} adds. */
export interface Batch {
  /** Days since the epoch, UTC. */
  readonly day: number;
  /** One entry for a domain. */
  readonly counts: Iterable<DomainCount>;
}

/**
 * Adds a batch. To be called within a transaction.
 *
 * @returns Sessions and failures that were dropped, because they are new and the file nears its bound.
 */
export function countBatch(file: ReportFile, { day, counts }: Batch): number {
  const isFull = file.isFull();
  if (!isFull) file.change(sql.OPEN_DAY, day);
  let dropped = 0;
  for (const { domain, record = null, policies } of counts) {
    for (const count of policies) {
      dropped += addPolicy(file, { day, domain, record, count, isFull });
    }
  }
  return dropped;
}

/** What is added to one domain. */
interface Addition {
  readonly day: number;
  readonly domain: string;
  readonly record: string | null;
  readonly count: PolicyCount;
  readonly isFull: boolean;
}

function addPolicy(file: ReportFile, addition: Addition): number {
  const { domain, count, isFull } = addition;
  const { policy, ok, failed } = count;
  let id = addSession(file, addition, { policy, statement: sql.ADD_SESSION });
  if (id === undefined && !isFull) {
    const coarse = coarsePolicy(policy, domain);
    id = addSession(file, addition, { policy: coarse, statement: sql.ADD_COARSE_SESSION });
  }
  return id === undefined ? Math.max(1, ok + failed) : addFailures(file, addition, { policy: id });
}

/** @returns The hash of the policy; `undefined` if there is no room for it. */
function addSession(
  file: ReportFile,
  { day, domain, record, count: { ok, failed }, isFull }: Addition,
  { policy, statement }: { policy: SessionPolicy; statement: string },
): number | undefined {
  const { type } = policy;
  const id = hashText(policyKey(policy));
  const row = [day, domain, id, ok, failed, record] as const;
  const changed = isFull
    ? file.change(sql.COUNT_SESSION, ...row)
    : file.change(statement, ...row, type, storePolicy(policy, domain));
  return changed > 0 ? id : undefined;
}

/** @returns How many were dropped. */
function addFailures(
  file: ReportFile,
  { day, domain, count: { details }, isFull }: Addition,
  { policy }: { policy: number },
): number {
  let dropped = 0;
  for (const { count, ...failure } of details) {
    const add = (key: string, statement: string) =>
      file.change(statement, day, domain, policy, key, count) > 0;
    const key = failureKey(failure);
    const isAdded = isFull ? add(key, sql.COUNT_FAILURE) : add(key, sql.ADD_FAILURE) ||
      add(failureKey(coarseFailure(failure)), sql.ADD_COARSE_FAILURE);
    if (!isAdded) dropped += count;
  }
  return dropped;
}

/**
 * A number of 53 bits that tells texts apart. It is no secret and no safeguard: a domain whose policies have the same
 * mixes up its own counts, and nobody else's.
 */
function hashText(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 2 ** 32 * (low & 0x1fffff) + (high >>> 0);
}
