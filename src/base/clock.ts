/**
 * Time as the daemon uses it: it never goes back, and it goes forward only for a reason.
 *
 * The process's time starts at the later of the wall clock and the last time seen on disk
 * ({@link ProcessClock.seen}). From there the monotonic clock drives it:
 *
 * - If the wall clock goes back, time goes on. Nothing that has expired becomes valid again.
 * - If it goes forward by a minute or less, time follows, because time servers correct clocks this way.
 * - If it goes forward by more, time follows after the jump has lasted for {@link LASTS_MS}. Until then time goes
 *   on as before, so nothing expires because a clock shows the wrong year for a moment. The monotonic
 *   clock stops while a machine sleeps, so waking up looks like a jump: policies then expire
 *   ten minutes late.
 *
 * At the start the wall clock is ahead of the disk, either by the time in which no process ran or because it is
 * wrong. Until the lead has lasted there are two times: {@link Clock.now} has followed and stamps what is new;
 * {@link ProvenClock.proven} has not, and what is stored expires by it.
 *
 * @module
 */

import { createLongTimers, LONG_MS } from "./long_timers.ts";

/** Time and timers. Everything that waits gets a clock through its options, so that no test has to wait. */
export interface Clock {
  /** Milliseconds since the Unix epoch in the process's time base; never decreases. */
  now(): number;
  /**
   * Calls `callback` once after `delay` milliseconds, or up to 20 ms later if `delay` is a second or more.
   *
   * @returns A function that cancels it.
   */
  setTimer(callback: () => void, delay: number): () => void;
}

/** A clock by which policies expire. */
export interface ProvenClock extends Clock {
  /** `now()` as far as it has proved right: never later, and usually the same. */
  proven(): number;
}

/** The clock of a process. */
export interface ProcessClock extends ProvenClock {
  /** Notes the last time seen on disk, ms. Called once: at the start, or when the file can first be read. */
  seen(time: number): void;
  /** How far the wall clock has jumped ahead while time does not follow yet, ms; else 0. */
  doubted(): number;
}

/** A change of the wall clock that an operator should know about. */
export interface ClockChange {
  /**
   * - `doubted`: it jumped ahead, or was ahead of the disk by a day or more at the start.
   * - `believed`: it stayed there, and time has followed.
   * - `withdrawn`: it came back, and time has not followed.
   * - `behind`: it is behind the process's time, which goes on.
   */
  readonly kind: "doubted" | "believed" | "withdrawn" | "behind";
  /** How far it is ahead or behind, milliseconds. */
  readonly ms: number;
}

/** Time ignores a lead of the wall clock up to this, ms: a time server is slewing the clock. */
const SLEW_MS = 50;

/**
 * Time follows a jump ahead by no more than this, ms, at once: time servers correct that much in one step, and
 * policies live for hours at least.
 */
const FOLLOWED_MS = 60_000;

/**
 * Time follows a larger jump after it has lasted for this long, ms. By then an operator's slip or a wrong time
 * server has shown: NTP clients ask again every minute or so after a step.
 */
const LASTS_MS = 10 * 60_000;

/** The start does not report a stop of the process shorter than this, ms. Such stops are normal. */
const STOP_MS = 24 * 3600 * 1000;

/** The sources of time and timers. */
export interface ClockSources {
  /** Wall clock, ms since the epoch. */
  wall(): number;
  /** Monotonic clock, ms. */
  monotonic(): number;
  /** Calls back once after a delay in ms. @returns A function that cancels it. */
  startTimer(callback: () => void, delay: number): () => void;
  /** Called at once for each change. It must not ask for the time. */
  onChange(change: ClockChange): void;
}

const RUNTIME: ClockSources = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  startTimer(callback: () => void, delay: number): () => void {
    const id = setTimeout(callback, delay);
    Deno.unrefTimer(id);
    return () => clearTimeout(id);
  },
  onChange() {},
};

/**
 * Creates the real clock.
 *
 * @param given Sources other than the runtime's, for tests, and the callback for changes.
 * @returns The clock; its timers do not keep the process alive.
 */
