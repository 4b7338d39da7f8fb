/**
 * Looks up and judges the addresses of a policy host: where a fetch may connect.
 *
 * It asks for A and AAAA at the same time. Once one family has addresses, it waits another 50 ms for the other
 * (RFC 8305 §3), because some name servers never answer for AAAA. Addresses that come later are judged in the same
 * way and join in.
 *
 * @module
 */

import type { DnsAnswer, DnsClient } from "../dns/types.ts";
import type { Clock } from "../base/clock.ts";
import { type AddressGuard, isOwnSide } from "../base/address_guard.ts";
import { withDeadline } from "../base/wait.ts";
import type { FailedFetch, FetchTrace } from "./types.ts";

/** Addresses of a host that count, of each family. An answer may hold thousands. */
const ADDRESSES_MAX = 16;

/** How long to wait for the second family once the first has addresses, ms (RFC 8305 §3). */
const RESOLUTION_DELAY_MS = 50;

/** What {@link findAddresses} needs. */
export interface FindOptions {
  /** Asks DNS for A and AAAA. */
  readonly lookup: DnsClient["lookup"];
  /** Names the range of an address that a fetch must not connect to; `undefined` if it may. */
  readonly guard: AddressGuard;
  /** Times the wait for the second family. */
  readonly clock: Clock;
}

/** Where to connect. */
export interface FoundAddresses {
  /** Some address may be connected to. */
  readonly kind: "found";
  /** In the order in which they came, at least one. */
  readonly addresses: readonly string[];
  /** The other family, if it had not answered in time. */
  readonly late?: Promise<readonly string[]>;
}

/** The addresses so far. What comes late are more of them, or the reason why the host is refused. */
export type FoundSoFar = Omit<FoundAddresses, "late"> & {
  readonly late?: Promise<readonly string[] | FailedFetch>;
};

/** One family's answer, judged: its acceptable addresses, or why the host is refused. */
type Judged =
  | { readonly kind: "judged"; readonly addresses: readonly string[]; readonly answer: Answer }
  | FailedFetch;

type Answer = DnsAnswer<string>;

/**
 * Looks up a host and judges its addresses. Never rejects.
 *
 * Addresses that the guard refuses are left out. If one of them is on our own side, the host is refused as a
 * whole: a name that has a public address and one of ours is a mistake or an attack.
 *
 * @param host Its name, the signal that ends the look-up, and the trace, which gets each address as it comes.
 */
export async function findAddresses(
  { host, signal, trace }: { host: string; signal: AbortSignal; trace: FetchTrace },
  { lookup, guard, clock }: FindOptions,
): Promise<FoundSoFar | FailedFetch> {
  const ask = async (type: "A" | "AAAA"): Promise<Judged> =>
    judge(await lookup(host, type, { signal }), { host, trace, guard });
  const families = [ask("A"), ask("AAAA")];
  const both = Promise.all(families);
  const first = await Promise.race(families);
  const isEnough = first.kind === "failed" || first.addresses.length > 0;
  const wait = { ms: RESOLUTION_DELAY_MS, clock };
  if (isEnough && await withDeadline(both, wait) === undefined) {
    if (first.kind === "failed") return first;
    const late = both.then((all) => all.find((each) => each !== first) ?? first)
      .then((other) => other.kind === "failed" ? other : other.addresses);
    return { kind: "found", addresses: first.addresses, late };
  }
  const addresses: string[] = [];
  const answers: Answer[] = [];
  for (const judged of await both) {
    if (judged.kind === "failed") return notPublic(host, trace);
    addresses.push(...judged.addresses);
    answers.push(judged.answer);
  }
  return addresses.length > 0
    ? { kind: "found", addresses }
    : { kind: "failed", ...whyNone(answers, { host, trace }) };
}

function judge(
  answer: Answer,
  { host, trace, guard }: { host: string; trace: FetchTrace; guard: AddressGuard },
): Judged {
  const all = answer.kind === "found" ? answer.records.slice(0, ADDRESSES_MAX) : [];
  const addresses: string[] = [];
  const refused: FetchTrace["refused"][number][] = [];
  for (const address of all) {
    const range = guard(address);
    if (range === undefined) addresses.push(address);
    else refused.push({ address, range });
  }
  trace.addresses = [...trace.addresses, ...addresses];
  trace.refused = [...trace.refused, ...refused];
  return refused.some(({ range }) => isOwnSide(range))
    ? notPublic(host, trace)
    : { kind: "judged", addresses, answer };
}

function notPublic(host: string, trace: FetchTrace): FailedFetch {
  const own = trace.refused.filter(({ range }) => isOwnSide(range));
  const detail = `${host} has an address that is not public: ${list(own)}`;
  return { kind: "failed", reason: "address-refused", detail };
}

/** Why there is no address to connect to. */
function whyNone(
  answers: readonly Answer[],
  { host, trace }: { host: string; trace: FetchTrace },
): Omit<FailedFetch, "kind"> {
  if (trace.refused.length > 0) {
    const detail = `${host} has no acceptable address: ${list(trace.refused)}`;
    return { reason: "address-refused", detail };
  }
  const failure = answers.find((answer) => answer.kind === "failed");
  return failure === undefined ? { reason: "no-address", detail: `${host} has no address` } : {
    reason: "dns",
    detail: `no address of ${host}: ${failure.detail}`,
    dns: failure.reason,
  };
}

function list(refused: FetchTrace["refused"]): string {
  return refused.map(({ address, range }) => `${address} (${range})`).join(", ");
}
