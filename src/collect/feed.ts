/**
 * The lines that `serve` writes to the report daemon: one JSON object each, what happened with one domain under one
 * or more policies.
 *
 * Both ends are this program, but perhaps in two versions. So a line is read with the same care as a datagram.
 *
 * @module
 */

import { isMapping } from "../base/mapping.ts";
import { toDomainName } from "../sts/domain.ts";
import { makePolicy } from "../tlsrpt/datagram.ts";
import { plainText } from "../tlsrpt/plain_text.ts";
import type { FailureDetail, PolicyType } from "../tlsrpt/report.ts";
import { RESULT_TYPES, type ResultType } from "../tlsrpt/result_type.ts";
import type { DomainCount, PolicyCount } from "../tlsrpt/session.ts";

/** The longest line, in octets: a policy of 64 KiB with everything escaped. */
export const LINE_MAX_OCTETS: number = 512 * 1024;

/** Policies and details of a line. */
const MAX_ITEMS = 1000;

/** Writes a line, its end included. */
export function formatFeedLine({ domain, policies }: DomainCount): string {
  return JSON.stringify({
    d: domain,
    p: policies.map(({ policy, ok, failed, details }) => ({
      t: policy.type,
      d: policy.domain,
      s: policy.strings,
      m: policy.mxHosts,
      ok,
      failed,
      f: details.map(({ result, count, mxHost, reason }) => ({
        t: result,
        c: count,
        n: mxHost,
        r: reason,
      })),
    })),
  }) + "\n";
}

/** Reads a line without its end; `undefined` if it is not one of ours. */
export function readFeedLine(line: string): DomainCount | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isMapping(value) || typeof value.d !== "string" || !Array.isArray(value.p)) return undefined;
  const domain = toDomainName(value.d);
  if (domain === undefined || value.p.length > MAX_ITEMS) return undefined;
  const policies: PolicyCount[] = [];
  for (const each of value.p) {
    const count = readPolicyCount(each);
    if (count === undefined) return undefined;
    policies.push(count);
  }
  return policies.length === 0 ? undefined : { domain, record: undefined, policies };
}

const TYPES: readonly unknown[] = ["sts", "tlsa", "no-policy-found"] satisfies PolicyType[];

function readPolicyCount(value: unknown): PolicyCount | undefined {
  if (!isMapping(value)) return undefined;
  const { t: type, d, s: strings, m: mxHosts, ok, failed, f: given } = value;
  const domain = typeof d === "string" ? toDomainName(d) : undefined;
  if (!TYPES.includes(type) || domain === undefined || !isCount(ok) || !isCount(failed)) return;
  if (!isTexts(strings) || !isTexts(mxHosts)) return undefined;
  if (!Array.isArray(given) || given.length > MAX_ITEMS) return undefined;
  const details: FailureDetail[] = [];
  for (const each of given) {
    const detail = readDetail(each);
    if (detail === undefined) return undefined;
    details.push(detail);
  }
  const policy = makePolicy({ type: type as PolicyType, domain, strings, mxHosts });
  return { policy, ok, failed, details };
}

function readDetail(value: unknown): FailureDetail | undefined {
  if (!isMapping(value)) return undefined;
  const { t: result, c: count, n: host, r: reason } = value;
  if (!RESULT_TYPES.includes(result as ResultType) || !isCount(count)) return undefined;
  const mxHost = typeof host === "string" ? toDomainName(host) : undefined;
  return {
    result: result as ResultType,
    count,
    ...(mxHost !== undefined && { mxHost }),
    ...(typeof reason === "string" && { reason: plainText(reason) }),
  };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
