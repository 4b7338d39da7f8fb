/**
 * The cache as a table for postmap(1): what the daemon would answer for each domain, as far as the cache says.
 *
 * @module
 */

import { isHostname } from "../base/host.ts";
import { formatAnswer } from "../postfix/tls_policy.ts";
import { enforcedAnswer } from "../resolver/answer.ts";
import type { MxResult, MxView } from "../resolver/types.ts";
import type { Zone } from "../resolver/zone.ts";
import type { EntryDane, HeldEntry } from "./cache_entry.ts";
import { readEntry } from "./import_entry.ts";

/** Makes the lines of a table. */
export interface PostfixTable {
  /** Comments for its head. */
  readonly heading: string;
  /** @returns A line; a comment if there is no answer that lasts; empty for what is not enforced. */
  line(entry: HeldEntry): string;
}

const HEADING = [
  "# Policies that were held by mta-sts-resolver on @. This table knows no expiry and no new MX hosts:",
  "# use it for a short time only, with postmap(1) and smtp_tls_policy_maps = hash:FILE.",
  "",
];

/** Creates the maker of lines. @param options `zone`: how to answer; `now`: the time, ms. */
export function createPostfixTable({ zone, now }: { zone: Zone; now: number }): PostfixTable {
  return {
    heading: HEADING.join("\n").replace("@", new Date(now).toISOString()),
    line(entry) {
      const reading = readEntry(entry, now);
      if (reading.kind === "invalid") return "";
      const { policy } = reading;
      const { mode } = policy.policy;
      const isEnforced = mode === "enforce" || (mode === "testing" && zone.strictTesting);
      if (!isEnforced || policy.expiresAt <= now) return "";
      const { domain } = policy;
      const nextHop = { domain, bracketed: false, port: 25 };
      // Whether the DNS resolver validates is not known here. DANE that was seen counts.
      const mx = mxOf(domain, entry.dane);
      const lenient: Zone = zone.dane === "require" ? { ...zone, dane: "auto" } : zone;
      const answer = enforcedAnswer({ held: policy, zone: lenient, nextHop }, {
        mx,
        validates: undefined,
      });
      const reply = formatAnswer(answer, zone);
      return reply.startsWith("OK ")
        ? `${domain} ${reply.slice("OK ".length)}\n`
        : `# ${domain}: ${reply.replace(/^[A-Z]+ /, "")}\n`;
    },
  };
}

/** What the cache knows of the MX hosts; without it, the patterns of the policy count. */
function mxOf(domain: string, dane: EntryDane | undefined): MxResult {
  const hosts = dane?.hosts.filter(isHostname) ?? [];
  const view: MxView = {
    nextHop: domain,
    dane: (dane?.state ?? "unchecked") as MxView["dane"],
    hosts: hosts.length === 0 ? undefined : hosts,
    daneHosts: [],
    skipped: dane?.skipped ?? [],
    validated: false,
    checkedAt: 0,
    freshUntil: 0,
  };
  return { kind: "known", view };
}
