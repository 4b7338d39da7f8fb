/**
 * The keys of an exception: what one entry of `domains` may say. Which of them belong together is checked in
 * `exceptions.ts`.
 *
 * @module
 */

import { formatEnd, parseEnd } from "../base/end_time.ts";
import { toALabel } from "../sts/domain.ts";
import { parseMxPattern } from "../sts/mx_pattern.ts";
import { choice, list, text } from "./kinds.ts";

/** A reason stands on the status page, in `lookup` and in log lines: a sentence and the number of a ticket. */
const MAX_REASON_CHARS = 200;

/** Keys below each name in `domains`. */
export const EXCEPTION_KEYS = {
  policy: choice({
    words: ["ignore", "enforce"],
    text:
      "What counts instead of the policy that the domain publishes. With `ignore`, no policy does. With `enforce`, the patterns in `mx` do, whatever the domain publishes.",
  }),
  mx: list({
    parse: parsePattern,
    allowed: 'an MX host or a pattern such as "*.mail.example"',
    nonEmpty: "at least one MX host or pattern",
    text:
      "The MX hosts that are accepted with `policy: enforce`. A leading `*` stands for one label (RFC 8461 §4.1).",
  }),
  dane: choice({
    words: ["off"],
    text:
      "With `off`, an enforced policy counts even where DANE would take precedence. Without the key, the zone decides.",
  }),
  until: text({
    parse: parseEnd,
    format: formatEnd,
    allowed: 'a date such as 2026-12-31, or a date and time such as "2026-12-31T18:00Z"',
    text:
      "When the exception ends. A date means the end of that day in UTC. Every exception must have this key.",
  }),
  reason: text({
    parse: readReason,
    allowed: `one line of text, at most ${MAX_REASON_CHARS} characters`,
    text: "Why there is an exception. Every exception must have this key.",
  }),
};

/** As in RFC 8461 §3.2, but U-labels are accepted too: a person writes these. */
function parsePattern(pattern: string): string | undefined {
  const isWildcard = pattern.startsWith("*.");
  const name = toALabel(isWildcard ? pattern.slice(2) : pattern);
  return name === undefined ? undefined : parseMxPattern(isWildcard ? `*.${name}` : name);
}

function readReason(reason: string): string | undefined {
  const isFit = reason.length <= MAX_REASON_CHARS && /[^ ]/.test(reason) &&
    !/[\p{C}\p{Zl}\p{Zp}]/u.test(reason);
  return isFit ? reason : undefined;
}
