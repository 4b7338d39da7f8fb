/**
 * A circuit breaker in front of the engine: every call has a deadline, and after a failure no call is made until a
 * probe succeeds.
 *
 * "Not connected yet" is not "down": calls wait for the first probe within their deadline. A call that is refused or
 * lost opens the circuit, and so does a late one, if no other call was answered in time since it was made. Then calls
 * return at once, and a probe is sent after a quarter of a second, later every one and a half. A write that the engine
 * refuses, or a key of another type, leaves the circuit closed.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import type { Log } from "../base/log.ts";
import type { Histogram } from "../base/metrics.ts";
import { withDeadline } from "../base/wait.ts";
import type { Warnings } from "../base/warnings.ts";
import { LateWatch } from "./late_watch.ts";
import { waitPatiently } from "./patience.ts";
import type { EngineState } from "./status.ts";
import { type Engine, EngineError } from "./types.ts";

/**
 * What the first connection may take, ms: a name lookup and a TLS handshake, and a driver that gives up after 2 s.
 * Nothing waits so long for it.
 */
const CONNECT_MS = 2500;

/** The first probe comes after this, ms, and each next one after twice the time. */
const PROBE_FIRST_MS = 250;

/**
 * Probes are no further apart than this, ms: an engine that is back is used within two seconds. A probe costs a host
 * and the engine next to nothing.
 */
const PROBE_LAST_MS = 1500;

/** An engine that fails before it was up for this long, ms, flaps: each time its first probe comes later. */
const STEADY_MS = 10_000;

/** The first probe of an engine that flaps comes no later than this, ms. */
const FLAP_LAST_MS = 5000;

/** What an engine says that grants some writes to this user and not others. One that succeeds says nothing of others. */
const NO_RIGHT = /^NOPERM\b|\(42501\)$/;

/** Characters of the engine's words that are kept: a line. */
const FAULT_MAX_LENGTH = 200;

/** The result of a call. */
export type Outcome<T> =
  | { readonly kind: "ok"; readonly value: T }
  /** `skipped`: the circuit was open, or no connection came up within the deadline. */
  | { readonly kind: "skipped" | "late" | "unreachable" | "refused" | "wrong" };

/** How a call is made. */
export interface CallOptions<T> {
  /** It changes something; a refusal says that the engine takes no writes. */
  readonly isWrite?: boolean;
  /** Gets a reply that came after the deadline. */
  readonly onLate?: (value: T) => void;
}

/** What the circuit needs. */
export interface CircuitOptions {
  /** Where calls go. */
  readonly engine: Engine;
  /** Time and timers. */
  readonly clock: Clock;
  /** Gets one line each way. */
  readonly log: Log;
  /** Gets calls that are wrong for this engine. */
  readonly warnings: Warnings;
  /** Deadline of a call, ms. */
  readonly timeout: number;
  /** Seconds of answered calls, with the name of the call. */
  readonly seconds: Histogram;
  /** A cheap call; it rejects with an `EngineError` and with nothing else. */
  probe(): Promise<unknown>;
  /** Called when the engine answers for the first time, and each time it does again. */
  readonly onUp: (isFirst: boolean) => void;
}

