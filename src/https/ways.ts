/**
 * The connections that a relay holds for fetches. Each waits for its one request.
 *
 * Whatever the outcome of a fetch, its connections close soon after it: at once if they were not used, else when
 * both ends are done, and after a second at the latest.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { tryClose } from "../base/connection.ts";
import { untilAborted } from "../base/wait.ts";
import type { Connected } from "./connect.ts";

/** How long a connection may outlive its fetch, ms. The host must still receive the alert about its certificate. */
const LINGER_MS = 1000;

/** A connection reserved for one fetch, until that ends. */
export interface Pin {
  /** The outcome of connecting. */
  readonly connecting: Promise<Connected>;
  /** Ends the connection: at once if it is unused, else after `fetch` has written its last octets. */
  release(): void;
}

/** A connection to a host, and the sockets that are open for it. */
export class Way {
  readonly #open = new Set<Deno.TcpConn>();
  #isOver = false;
  #cancelTimer = () => {};

  /**
   * Takes over the connection once it stands.
   *
   * @param connecting The outcome of connecting. The way closes the connection.
   */
  constructor(readonly connecting: Promise<Connected>) {
    connecting.then((outcome) => outcome.kind === "connected" && this.own(outcome.conn));
  }

  /** Closes a connection when the way ends, or at once if it has ended. */
  own(conn: Deno.TcpConn): void {
    if (this.#isOver) tryClose(conn);
    else this.#open.add(conn);
  }

  /** Ends it after {@link LINGER_MS}, unless it has ended by then. */
  endSoon(clock: Clock): void {
    if (!this.#isOver) this.#cancelTimer = clock.setTimer(() => this.end(), LINGER_MS);
  }

  /** Ends it now. */
  end(): void {
    this.#isOver = true;
    this.#cancelTimer();
    for (const conn of this.#open) tryClose(conn);
    this.#open.clear();
  }
}

/** All ways of a relay. */
export class Ways {
  readonly #clock: Clock;
  /** Ways that no client has asked for yet, by host. */
  readonly #waiting = new Map<string, Way>();
  readonly #taken = new Set<Way>();
  /** The hosts of all fetches under way; each promise resolves when its fetch is over. */
  readonly #pinned = new Map<string, Promise<void>>();

  /** Has no way yet. `clock` times how long a connection outlives its fetch. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Makes a connection for one request; see `Relay.pin`. */
  async pin(
    host: string,
    options: { readonly connect: () => Promise<Connected>; readonly signal: AbortSignal },
  ): Promise<Pin | undefined> {
    const { connect, signal } = options;
    for (;;) {
      const before = this.#pinned.get(host);
      if (before === undefined) break;
      if (signal.aborted) return undefined;
      await untilAborted(before, signal);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pinned.set(host, promise);
    const way = new Way(connect());
    this.#waiting.set(host, way);
    return {
      connecting: way.connecting,
      release: () => {
        if (this.#waiting.delete(host)) way.end();
        else way.endSoon(this.#clock);
        this.#pinned.delete(host);
        resolve();
      },
    };
  }

  /** Takes the way to a host. The caller gives it to {@link end} afterwards. */
  take(host: string): Way | undefined {
    const way = this.#waiting.get(host);
    if (way === undefined) return undefined;
    this.#waiting.delete(host);
    this.#taken.add(way);
    return way;
  }

  /** Ends a way that was taken. */
  end(way: Way): void {
    this.#taken.delete(way);
    way.end();
  }

  /** Ends all ways. */
  close(): void {
    for (const way of [...this.#taken, ...this.#waiting.values()]) way.end();
    this.#waiting.clear();
    this.#taken.clear();
  }
}
