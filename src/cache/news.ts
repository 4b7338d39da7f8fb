/**
 * Who hears what happens to a store: the resolvers that remember something of it. There are two of them
 * while one takes over from another.
 *
 * @module
 */

import type { StoreNews } from "./types.ts";

/** The listeners of one store. */
export class News {
  readonly #listeners = new Set<(news: StoreNews) => void>();

  /** See `DomainStore.onNews`. */
  subscribe(listener: (news: StoreNews) => void): () => void {
    // A function of its own, so that one listener may subscribe twice.
    const entry = (news: StoreNews) => listener(news);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Tells all listeners. */
  tell(news: StoreNews): void {
    for (const listener of this.#listeners) listener(news);
  }
}
