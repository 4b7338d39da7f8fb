/**
 * Watches the exceptions of the configuration: how often each has been applied, when one comes into force, is first
 * applied, and ends. What an exception does is decided in the resolver.
 *
 * An exception that has ended is forgotten in the file, and mail may be deferred again because of it. So it is
 * logged for a week, once a day, and the health check shows it as long.
 *
 * @module
 */

import type { ProvenClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { DomainException } from "../resolver/exception.ts";
import type { ResolverEvent } from "../resolver/types.ts";
import { exceptionFields } from "./exception_text.ts";

/** How long an exception that has ended is warned of, ms. */
export const ENDED_WARNING_MS = 7 * 24 * 3600 * 1000;

/** The log has the warning no more often than this, ms. */
const WARN_EVERY_MS = 24 * 3600 * 1000;

/** Time between two looks at the ends, ms. */
const ROUND_MS = 60_000;

/** Lines about exceptions that come into force together: a list longer than this is read in the file. */
const MAX_LINES = 50;

const KINDS = ["ignore", "enforce", "dane-off"] as const;

/** An exception, and what came of it. */
export interface ExceptionState {
  readonly exception: DomainException;
  /** It no longer counts. */
  readonly hasEnded: boolean;
  /** How often it was applied since the start of the process, or since it was configured. */
  readonly count: number;
  /** When it was applied last, ms. */
  readonly lastAt: number | undefined;
}

/** The watch, which outlives a reload. */
export interface ExceptionWatch {
  /** Watches these exceptions from now on. One that was there before, word for word, keeps its count. */
  use(exceptions: readonly DomainException[]): void;
  /** Counts an answer that was given under an exception. Does not throw. */
  note(event: ResolverEvent): void;
  /** All exceptions: those in force first, then by their ends. */
  list(): readonly ExceptionState[];
  /** Ends the watch. */
  stop(): void;
}

/** What {@link createExceptionWatch} needs. */
export interface ExceptionWatchOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: ProvenClock;
  /** Whether an exception no longer counts. */
  readonly hasEnded: (exception: DomainException) => boolean;
}

/** Creates the watch, without an exception. */
export function createExceptionWatch(options: ExceptionWatchOptions): ExceptionWatch {
  return new Watch(options);
}

/** An {@link ExceptionState} that changes. */
interface Entry {
  readonly exception: DomainException;
  hasEnded: boolean;
  count: number;
  lastAt: number | undefined;
  warnedAt: number | undefined;
}

class Watch implements ExceptionWatch {
  readonly #options: ExceptionWatchOptions;
  readonly #meters: ReturnType<typeof createMeters>;
  /** By all that the exception says. */
  #entries = new Map<string, Entry>();
  /** The same by the object that the resolver has. */
  #byException = new Map<DomainException, Entry>();
  #cancel = () => {};

  constructor(options: ExceptionWatchOptions) {
    this.#options = options;
    this.#meters = createMeters(options.metrics);
    options.metrics.gaugeFn(
      "mta_sts_exception_next_end_timestamp_seconds",
      "When the next exception of the configuration ends; NaN if none is in force.",
      () => this.#nextEnd() / 1000,
    );
  }

  use(exceptions: readonly DomainException[]): void {
    const before = this.#entries;
    this.#entries = new Map();
    this.#byException = new Map();
    for (const exception of exceptions) {
      const id = JSON.stringify(exception);
      const entry: Entry = before.get(id) ??
        { exception, hasEnded: false, count: 0, lastAt: undefined, warnedAt: undefined };
      this.#entries.set(id, entry);
      this.#byException.set(exception, entry);
    }
    this.#logChanges(before);
    this.#round();
  }

  note(event: ResolverEvent): void {
    if (event.kind !== "answer" || event.exception === undefined) return;
    const { exception } = event;
    this.#meters.answers.cell(exception.policy ?? "dane-off").value++;
    const entry = this.#byException.get(exception);
    // Queries under way at a reload are answered by the configuration before.
    if (entry === undefined) return;
    entry.lastAt = this.#options.clock.now();
    if (entry.count++ > 0) return;
    this.#options.log.info("exception first applied", {
      ...exceptionFields(exception),
      for: event.domain,
      zone: event.zone.name,
    });
  }

  list(): readonly ExceptionState[] {
    const { hasEnded } = this.#options;
    return [...this.#entries.values()]
      .map((entry) => ({ ...entry, hasEnded: hasEnded(entry.exception) }))
      .sort((one, other) =>
        Number(one.hasEnded) - Number(other.hasEnded) ||
        one.exception.until - other.exception.until
      );
  }

  stop(): void {
    this.#cancel();
  }

  #logChanges(before: ReadonlyMap<string, Entry>): void {
    const { log, hasEnded } = this.#options;
    const isNew = ([id, { exception }]: [string, Entry]) => !before.has(id) && !hasEnded(exception);
    const isGone = ([id]: [string, Entry]) => !this.#entries.has(id);
    const changes = [
      ["exception in force", [...this.#entries].filter(isNew)],
      ["exception removed", [...before].filter(isGone)],
    ] as const;
    for (const [event, entries] of changes) {
      for (const [, { exception }] of entries.slice(0, MAX_LINES)) {
        log.info(event, exceptionFields(exception));
      }
      const more = entries.length - MAX_LINES;
      if (more > 0) log.info(`${event}, and more`, { count: more });
    }
  }

  /** Notices ends, and warns of those of the last week. */
  #round(): void {
    const { clock, log, hasEnded } = this.#options;
    this.#cancel();
    if (this.#entries.size > 0) this.#cancel = clock.setTimer(() => this.#round(), ROUND_MS);
    const now = clock.now();
    let lines = 0;
    let ended = 0;
    for (const entry of this.#entries.values()) {
      entry.hasEnded = hasEnded(entry.exception);
      if (!entry.hasEnded) continue;
      ended++;
      const isOld = clock.proven() - entry.exception.until >= ENDED_WARNING_MS;
      if (isOld || (entry.warnedAt !== undefined && now - entry.warnedAt < WARN_EVERY_MS)) continue;
      entry.warnedAt = now;
      if (lines++ < MAX_LINES) log.warn("exception has ended", exceptionFields(entry.exception));
    }
    if (lines > MAX_LINES) log.warn("exception has ended, and more", { count: lines - MAX_LINES });
    this.#meters.active.value = this.#entries.size - ended;
    this.#meters.ended.value = ended;
  }

  #nextEnd(): number {
    const ends = [...this.#entries.values()]
      .filter(({ exception }) => !this.#options.hasEnded(exception))
      .map(({ exception }) => exception.until);
    return ends.length === 0 ? NaN : ends.reduce((one, other) => Math.min(one, other));
  }
}

function createMeters(metrics: Metrics) {
  const exceptions = metrics.gauge(
    "mta_sts_exceptions",
    "Exceptions in the configuration: active ones, and those that have ended and count no longer.",
    ["state"],
  );
  const answers = metrics.counter(
    "mta_sts_exception_answers_total",
    "Answers that an exception of the configuration decided, by what it does.",
    ["kind"],
  );
  for (const kind of KINDS) answers.cell(kind);
  return { answers, active: exceptions.cell("active"), ended: exceptions.cell("ended") };
}
