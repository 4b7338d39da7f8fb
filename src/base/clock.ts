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

/** Time and timers. Everything that waits is handed a clock, so that no test has to wait. */
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
  /** By how many ms the wall clock has jumped ahead if time does not follow yet; else 0. */
  doubted(): number;
}

/** What happened to the wall clock. */
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

/** A wall clock that is ahead by no more than this, ms, is being slewed and is left alone. */
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

/** A stop of the process shorter than this, ms, is not reported at the start: it is nothing unusual. */
const STOP_MS = 24 * 3600 * 1000;

/** Where time and timers come from. */
export interface ClockSources {
  /** Wall clock, ms since the epoch. */
  wall(): number;
  /** Monotonic clock, ms. */
  monotonic(): number;
  /** Calls back once after a delay in ms. @returns A function that cancels it. */
  startTimer(callback: () => void, delay: number): () => void;
  /** Called at once when something happens to the wall clock. It must not ask for the time. */
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
  const startedAt = sources.monotonic();
  const base = sources.wall() - startedAt;
  const bases = { now: base, proven: base };
  let doubt: { ms: number; since: number; isSaid: boolean } | undefined;
  let saidBehind = false;
  let wall = NaN;
  let time = NaN;

  function now(): number {
    const before = wall;
    wall = sources.wall();
    // The wall clock is cheaper to read and counts whole milliseconds. Within one, time stands still.
    if (wall === before) return time;
    const steady = sources.monotonic();
    time = bases.now + steady;
    const ahead = wall - bases.proven - steady;
    if (ahead > SLEW_MS || doubt !== undefined) judgeAhead(ahead, steady);
    if (time - wall > FOLLOWED_MS || saidBehind) judgeBehind(time - wall);
    return time;
  }

  function judgeAhead(ahead: number, steady: number): void {
    if (ahead <= FOLLOWED_MS) {
      if (doubt !== undefined) tell("withdrawn", doubt.ms);
      doubt = undefined;
      if (ahead > SLEW_MS) follow(ahead, steady);
    } else if (doubt === undefined || Math.abs(ahead - doubt.ms) > FOLLOWED_MS) {
      if (doubt !== undefined) tell("withdrawn", doubt.ms);
      // At the start time has followed already, and a short stop is not reported.
      const isSaid = wall - time > FOLLOWED_MS || ahead >= STOP_MS;
      doubt = { ms: ahead, since: steady, isSaid };
      tell("doubted", ahead);
    } else if (steady - doubt.since >= LASTS_MS) {
      tell("believed", ahead);
      doubt = undefined;
      follow(ahead, steady);
    }
  }

  function follow(ahead: number, steady: number): void {
    bases.proven += ahead;
    bases.now = Math.max(bases.now, bases.proven);
    time = bases.now + steady;
  }

  function judgeBehind(behind: number): void {
    if (behind > FOLLOWED_MS && !saidBehind) sources.onChange({ kind: "behind", ms: behind });
    saidBehind = behind > FOLLOWED_MS;
  }

  function tell(kind: ClockChange["kind"], ms: number): void {
    if (doubt?.isSaid) sources.onChange({ kind, ms });
  }

  return {
    now,
    proven: () => now() + bases.proven - bases.now,
    seen(last: number): void {
      const ahead = now() - last;
      const isStart = sources.monotonic() - startedAt < LASTS_MS;
      if (ahead > FOLLOWED_MS && isStart) bases.proven -= ahead;
      else if (ahead < 0) bases.proven = bases.now -= ahead;
      wall = NaN;
    },
    doubted: () => doubt?.isSaid ? doubt.ms : 0,
    setTimer(callback: () => void, delay: number): () => void {
      return (delay < LONG_MS ? sources.startTimer : setLongTimer)(callback, delay);
    },
  };
}
