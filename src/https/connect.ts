/**
 * A TCP connection to one of a host's addresses, tried as RFC 8305 (Happy Eyeballs) has it: in turn by
 * family, the next one 250 ms after the last or as soon as that has failed, and the first that answers
 * wins. So an address that drops what it is sent costs a quarter of a second, not the whole fetch.
 *
 * Connects to addresses alone, never to a name: which ones is the caller's to judge.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { classifyFetchError } from "./classify.ts";
import type { FailedFetch } from "./types.ts";

/** Between one attempt and the next while the first has no answer yet, ms (RFC 8305 §5). */
const ATTEMPT_DELAY_MS = 250;

/** Addresses whose failure is told; a host may have 32. */
const TOLD_MAX = 4;

/** The port of HTTPS; a policy host has no other (RFC 8461 §3.3). */
const PORT = 443;

/** Connects to one address of a host. `host` is its name, for whoever must know whose address it is. */
export type Dial = (
  target: { readonly host: string; readonly address: string },
  signal: AbortSignal,
) => Promise<Deno.TcpConn>;

/** What trying the addresses came to. */
export type Connected =
  | { readonly kind: "connected"; readonly conn: Deno.TcpConn; readonly address: string }
  | FailedFetch;

/** What {@link connectToFirst} needs. */
export interface ConnectOptions {
  readonly host: string;
  readonly dial: Dial;
  readonly clock: Clock;
  /** Addresses that are still to come, of the other family; none if they are of no use. Never rejects. */
  readonly late?: Promise<readonly string[]> | undefined;
  /** Ends it: the outcome is then a failure. */
  readonly signal: AbortSignal;
}

/** The {@link Dial} of the real network. */
export function dialPolicyHost(
  { address }: { readonly address: string },
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: address, port: PORT, signal, autoSelectFamily: false });
}

/**
 * Connects to the first address that answers and gives up the others. Never rejects.
 *
 * @param addresses At least one, unless `late` has some.
 */
export function connectToFirst(
  addresses: readonly string[],
  options: ConnectOptions,
): Promise<Connected> {
  const { host, dial, clock, signal } = options;
  const attempts = new AbortController();
  const failures: { address: string; failure: FailedFetch }[] = [];
  let waiting = inTurn(addresses);
  let underWay = 0;
  let isLateDue = options.late !== undefined;
  let lastFamily: boolean | undefined;
  /** Whether the next address has its turn as soon as there is one. */
  let isDue = false;
  let cancelTimer = () => {};
  const { promise, resolve } = Promise.withResolvers<Connected>();
  let isOver = false;

  function end(outcome: Connected): void {
    isOver = true;
    cancelTimer();
    signal.removeEventListener("abort", giveUp);
    // Without a reason it would make an exception, with its stack.
    attempts.abort("over");
    resolve(outcome);
  }

  function giveUp(): void {
    end({ kind: "failed", reason: "timeout", detail: String(signal.reason) });
  }

  async function attempt(address: string): Promise<void> {
    try {
      const conn = await dial({ host, address }, attempts.signal);
      if (isOver) conn.close();
      else end({ kind: "connected", conn, address });
    } catch (error) {
      if (isOver) return;
      underWay--;
      failures.push({ address, failure: { kind: "failed", ...classifyFetchError(error) } });
      next();
    }
  }

  function next(): void {
    cancelTimer();
    const address = waiting.shift();
    isDue = address === undefined;
    if (address !== undefined) {
      underWay++;
      lastFamily = isIpv6(address);
      cancelTimer = clock.setTimer(next, ATTEMPT_DELAY_MS);
      attempt(address);
    } else if (underWay === 0 && !isLateDue) end(summary(host, failures));
  }

  options.late?.then((more) => {
    if (isOver) return;
    isLateDue = false;
    waiting = inTurn([...waiting, ...more], lastFamily);
    if (isDue) next();
  });
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  else next();
  return promise;
}

/** Families in turn, IPv6 first unless it had the last turn (RFC 8305 §4); the order within each is DNS's. */
function inTurn(addresses: readonly string[], lastFamily = false): string[] {
  const families = [addresses.filter((each) => !isIpv6(each)), addresses.filter(isIpv6)];
  const [first = [], second = []] = lastFamily ? families : families.toReversed();
  const longest = Math.max(first.length, second.length);
  return Array.from({ length: longest }, (_, index) => [first[index], second[index]])
    .flat().filter((address) => address !== undefined);
}

function isIpv6(address: string): boolean {
  return address.includes(":");
}

function summary(
  host: string,
  failures: readonly { address: string; failure: FailedFetch }[],
): FailedFetch {
  const [first] = failures;
  if (first === undefined) {
    return { kind: "failed", reason: "no-address", detail: `${host} has no address` };
  }
  const told = failures.slice(0, TOLD_MAX)
    .map(({ address, failure }) => `${address}: ${failure.detail}`);
  const more = failures.length - told.length;
  const detail = `${told.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
  return { kind: "failed", reason: first.failure.reason, detail };
}
