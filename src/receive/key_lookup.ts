/**
 * Looks up DKIM keys through the DNS client.
 *
 * @module
 */

import type { DnsClient } from "../dns/types.ts";
import type { KeyLookup } from "../mail/dkim_verify.ts";

/** Creates a lookup that never rejects. A failure of any kind leaves the mail open: DNS may be well again tomorrow. */
export function createKeyLookup(
  dns: Pick<DnsClient, "lookup">,
): (name: string) => Promise<KeyLookup> {
  return async (name) => {
    const answer = await dns.lookup(name, "TXT");
    if (answer.kind === "found") return { kind: "found", records: answer.records };
    return answer.kind === "failed"
      ? { kind: "failed", detail: `${answer.reason}: ${answer.detail}` }
      : { kind: "none" };
  };
}
