/**
 * What `lookup --json` prints; the schema is docs/lookup.schema.json.
 *
 * @module
 */

import type { DomainException } from "../resolver/exception.ts";
import { formatNextHop, txtName } from "../sts/domain.ts";
import { OUTCOME_TEXT } from "../status/outcome_text.ts";
import type { Explanation } from "./explain.ts";
import { deliveryOf, verdictOf } from "./lookup_report.ts";

/** The explanation as plain data for `--json`. Times are ISO 8601, durations as their names say. */
export function explanationToJson(explanation: Explanation): Record<string, unknown> {
  const { nextHop, records, txt, fetch, trace, held, cached, mx, outcome, answer, reply } =
    explanation;
  const { exception, shared } = explanation;
  return {
    next_hop: formatNextHop(nextHop),
    domain: nextHop.domain,
    verdict: verdictOf(explanation),
    txt: txt && {
      name: txtName(nextHop.domain),
      records,
      ...(txt.result.kind === "found"
        ? { result: "found", id: txt.result.id }
        : { result: txt.result.reason, detail: txt.result.detail }),
    },
    fetch: fetch && fetchToJson(fetch, trace),
    policy: held && {
      id: held.id,
      mode: held.policy.mode,
      max_age: held.policy.maxAge,
      mx: held.policy.mx,
      fetched: new Date(held.fetchedAt).toISOString(),
      expires: new Date(held.expiresAt).toISOString(),
    },
    cached: cachedToJson(cached),
    ...(shared !== undefined && { fleet: sharedToJson(shared) }),
    mx: mx.kind === "failed" ? { result: mx.reason, detail: mx.detail } : {
      hosts: mx.view.hosts,
      skipped: mx.view.skipped,
      dane: mx.view.dane,
    },
    exception: exception && exceptionToJson(exception),
    decision: { outcome, why: OUTCOME_TEXT[outcome] },
    answer: answer.kind,
    reply,
    delivery: deliveryOf(explanation),
  };
}

function fetchToJson(
  { result, ms }: NonNullable<Explanation["fetch"]>,
  trace: Explanation["trace"],
) {
  return {
    url: trace.url,
    addresses: trace.addresses,
    connected: trace.connected,
    refused: trace.refused,
    status: trace.status,
    media_type: trace.mediaType,
    milliseconds: Math.round(ms),
    ...(result.kind === "failed"
      ? { result: result.reason, detail: result.detail }
      : { result: "fetched" }),
  };
}

function cachedToJson(cached: Explanation["cached"]) {
  return cached.kind === "unreadable" ? { error: cached.error } : {
    from: cached.from,
    ...(cached.policy && {
      id: cached.policy.id,
      fetched: new Date(cached.policy.fetchedAt).toISOString(),
    }),
  };
}

function sharedToJson(shared: NonNullable<Explanation["shared"]>) {
  return shared.kind === "unreadable" ? { error: shared.error } : shared.entry;
}

function exceptionToJson({ domain, policy, mx, dane, until, reason }: DomainException) {
  return {
    domain,
    policy,
    ...(policy === "enforce" && { mx }),
    dane,
    until: new Date(until).toISOString(),
    reason,
  };
}
