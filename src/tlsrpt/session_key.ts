/**
 * Which sessions belong together in a report: those under the same policy, and failures that do not differ.
 *
 * A key is text, and the same for what is the same. Postfix gives the lines of an STS policy in different
 * orders, which makes no other policy.
 *
 * @module
 */

import type { FailureDetail } from "./report.ts";
import { RESULT_TYPES, type ResultType } from "./result_type.ts";
import type { SessionPolicy } from "./session.ts";

/** A failure without its count. */
export type Failure = Omit<FailureDetail, "count">;

/** The key of a policy. */
export function policyKey({ type, domain, strings, mxHosts }: SessionPolicy): string {
  return JSON.stringify([type, domain, strings.toSorted(), mxHosts.toSorted()]);
}

/**
 * The key of a failure: a JSON array, of which {@link readFailureKey} makes a failure again. Parts that are
 * not known at its end are left out.
 */
export function failureKey(failure: Failure): string {
  const { result, sendingIp, mxHost, mxHelo, receivingIp, additional, reason } = failure;
  const parts = [result, mxHost, receivingIp, mxHelo, sendingIp, reason, additional];
  while (parts.length > 1 && parts.at(-1) === undefined) parts.pop();
  return JSON.stringify(parts.map((part) => part ?? 0));
}

/** Makes a failure of its key; `undefined` for text that is no key. */
export function readFailureKey(key: string): Failure | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(key);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts)) return undefined;
  const [result, mxHost, receivingIp, mxHelo, sendingIp, reason, additional] = parts.map((part) =>
    typeof part === "string" ? part : undefined
  );
  if (!RESULT_TYPES.includes(result as ResultType)) return undefined;
  return {
    result: result as ResultType,
    ...(sendingIp !== undefined && { sendingIp }),
    ...(mxHost !== undefined && { mxHost }),
    ...(mxHelo !== undefined && { mxHelo }),
    ...(receivingIp !== undefined && { receivingIp }),
    ...(additional !== undefined && { additional }),
    ...(reason !== undefined && { reason }),
  };
}

/** A failure of which only the result counts: what stands for those beyond the bound of a day. */
export function coarseFailure({ result }: Failure): Failure {
  return { result };
}

/** The policy that stands for those beyond the bound of a day: of its kind, without a text. */
export function coarsePolicy({ type }: SessionPolicy, domain: string): SessionPolicy {
  return { type, domain, strings: [], mxHosts: [] };
}