/** The circuit. */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #watch: LateWatch;
  readonly #ready = Promise.withResolvers<void>();
  #state: EngineState = "connecting";
  #since: number;
  #fault: string | undefined;
  /** The call that was refused for want of a right: it alone shows that the right is there. */
  #denied: string | undefined;
  #firstDelay = PROBE_FIRST_MS;
  #probeDelay = PROBE_FIRST_MS;
  /** Calls that were answered in time. */
  #answers = 0;
  #cancelProbe: (() => void) | undefined;
  readonly #closing = new AbortController();

  /** Creates the circuit; {@link Circuit.start} sends the first probe. */
  constructor(options: CircuitOptions) {
    this.#options = options;
    this.#since = options.clock.now();
    const { clock, engine } = options;
    this.#watch = new LateWatch({ clock, onDead: () => engine.reconnect() });
  }

  /** How the engine does, since when, and why. */
  get status(): { state: EngineState; since: number; fault: string | undefined } {
    return { state: this.#state, since: this.#since, fault: this.#fault };
  }

  /** The engine, without password. */
  get label(): string {
    return this.#options.engine.label;
  }

  /** Whether a call would be made now. */
  get isReachable(): boolean {
    return this.#state === "up" || this.#state === "refusing";
  }

  /** Sends the first probe. */
  start(): void {
    void this.#probe(CONNECT_MS);
  }

  /** Makes a call. Never rejects, and settles within the deadline. */
  async call<T>(
    name: string,
    run: (engine: Engine) => Promise<T>,
    options: CallOptions<T> = {},
  ): Promise<Outcome<T>> {
    const { clock, timeout, engine, seconds } = this.#options;
    const start = clock.now();
    if (this.#state === "connecting") {
      await withDeadline(this.#ready.promise, { ms: timeout, clock });
    }
    if (!this.isReachable) return { kind: "skipped" };
    const left = Math.max(1, timeout - (clock.now() - start));
    const answers = this.#answers;
    const outcome = await this.#run(() => run(engine), left, options.onLate);
    seconds.observe((clock.now() - start) / 1000, name);
    if (outcome.kind !== "late") this.#answers++;
    const isAlone = outcome.kind === "late" && this.#answers > answers;
    if (!isAlone) this.#judge(outcome, options.isWrite === true ? name : undefined);
    if (outcome.kind === "wrong") {
      const fields = { engine: this.label, call: name, reason: outcome.text };
      this.#options.warnings.warn(
        `shared ${name}`,
        "shared cache's engine cannot do a call",
        fields,
      );
    }
    return outcome.kind === "ok" ? outcome : { kind: outcome.kind };
  }

  /** Ends probes and watches; no call is made any more. */
  close(): void {
    this.#closing.abort();
    this.#state = "down";
    this.#ready.resolve();
    this.#cancelProbe?.();
    this.#watch.stop();
  }

  async #run<T>(
    run: () => Promise<T>,
    ms: number,
    onLate: ((value: T) => void) | undefined,
  ): Promise<Settled<T>> {
    const { clock } = this.#options;
    let isLate = false;
    const settled = settle(run);
    this.#watch.watch(settled);
    settled.then((outcome) => {
      if (isLate && outcome.kind === "ok") onLate?.(outcome.value);
    });
    const { signal } = this.#closing;
    const outcome = await waitPatiently(settled, { ms, clock, signal });
    isLate = outcome === undefined;
    return outcome ?? { kind: "late", text: `no reply within ${Math.round(ms)} ms` };
  }

  /** @param write The name of the call if it changes something. */
  #judge(outcome: Settled<unknown>, write: string | undefined): void {
    if (!this.isReachable) return;
    if (outcome.kind === "late" || outcome.kind === "unreachable") this.#open(outcome.text);
    else if (write === undefined) return;
    else if (outcome.kind === "refused") this.#refuse(outcome.text, write);
    else if (outcome.kind === "ok" && this.#state === "refusing") {
      if (this.#denied !== undefined && this.#denied !== write) return;
      this.#set("up", undefined);
      this.#options.log.info("shared cache accepts writes again", { engine: this.label });
    }
  }

  #refuse(fault: string, write: string): void {
    const { log, engine } = this.#options;
    if (this.#state === "refusing") return;
    this.#denied = NO_RIGHT.test(fault) ? write : undefined;
    this.#set("refusing", fault);
    log.warn("shared cache refuses writes", { engine: this.label, reason: fault });
    // After a failover this connection may lead to the old primary.
    if (fault.startsWith("READONLY")) engine.reconnect();
  }

  #open(fault: string): void {
    const { log, clock, timeout } = this.#options;
    if (this.#state === "down") {
      const last = Math.max(PROBE_LAST_MS, this.#firstDelay);
      this.#probeDelay = Math.min(2 * this.#probeDelay, last);
    } else {
      const wasSteady = this.#state === "connecting" || clock.now() - this.#since >= STEADY_MS;
      const again = Math.min(2 * this.#firstDelay, FLAP_LAST_MS);
      this.#probeDelay = this.#firstDelay = wasSteady ? PROBE_FIRST_MS : again;
      this.#set("down", fault);
      log.warn("shared cache unreachable", { engine: this.label, reason: fault });
      this.#ready.resolve();
    }
    this.#cancelProbe = clock.setTimer(() => void this.#probe(timeout), this.#probeDelay);
  }

  async #probe(ms: number): Promise<void> {
    const outcome = await this.#run(() => this.#options.probe(), ms, undefined);
    if (this.#closing.signal.aborted) return;
    // An engine that denies the probe does answer.
    if (outcome.kind === "late" || outcome.kind === "unreachable") this.#open(outcome.text);
    else this.#shut();
  }

  #shut(): void {
    const { log, clock } = this.#options;
    const { state, since } = this.status;
    this.#set("up", undefined);
    this.#ready.resolve();
    if (state === "down") {
      const seconds = Math.round((clock.now() - since) / 1000);
      log.info("shared cache reachable again", { engine: this.label, seconds });
    }
    this.#options.onUp(state === "connecting");
  }

  #set(state: EngineState, fault: string | undefined): void {
    this.#state = state;
    this.#fault = fault;
    this.#since = this.#options.clock.now();
  }
}

/** A call as it settled; `text` is one printable line. */
type Settled<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "late" | "unreachable" | "refused" | "wrong"; readonly text: string };

/** Makes a call, so that it never rejects. A driver that throws something else has a bug: that is a failure too. */
async function settle<T>(run: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { kind: "ok", value: await run() };
  } catch (error) {
    const kind = error instanceof EngineError ? error.kind : "unreachable";
    const text = messageOf(error).slice(0, FAULT_MAX_LENGTH).replaceAll(/[^ -~]/g, "?");
    return { kind, text };
  }
}
