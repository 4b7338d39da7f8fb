/**
 * Time as the daemon uses it: never backwards, and forward only with reason.
 *
 * The process's time starts at the later of the wall clock and the last time seen on disk
 * ({@link ProcessClock.seen}), and goes on by the monotonic clock:
 *
 * - When the wall clock goes back, time goes on: nothing expired comes alive again.
 * - When it goes forward by a minute or less, time follows: that is how clocks are kept right.
 * - When it goes forward by more, that is believed once it has lasted for {@link LASTS_MS}. Until then time goes
 *   on as before, and nothing expires by a clock that shows the wrong year for a moment. The monotonic
 *   clock stops while a machine sleeps, so waking up looks the same: policies then expire
 *   ten minutes late.
 *
 * At the start the wall clock is ahead of the disk by the time in which no process ran, or is wrong. So there
 * are two times until that has lasted: {@link Clock.now}, which has followed and stamps what is new, and
 * {@link ProvenClock.proven}, by which what is stored expires.
 *
 * @module
 */

import { createLongTimers, LONG_MS } from "./long_timers.ts";

/** Time and timers, handed to everything that waits, so that tests need not. */
export interface Clock {
  /** Milliseconds since the Unix epoch in the process's time base; never decreases. */
  now(): number;
  /**
   * Calls `callback` once after `delay` milliseconds; when that is a second or more, a little later.
   *
   * @returns A function that cancels it.
   */
  setTimer(callback: () => void, delay: number): () => void;
}

/** A clock by which policies expire. */
export interface ProvenClock extends Clock {
  /** `now()` as far as it has proved right: not later, and as a rule the same. */
  proven(): number;
}

/** The clock of a process. */
export interface ProcessClock extends ProvenClock {
  /** Takes note of the last time seen on disk, ms: once, at the start or when the file can first be read. */
  seen(time: number): void;
  /** By how many ms the wall clock jumped ahead if that is not believed yet; else 0. */
  doubted(): number;
}

/** What happened to the wall clock; `ms` is the size. */
export interface ClockChange {
  readonly kind:
    /** It jumped ahead, or was ahead of the disk by a day or more at the start. */
    | "doubted"
    /** It stayed there: time has followed. */
    | "believed"
    /** It came back: time has not followed. */
    | "withdrawn"
    /** It is behind the process's time, which goes on. */
    | "behind";
  readonly ms: number;
}

/** The wall clock ahead by no more than this, ms, is slewing, not worth a look. */
const SLEW_MS = 50;

/**
 * A jump ahead by no more than this, ms, is followed at once: time servers correct so much at once, and
 * policies live for hours at the least.
 */
const FOLLOWED_MS = 60_000;

/**
 * A larger jump is believed when it has lasted for this long, ms. What sets a clock wrong, a slip of the hand
 * or a time server that is off, is seen by then: NTP clients look again every minute or so after a step.
 */
const LASTS_MS = 10 * 60_000;

/** A stop of the process shorter than this, ms, is an everyday matter and not worth a word at the start. */
const STOP_MS = 24 * 3600 * 1000;

/** Where time and timers come from. */
interface ClockSources {
  /** Wall clock, ms since the epoch. */
  wall(): number;
  /** Monotonic clock, ms. */
  monotonic(): number;
  /** Calls back after a delay in ms. @returns A function that cancels it. */
  startTimer(callback: () => void, delay: number): () => void;
  /** Told at once what happens to the wall clock. It must not ask for the time. */
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
 * The real clock.
 *
 * @param given Sources other than the runtime's, for tests; and who is told of changes.
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
    // The wall clock is the cheaper one, and counts whole milliseconds: within one, time stands still.
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
      // At the start time has followed already, and there is nothing to say of a short stop.
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
