/**
 * All that `lookup` shows of one next hop: what each step of a resolution saw, what the daemon holds, and the MX
 * hosts and DANE even if no policy asks for them.
 *
 * @module
 */

import { formatAnswer } from "../postfix/tls_policy.ts";
import { assessMx } from "../resolver/dane.ts";
import type { MxResult } from "../resolver/types.ts";
import type { NextHop } from "../sts/domain.ts";
import type { FleetPart } from "./fleet_part.ts";
import type { Held } from "./held_part.ts";
import { type ResolvedOnce, resolveOnce, type ResolveOnceOptions } from "./resolve_once.ts";

/** What is known of one next hop. */
export interface Explanation extends Omit<ResolvedOnce, "mx"> {
  readonly nextHop: NextHop;
  readonly mx: MxResult;
  /** What is held already. */
  readonly cached: Held;
  /** What the fleet knows; `undefined` if nothing is shared, or no daemon was asked. */
  readonly shared: FleetPart | undefined;
  /** The reply Postfix would get. */
  readonly reply: string;
}

/** What {@link explain} works with. */
export interface ExplainOptions extends Omit<ResolveOnceOptions, "stored"> {
  /** The policy that the daemon holds. */
  readonly cached: Held;
  /** What the fleet knows. */
  readonly shared?: FleetPart | undefined;
}

/**
 * Checks a domain anew, TXT record and policy file, and decides as the daemon would, with the policy that it
 * holds. The daemon's cache itself is not changed.
 *
 * @param nextHop As Postfix would ask.
 */
export async function explain(nextHop: NextHop, options: ExplainOptions): Promise<Explanation> {
  const { cached, shared, zone } = options;
  const stored = cached.kind === "read" ? cached.policy : undefined;
  const resolved = await resolveOnce(nextHop, { ...options, stored });
  return {
    ...resolved,
    nextHop,
    mx: resolved.mx?.result ?? await lookAtMx(nextHop, options),
    cached,
    shared,
    reply: formatAnswer(resolved.answer, zone),
  };
}

/** Without a policy the daemon does not look, but Postfix may do DANE by itself. */
function lookAtMx(
  nextHop: NextHop,
  { network, clock, validates, onStep }: ExplainOptions,
): Promise<MxResult> {
  onStep?.(`looking up the MX hosts of ${nextHop.domain}`);
  return assessMx(nextHop, {
    lookup: network.dns.lookup,
    dane: validates !== false,
    validated: validates === true,
    clock,
    previous: undefined,
  });
}