export function createClock(given: Partial<ClockSources> = {}): ProcessClock {
  const sources = { ...RUNTIME, ...given };
  const setLongTimer = createLongTimers(sources);
  const time = new ProcessTime(sources);
  return {
    now: () => time.now(),
    proven: () => time.proven(),
    seen: (last) => time.seen(last),
    doubted: () => time.doubted(),
    setTimer: (callback, delay) =>
      (delay < LONG_MS ? sources.startTimer : setLongTimer)(callback, delay),
  };
}

/** A lead of the wall clock that time does not follow yet. */
interface Doubt {
  /** The lead, ms. */
  ms: number;
  /** When it began, ms of the monotonic clock. */
  since: number;
  /** Whether it was reported, so that its end is too. */
  isSaid: boolean;
}

/** The time of the process, as the head of this file describes it. */
class ProcessTime {
  readonly #sources: ClockSources;
  readonly #startedAt: number;
  /** What the monotonic clock counts from, ms since the epoch: for {@link now}, and for {@link proven}. */
  #base: number;
  #provenBase: number;
  #doubt: Doubt | undefined;
  #saidBehind = false;
  /** The wall clock at the last reading, and what {@link now} then said. */
  #wall = NaN;
  #time = NaN;

  constructor(sources: ClockSources) {
    this.#sources = sources;
    this.#startedAt = sources.monotonic();
    this.#base = this.#provenBase = sources.wall() - this.#startedAt;
  }

  now(): number {
    const wall = this.#sources.wall();
    // The wall clock is cheaper to read and counts whole milliseconds. Within one, time stands still.
    if (wall === this.#wall) return this.#time;
    this.#wall = wall;
    const steady = this.#sources.monotonic();
    this.#time = this.#base + steady;
    const ahead = wall - this.#provenBase - steady;
    if (ahead > SLEW_MS || this.#doubt !== undefined) this.#judgeAhead(ahead, steady);
    const behind = this.#time - wall;
    if (behind > FOLLOWED_MS || this.#saidBehind) this.#judgeBehind(behind);
    return this.#time;
  }

  proven(): number {
    return this.now() + this.#provenBase - this.#base;
  }

  seen(last: number): void {
    const ahead = this.now() - last;
    const isStart = this.#sources.monotonic() - this.#startedAt < LASTS_MS;
    if (ahead > FOLLOWED_MS && isStart) this.#provenBase -= ahead;
    else if (ahead < 0) this.#provenBase = this.#base -= ahead;
    this.#wall = NaN;
  }

  doubted(): number {
    return this.#doubt?.isSaid ? this.#doubt.ms : 0;
  }

  #judgeAhead(ahead: number, steady: number): void {
    const doubt = this.#doubt;
    if (ahead <= FOLLOWED_MS) {
      if (doubt !== undefined) this.#report("withdrawn", doubt.ms);
      this.#doubt = undefined;
      if (ahead > SLEW_MS) this.#follow(ahead, steady);
    } else if (doubt === undefined || Math.abs(ahead - doubt.ms) > FOLLOWED_MS) {
      if (doubt !== undefined) this.#report("withdrawn", doubt.ms);
      // At the start time has followed already, and a short stop is not reported.
      const isSaid = this.#wall - this.#time > FOLLOWED_MS || ahead >= STOP_MS;
      this.#doubt = { ms: ahead, since: steady, isSaid };
      this.#report("doubted", ahead);
    } else if (steady - doubt.since >= LASTS_MS) {
      this.#report("believed", ahead);
      this.#doubt = undefined;
      this.#follow(ahead, steady);
    }
  }

  #follow(ahead: number, steady: number): void {
    this.#provenBase += ahead;
    this.#base = Math.max(this.#base, this.#provenBase);
    this.#time = this.#base + steady;
  }

  #judgeBehind(behind: number): void {
    const isBehind = behind > FOLLOWED_MS;
    if (isBehind && !this.#saidBehind) this.#sources.onChange({ kind: "behind", ms: behind });
    this.#saidBehind = isBehind;
  }

  #report(kind: ClockChange["kind"], ms: number): void {
    if (this.#doubt?.isSaid) this.#sources.onChange({ kind, ms });
  }
}
