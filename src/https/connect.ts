/**
 * Connects by TCP to one of a host's addresses, as RFC 8305 (Happy Eyeballs) describes it. The families take
 * turns. The next attempt starts 250 ms after the last one, or as soon as that has failed. The first address that
 * answers wins. So an address that drops all packets costs a quarter of a second, not the whole fetch.
 *
 * It connects to addresses only, never to a name. The caller judges which.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { classifyFetchError } from "./classify.ts";
import type { FailedFetch } from "./types.ts";

/** Time between two attempts while none has succeeded or failed, ms (RFC 8305 §5). */
const ATTEMPT_DELAY_MS = 250;

/** Addresses whose failure the detail lists. A host may have 32. */
const LISTED_MAX = 4;

/** The port of HTTPS; a policy host has no other (RFC 8461 §3.3). */
const PORT = 443;

/** Connects to one address of a host. `host` is the name that has it. */
export type Dial = (
  target: { readonly host: string; readonly address: string },
  signal: AbortSignal,
) => Promise<Deno.TcpConn>;

/** The outcome of the attempts. */
export type Connected =
  | { readonly kind: "connected"; readonly conn: Deno.TcpConn; readonly address: string }
  | FailedFetch;

/** What {@link connectToFirst} needs. */
export interface ConnectOptions {
  /** The name that has the addresses. */
  readonly host: string;
  /** Connects to one address. */
  readonly dial: Dial;
  /** Times the gap between two attempts. */
  readonly clock: Clock;
  /** Addresses of the other family, which DNS still owes us; empty if they are of no use. Never rejects. */
  readonly late?: Promise<readonly string[]> | undefined;
  /** Ends the attempts; the outcome is then a failure. */
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
  return new Race(addresses, options).outcome;
}

class Race {
  readonly outcome: Promise<Connected>;
  readonly #options: ConnectOptions;
  readonly #resolve: (outcome: Connected) => void;
  /** Ends the attempts under way. */
  readonly #attempts = new AbortController();
  readonly #failures: Failure[] = [];
  /** Addresses not tried yet, in their turn. */
  #waiting: string[];
  #underWay = 0;
  #isLateDue: boolean;
  /** Whether the last address tried was of IPv6. */
  #lastFamily: boolean | undefined;
  /** Whether the next address to come has its turn at once. */
  #isDue = false;
  #isOver = false;
  #cancelTimer = () => {};

  constructor(addresses: readonly string[], options: ConnectOptions) {
    const { promise, resolve } = Promise.withResolvers<Connected>();
    const { late, signal } = options;
    this.outcome = promise;
    this.#options = options;
    this.#resolve = resolve;
    this.#waiting = inTurn(addresses);
    this.#isLateDue = late !== undefined;
    late?.then((more) => this.#join(more));
    signal.addEventListener("abort", this.#giveUp);
    if (signal.aborted) this.#giveUp();
    else this.#next();
  }

  /** Tries the next address, if there is one. */
  #next(): void {
    this.#cancelTimer();
    const address = this.#waiting.shift();
    this.#isDue = address === undefined;
    if (address !== undefined) {
      this.#underWay++;
      this.#lastFamily = isIpv6(address);
      this.#cancelTimer = this.#options.clock.setTimer(() => this.#next(), ATTEMPT_DELAY_MS);
      this.#attempt(address);
    } else if (this.#underWay === 0 && !this.#isLateDue) {
      this.#end(summarize(this.#options.host, this.#failures));
    }
  }

  async #attempt(address: string): Promise<void> {
    const { host, dial } = this.#options;
    try {
      const conn = await dial({ host, address }, this.#attempts.signal);
      if (this.#isOver) conn.close();
      else this.#end({ kind: "connected", conn, address });
    } catch (error) {
      if (this.#isOver) return;
      this.#underWay--;
      this.#failures.push({ address, failure: { kind: "failed", ...classifyFetchError(error) } });
      this.#next();
    }
  }

  #join(more: readonly string[]): void {
    if (this.#isOver) return;
    this.#isLateDue = false;
    this.#waiting = inTurn([...this.#waiting, ...more], this.#lastFamily);
    if (this.#isDue) this.#next();
  }

  readonly #giveUp = (): void => {
    const detail = String(this.#options.signal.reason);
    this.#end({ kind: "failed", reason: "timeout", detail });
  };

  #end(outcome: Connected): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#options.signal.removeEventListener("abort", this.#giveUp);
    // Without a reason, abort() would make an exception, with its stack.
    this.#attempts.abort("over");
    this.#resolve(outcome);
  }
}

/** An address that did not answer. */
interface Failure {
  readonly address: string;
  readonly failure: FailedFetch;
}

/** Makes the families take turns, IPv6 first unless it had the last one (RFC 8305 §4). Within each, the order of DNS stays. */
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

function summarize(host: string, failures: readonly Failure[]): FailedFetch {
  const [first] = failures;
  if (first === undefined) {
    return { kind: "failed", reason: "no-address", detail: `${host} has no address` };
  }
  const listed = failures.slice(0, LISTED_MAX)
    .map(({ address, failure }) => `${address}: ${failure.detail}`);
  const more = failures.length - listed.length;
  const detail = `${listed.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
  return { kind: "failed", reason: first.failure.reason, detail };
}
