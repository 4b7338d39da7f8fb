/**
 * Whether mail waits after a reply, and why, for the record of what is deferred.
 *
 * @module
 */

import type { Answer, TempCause } from "../resolver/types.ts";

const TEMP = "TEMP ";

/** Why the mail waits after a reply. */
export interface WhyItWaits {
  /**
   * `mx-mismatch` (no MX host is in the policy, so Postfix defers even if it gets `secure`), `unprintable` and
   * `bug` are found out here, the others by the resolver.
   */
  readonly cause: TempCause | "mx-mismatch" | "unprintable" | "bug";
  /** As Postfix gets it with a TEMP. */
  readonly reason: string;
}

/**
 * Why the mail waits after a reply.
 *
 * @param answer What the resolver decided.
 * @param reply The payload that Postfix gets, and the policy domain.
 * @returns `undefined` if it does not wait, as far as that can be known here.
 */
export function whyItWaits(
  answer: Answer,
  { text, domain }: { text: string; domain: string },
): WhyItWaits | undefined {
  const isTemp = text.startsWith(TEMP);
  const isMismatch = answer.kind === "secure" && answer.hosts?.length === 0;
  if (!isTemp && !isMismatch) return undefined;
  const reason = isTemp
    ? text.slice(TEMP.length)
    : `no MX host of ${domain} matches its MTA-STS policy`;
  if (answer.kind === "temp") return { cause: answer.cause, reason };
  return { cause: isMismatch ? "mx-mismatch" : "unprintable", reason };
}
