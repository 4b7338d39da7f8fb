/**
 * Checks the messages of other hosts against known purges, and passes them on to waiting claims and listeners.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Claims } from "./claims.ts";
import type { KnowledgeReader } from "./knowledge.ts";
import type { Outbox } from "./outbox.ts";
import type { Reading } from "./read_entry.ts";
import type { FleetNews } from "./types.ts";

/** What the news needs. */
export interface NewsOptions {
  /** Time. */
  readonly clock: Pick<Clock, "now">;
  /** Knows purges. */
  readonly reader: KnowledgeReader;
  /** Those who wait for a fetch. */
  readonly claims: Pick<Claims, "tell">;
  /** What is not sent yet, and may be purged. */
  readonly outbox: Outbox;
}

/** Passes news on. */
export class News {
  readonly #options: NewsOptions;
  readonly #listeners = new Set<(news: FleetNews) => void>();
  #lastAt: number | undefined;

  /** Creates it; nobody listens. */
  constructor(options: NewsOptions) {
    this.#options = options;
  }

  /** When the last entry of another host was heard, ms. */
  get lastAt(): number | undefined {
    return this.#lastAt;
  }

  /** Has a listener called until the function that is returned is called. */
  listen(listener: (news: FleetNews) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Says that the engine can be asked or heard again. */
  tellBack(): void {
    this.#tell({ kind: "back" });
  }

  /** Says that a domain was purged at `at`, ms: a question has found that before it was heard. */
  tellPurge(domain: string, at: number): void {
    this.#options.outbox.purge(domain, at);
    this.#tell({ kind: "purge", domain, at });
  }

  /** Passes on an entry of another host. A view is nobody's news. */
  hear(heard: Exclude<Reading, { kind: "refused" }>): void {
    this.#lastAt = this.#options.clock.now();
    const news = this.#judge(heard);
    if (news !== undefined) this.#tell(news);
  }

  /** Ends it; no listener is called any more. */
  close(): void {
    this.#listeners.clear();
  }

  #judge(heard: Exclude<Reading, { kind: "refused" }>): FleetNews | undefined {
    const { reader, claims, outbox } = this.#options;
    if (heard.kind === "p") {
      const policy = reader.unpurged(heard.policy);
      if (policy === undefined) return undefined;
      claims.tell(policy.domain, { policy, failure: undefined });
      return { kind: "policy", policy };
    }
    if (heard.kind === "f") {
      const { failure } = heard;
      if (failure.failedAt <= reader.purgedAt(failure.domain)) return undefined;
      claims.tell(failure.domain, { policy: undefined, failure });
      return { kind: "failure", failure };
    }
    if (heard.kind === "x" || !reader.notePurge(heard.domain, heard.at)) return undefined;
    outbox.purge(heard.domain, heard.at);
    return { kind: "purge", domain: heard.domain, at: heard.at };
  }

  #tell(news: FleetNews): void {
    for (const listener of [...this.#listeners]) listener(news);
  }
}
