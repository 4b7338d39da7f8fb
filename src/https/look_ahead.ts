/**
 * Begins to look up a policy host's addresses before the fetch. A new TXT record is read a second time, and the
 * addresses arrive meanwhile. This saves a round trip to the DNS resolver.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { DnsAnswer, DnsClient } from "../dns/types.ts";

/** How long the answers wait for their fetch, ms. A TXT record is read again within a quarter of a second. */
const LIFE_MS = 1000;

/** Hosts looked up ahead at once. The fetch of one more looks its host up itself. */
const MAX_HOSTS = 256;

/** Look-ups that run or have ended. */
interface Ahead {
  readonly A: Promise<DnsAnswer<string>>;
  readonly AAAA: Promise<DnsAnswer<string>>;
  /** Ends them. */
  readonly controller: AbortController;
  readonly cancelTimer: () => void;
}

/** What {@link createLookAhead} makes. */
export interface LookAhead {
  /** Begins to look a host up. */
  begin(host: string): void;
  /** A look-up that hands out once what was begun for the host, and otherwise asks DNS. */
  readonly find: (host: string) => DnsClient["lookup"];
}

/** Creates the memory of the look-ups that were begun. */
export function createLookAhead(
  { lookup, clock }: { readonly lookup: DnsClient["lookup"]; readonly clock: Clock },
): LookAhead {
  const begun = new Map<string, Ahead>();

  function begin(host: string): void {
    if (begun.has(host) || begun.size >= MAX_HOSTS) return;
    const controller = new AbortController();
    const { signal } = controller;
    const cancelTimer = clock.setTimer(() => {
      begun.delete(host);
      controller.abort("not wanted");
    }, LIFE_MS);
    const [A, AAAA] = [lookup(host, "A", { signal }), lookup(host, "AAAA", { signal })];
    begun.set(host, { A, AAAA, controller, cancelTimer });
  }

  function find(host: string): DnsClient["lookup"] {
    const ahead = begun.get(host);
    if (ahead === undefined) return lookup;
    begun.delete(host);
    ahead.cancelTimer();
    const { controller } = ahead;
    let isHeard = false;
    return ((name, type, options = {}) => {
      if (name !== host || (type !== "A" && type !== "AAAA")) return lookup(name, type, options);
      const { signal } = options;
      if (!isHeard) signal?.addEventListener("abort", () => controller.abort(signal.reason));
      isHeard = true;
      if (signal?.aborted) controller.abort(signal.reason);
      return ahead[type as "A" | "AAAA"];
    }) as DnsClient["lookup"];
  }

  return { begin, find };
}
