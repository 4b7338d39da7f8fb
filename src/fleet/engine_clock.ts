/**
 * How far the engine's clock is ahead of this host's. Times in entries are in the engine's time, so that hosts whose
 * clocks differ agree on ages.
 *
 * It is measured when the engine begins to answer, and with each heartbeat: until then, hosts that have noticed a jump
 * and hosts that have not refuse each other's news. Half the round trip is the error.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type Engine, EngineError } from "./types.ts";

/** A larger change of the offset, ms, is logged: the engine has another clock, as after a failover. */
const JUMP_MS = 5000;

/** Times end with the year 2099, ms. */
const TIME_MAX_MS = Date.UTC(2100, 0, 1);

/** What the engine's clock is measured with. */
export interface EngineClockOptions {
  /** Has the clock. */
  readonly engine: Pick<Engine, "time" | "label">;
  /** This host's clock. */
  readonly clock: Pick<Clock, "now">;
  /** Gets a line for each jump. */
  readonly log: Log;
}

/** The engine's clock, as far as it is known. */
export class EngineClock {
  readonly #options: EngineClockOptions;
  #offset: number | undefined;

  /** Creates it; nothing is known before the first {@link EngineClock.measure}. */
  constructor(options: EngineClockOptions) {
    this.#options = options;
  }

  /** The engine's time less this host's, ms; `undefined` until it was measured. */
  get offset(): number | undefined {
    return this.#offset;
  }

  /** The two clocks at this moment; one that was never measured counts as the same as ours. */
  times(): { now: number; offset: number } {
    return { now: this.#options.clock.now(), offset: this.#offset ?? 0 };
  }

  /**
   * Measures.
   *
   * @throws {EngineError} As `Engine.time` does; `wrong` for a time that cannot be.
   */
  async measure(): Promise<void> {
    const { engine, clock, log } = this.#options;
    const start = clock.now();
    const time = await engine.time();
    const end = clock.now();
    if (!(time > 0 && time < TIME_MAX_MS)) {
      throw new EngineError("wrong", "the engine's time cannot be");
    }
    // In whole ms, so that a time is the same when it was converted and converted back.
    const offset = Math.round(time - (start + end) / 2);
    const before = this.#offset;
    this.#offset = offset;
    if (before !== undefined && Math.abs(offset - before) > JUMP_MS) {
      const seconds = Math.round((offset - before) / 1000);
      log.warn("shared cache's clock jumped", { engine: engine.label, seconds });
    }
  }
}
