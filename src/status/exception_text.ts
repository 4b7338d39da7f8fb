/**
 * Exceptions of the configuration in words, the same in the log, in `lookup` and on the pages.
 *
 * @module
 */

import { formatEnd } from "../base/end_time.ts";
import type { DomainException } from "../resolver/exception.ts";

/** Patterns that are named; the configuration has the others. */
const MAX_PATTERNS = 5;

/** What an exception does, as in the file: `policy: enforce, mx: mx.example.com, dane: off`. */
export function describeException({ policy, mx, dane }: DomainException): string {
  const parts: string[] = [];
  if (policy !== undefined) parts.push(`policy: ${policy}`);
  if (mx.length > 0) {
    const more = mx.length > MAX_PATTERNS ? ` and ${mx.length - MAX_PATTERNS} more` : "";
    parts.push(`mx: ${mx.slice(0, MAX_PATTERNS).join(" ")}${more}`);
  }
  if (dane !== undefined) parts.push(`dane: ${dane}`);
  return parts.join(", ");
}

/** An exception as the fields of a log line. */
export function exceptionFields(exception: DomainException) {
  return {
    domain: exception.domain,
    exception: describeException(exception),
    until: formatEnd(exception.until),
    reason: exception.reason,
  };
}
