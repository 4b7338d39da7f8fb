/**
 * What operators see of a fleet's exchange: its state, and bulk copies of entries.
 *
 * The daemon, the status page, health and the `cache` commands use {@link Fleet}; the resolver uses the narrower
 * `Exchange`. Times are ms since the epoch in the time base of `Clock.now`.
 *
 * @module
 */

import type { Exchange, FleetPolicy } from "./types.ts";

/** What the exchange is to those who run it: the resolver's part, and its life. */
export interface Fleet extends Exchange {
  /** How it does, for status page, health and metrics. */
  status(): FleetStatus;
  /**
   * Sends all live policies of this host that the engine lacks or has older, 500 a second.
   *
   * @returns What became of them. Never rejects; ends early where the engine fails.
   */
  push(): Promise<FleetCopy>;
  /**
   * Reads all policies of the engine, 500 a second, and hands each on that opens, signed or not.
   *
   * @returns What was read: `sent` counts what was handed on. Never rejects.
   */
  pull(take: (policy: FleetPolicy) => void): Promise<FleetCopy>;
  /** Ends leases, waits and timers, and closes the engine. What the outbox holds is lost, unless it was handed in. */
  close(): Promise<void>;
}

/** What became of many policies. */
export interface FleetCopy {
  /** Sent to the engine, or read from it. */
  readonly sent: number;
  /** The other side has the same or a newer one. */
  readonly kept: number;
  /** Cannot be sealed or opened: too large, damaged, forged. */
  readonly refused: number;
  /** Why it ended early, one line; `undefined` if it did not. */
  readonly fault: string | undefined;
}

/**
 * How the engine does.
 *
 * - `connecting`: not asked yet, and nothing has failed.
 * - `up`: it answers.
 * - `refusing`: it answers, but takes no writes.
 * - `down`: refused, lost or late; probed until it answers.
 */
export type EngineState = "connecting" | "up" | "refusing" | "down";

/** Whether news arrives: `opening` until the own heartbeat was heard, `deaf` when it was not. */
export type HearingState = "opening" | "open" | "deaf";

/** Another host, by its heartbeats. */
export interface FleetHost {
  /** As it names itself: printable ASCII of at most 255 characters. */
  readonly name: string;
  /** Of the program; printable ASCII of at most 64 characters. */
  readonly version: string;
  /** When its last heartbeat came, ms. */
  readonly lastHeardAt: number;
  /** How far its clock is ahead of the engine's, ms; `undefined` if it did not know. */
  readonly ahead: number | undefined;
}

/** The state of the exchange at one moment. Times in ms of `Clock.now`. */
export interface FleetStatus {
  /** The engine, without password: `Engine.label`. */
  readonly label: string;
  /** How the engine does. */
  readonly state: EngineState;
  /** When this state began. */
  readonly since: number;
  /** Why the engine is down or refusing: one printable line; else `undefined`. */
  readonly fault: string | undefined;
  /** Whether news arrives. */
  readonly hearing: HearingState;
  /** When the last entry of another host was heard; `undefined` if none was. */
  readonly lastNewsAt: number | undefined;
  /** The engine's time less this host's, ms; `undefined` until measured. */
  readonly offset: number | undefined;
  /** Entries are signed. */
  readonly isSigned: boolean;
  /** Other hosts seen in the last 30 s, by name. */
  readonly hosts: readonly FleetHost[];
  /** What waits for the engine to take it. */
  readonly outbox: {
    readonly entries: number;
    readonly octets: number;
    /** Entries that had no room since the start. */
    readonly dropped: number;
  };
  /** Leases held now. */
  readonly leases: number;
  /** Claims that wait for another host's fetch now. */
  readonly waiting: number;
  /** Entries refused since the start, by reason. */
  readonly refused: Readonly<Record<RefusalReason, number>>;
}

/**
 * Why an entry counts as absent. The list is closed; the words are labels of a metric.
 *
 * - `size`, `form`: too long; no JSON of the expected members, or values that cannot be.
 * - `signature`: signed with no secret of this fleet, or altered.
 * - `unsigned`: this fleet signs, or the kind counts signed alone.
 * - `version`: of a newer program; left alone.
 * - `name`: of another domain than the one that was asked for.
 * - `settings`: fetched under other settings of proxy, trust roots or private addresses.
 * - `policy`: the text is no policy.
 * - `expired`, `future`: not yet or no longer to be believed.
 * - `purged`: older than a purge.
 */
export type RefusalReason =
  | "size"
  | "form"
  | "signature"
  | "unsigned"
  | "version"
  | "name"
  | "settings"
  | "policy"
  | "expired"
  | "future"
  | "purged";
