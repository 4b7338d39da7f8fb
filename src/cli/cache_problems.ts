/**
 * What `cache list --problems` prints beside the cache entries: mail that is deferred now, and policies that
 * cannot be fetched. Only a running daemon knows the first, so the command asks it on its control socket.
 *
 * @module
 */

import { quoteRemote } from "../base/quote_text.ts";
import type { ProblemsReport } from "../status/problems.ts";
import { jsonOf } from "./cache_requests.ts";

/**
 * Formats the daemon's reply to the control command `problems`.
 *
 * @param reply The payload.
 * @returns Whole lines; none if there is no problem.
 * @throws {Error} If the daemon refuses, with its reason.
 */
export function formatProblems(reply: string | undefined): string {
  const json = jsonOf(reply);
  const lines = json === undefined ? [] : textLines(JSON.parse(json));
  return lines.map((line) => `${line}\n`).join("");
}

function textLines({ deferred, deferred_domains: count, unfetched }: ProblemsReport): string[] {
  const lines: string[] = [];
  if (deferred.length > 0) {
    lines.push(`Deferred now: ${count} ${count === 1 ? "domain" : "domains"}`);
    for (const one of deferred) {
      const hop = one.next_hop === one.domain ? "" : `, next hop ${one.next_hop}`;
      lines.push(
        `  ${one.domain}${hop}, zone ${one.zone}`,
        `    ${one.reason}`,
        `    since ${minute(one.since)}, ${one.queries} ${
          one.queries === 1 ? "query" : "queries"
        }, last ${minute(one.last_query)}`,
        `    ${one.remedy}`,
      );
    }
    lines.push("");
  }
  if (unfetched.length > 0) {
    lines.push("Policies that cannot be fetched");
    for (const one of unfetched) {
      lines.push(
        `  ${one.domain}`,
        `    ${one.reason}: ${quoteRemote(one.detail)}`,
        `    since ${minute(one.since)}, failures ${one.failures}, last ${
          minute(one.failed)
        }, next try after ${minute(one.retry)}`,
        `    ${one.remedy}`,
      );
    }
    lines.push("");
  }
  return lines;
}

/** `2026-01-31 12:00 UTC` */
function minute(time: string): string {
  return `${time.slice(0, 16).replace("T", " ")} UTC`;
}
