/**
 * Claims that wait for news of a domain while another host fetches its policy.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** Who waits for a domain. `T` is what the news says. */
export class Waiters<T> {
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #waiting = new Map<string, Set<(news: T | undefined) => void>>();
  #size = 0;

  /** Creates it; nobody waits. */
  constructor(clock: Pick<Clock, "setTimer">) {
    this.#clock = clock;
  }

  /** Who waits now. */
  get size(): number {
    return this.#size;
  }

  /**
   * Begins to listen. News that comes before the wait is not missed.
   *
   * @param accept Returns what the news is worth; `undefined` for nothing.
   */
  listen<R>(domain: string, accept: (news: T) => R | undefined): Listening<R> {
    const heard = Promise.withResolvers<R | undefined>();
    const hear = (news: T | undefined) => {
      const worth = news === undefined ? undefined : accept(news);
      if (news === undefined || worth !== undefined) heard.resolve(worth);
    };
    const all = this.#waiting.get(domain) ?? new Set();
    this.#waiting.set(domain, all.add(hear));
    this.#size++;
    return {
      wait: (ms) => {
        const cancel = this.#clock.setTimer(() => heard.resolve(undefined), ms);
        return heard.promise.finally(cancel);
      },
      stop: () => {
        if (!all.delete(hear)) return;
        this.#size--;
        if (all.size === 0) this.#waiting.delete(domain);
      },
    };
  }

  /** Tells those who wait for the domain. */
  tell(domain: string, news: T): void {
    for (const hear of [...this.#waiting.get(domain) ?? []]) hear(news);
  }

  /** Ends all waits at once, without news. */
  wakeAll(): void {
    for (const all of [...this.#waiting.values()]) for (const hear of [...all]) hear(undefined);
  }
}

/** One who listens. */
export interface Listening<R> {
  /** Waits for news that is worth something, `ms` at most. @returns Its worth; `undefined` if there was none. */
  wait(ms: number): Promise<R | undefined>;
  /** Ends it; to be called in every case. */
  stop(): void;
}
