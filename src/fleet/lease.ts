/**
 * The lease of a domain: its holder fetches, and the others wait for the result.
 *
 * It is short and renewed each second, with a counter in its token. So it ends by itself soon after its holder died,
 * and the others see that the holder of a long fetch is alive.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Circuit } from "./circuit.ts";

/** How long a lease lasts without a renewal, ms: two renewals may get lost. */
export const LEASE_MS = 2500;

/** Between two renewals, ms. */
export const RENEW_EVERY_MS = 1000;

/** A lease is not renewed after this long, ms: no fetch takes a minute, so its end was forgotten. */
const HELD_MAX_MS = 60_000;

/** A lease that ends, with a publication or without. */
export interface EndedLease {
  /** Whose. */
  readonly domain: string;
  /** The last one. */
  readonly token: string;
}

/** What a lease needs. */
export interface LeaseOptions {
  /** The way to the engine. */
  readonly circuit: Pick<Circuit, "call">;
  /** Time and timers. */
  readonly clock: Clock;
  /** Called once when it is held no more, however it ended. */
  onEnd(): void;
}

/** A lease that this host holds. */
export class Lease {
  readonly #domain: string;
  readonly #options: LeaseOptions;
  readonly #base: string;
  readonly #since: number;
  #counter = 0;
  #isHeld = true;
  #cancel: (() => void) | undefined;

  /** Begins to renew a lease that was just granted. @param lease Its domain, and the token of {@link tokenOf}. */
  constructor({ domain, token }: EndedLease, options: LeaseOptions) {
    this.#domain = domain;
    this.#options = options;
    this.#base = token.slice(0, token.lastIndexOf(".") + 1);
    this.#since = options.clock.now();
    this.#schedule();
  }

  /**
   * Ends the renewals.
   *
   * @returns The lease, to be released; `undefined` if it was lost, or ended before.
   */
  end(): EndedLease | undefined {
    if (!this.#isHeld) return undefined;
    this.#finish();
    return { domain: this.#domain, token: this.#token };
  }

  get #token(): string {
    return `${this.#base}${this.#counter}`;
  }

  #finish(): void {
    this.#isHeld = false;
    this.#cancel?.();
    this.#options.onEnd();
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.setTimer(() => void this.#renew(), RENEW_EVERY_MS);
  }

  async #renew(): Promise<void> {
    if (this.#options.clock.now() - this.#since > HELD_MAX_MS) return this.#finish();
    await this.#replaceToken();
    if (this.#isHeld) this.#schedule();
  }

  async #replaceToken(): Promise<void> {
    const { circuit } = this.#options;
    const [domain, token, next] = [this.#domain, this.#token, `${this.#base}${this.#counter + 1}`];
    const lease = { token, next, ttl: LEASE_MS };
    const renewed = await circuit.call("renew", (engine) => engine.renew(domain, lease), {
      isWrite: true,
    });
    if (renewed.kind !== "ok") return;
    if (this.#isHeld && renewed.value) this.#counter++;
    else if (this.#isHeld) this.#finish();
    else if (renewed.value) {
      // It ended meanwhile, with a token that the engine no longer had.
      await releaseLease({ domain, token: next }, { circuit });
    }
  }
}

/** Gives a lease back. Never rejects. */
export async function releaseLease(
  { domain, token }: EndedLease,
  { circuit }: Pick<LeaseOptions, "circuit">,
): Promise<void> {
  await circuit.call("release", (engine) => engine.release(domain, token), { isWrite: true });
}

/** A token for a new lease. @param nonce Of this exchange; `serial` tells its claims apart. */
export function tokenOf(nonce: string, serial: number): string {
  return `${nonce}.${serial}.0`;
}
