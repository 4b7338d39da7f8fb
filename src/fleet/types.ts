/**
 * What the hosts of a fleet share, and through what.
 *
 * The engine, a Redis or PostgreSQL that the hosts share, is a peer of DNS and HTTPS: one more way for a check to learn
 * a policy, and a channel on which hosts announce what they learned. It is not a level of the store: what is held is
 * answered from memory and file, and the engine is never asked for it.
 *
 * {@link Exchange} is what the resolver sees: values that were judged, and no call that fails or waits without end.
 * {@link Engine} is what a driver does: it stores, reads and announces sealed text, and knows nothing of policies.
 * What operators see of it is in `status.ts`.
 *
 * Times are ms since the epoch in the time base of `Clock.now`; entries in the engine have its time, and the exchange
 * converts them.
 *
 * @module
 */

import type { PolicyFile } from "../sts/policy.ts";

/** A policy that another host fetched, read from an entry: parsed, unexpired, and not from the future. */
export interface FleetPolicy extends PolicyFile {
  /** Policy domain, lower-case A-labels. */
  readonly domain: string;
  /** The `id` of the TXT record seen before the fetch. */
  readonly id: string;
  /** When the fetch ended, ms; `max_age` runs from here. */
  readonly fetchedAt: number;
  /** `fetchedAt` plus `max_age`, ms. */
  readonly expiresAt: number;
  /** Who fetched it; printable ASCII of at most 255 characters. */
  readonly host: string;
  /**
   * The entry is signed with the secret of the fleet: it counts like the host's own memory. One that is not
   * only stands in for the fetch that this host's own TXT lookup asks for.
   */
  readonly isSigned: boolean;
  /**
   * It is from the cache of postfix-mta-sts-resolver: `fetchedAt` is when its record was last checked, and the fetch may
   * be long ago.
   */
  readonly isForeign?: boolean;
}

/**
 * A failed fetch of another host (RFC 8461 §3.3: per version id). Signed entries only, and only failures that the policy
 * host has answered for: others may be the fault of the host that fetched.
 */
export interface FleetFailure {
  /** Policy domain, lower-case A-labels. */
  readonly domain: string;
  /** The `id` of the TXT record seen before the fetch. */
  readonly id: string;
  /** A `FetchFailure` word. */
  readonly reason: string;
  /** One line for a person: printable ASCII, cut. */
  readonly detail: string;
  /** Failures in a row for this id. */
  readonly count: number;
  /** When the fetch ended, ms. */
  readonly failedAt: number;
  /** No attempt for the same id before, ms; at most an hour after `failedAt`. */
  readonly retryAt: number;
}

/** The MX and DANE view of a next hop that another host worked out; signed entries only. */
export interface FleetView {
  /** The next hop in Postfix's form. */
  readonly nextHop: string;
  /** Written and read by `resolver/stored_view.ts`. */
  readonly json: string;
  /** When the lookups ended, ms. */
  readonly checkedAt: number;
}

/** What the fleet knows of a domain. */
export interface FleetKnowledge {
  /** Not one older than a purge. */
  readonly policy: FleetPolicy | undefined;
  /** Signed alone; whether its `id` counts is for the own TXT lookup to say. */
  readonly failure: FleetFailure | undefined;
}

/** A message from another host. */
export type FleetNews =
  /** One that is not signed says no more than that the domain deserves a check of its own now. */
  | { readonly kind: "policy"; readonly policy: FleetPolicy }
  | { readonly kind: "failure"; readonly failure: FleetFailure }
  /** An operator purged the domain; signed entries only. `at` is when, ms. */
  | { readonly kind: "purge"; readonly domain: string; readonly at: number }
  /** The engine can be asked or heard again: what was found absent meanwhile may be there. */
  | { readonly kind: "back" };

/** The right to fetch, or the result of somebody else's fetch. */
export type FleetClaim =
  /**
   * This host fetches, with a lease if the engine gave one. It must call one of the three, once; the lease is
   * renewed until then, and ends by itself when this process dies.
   */
  | {
    readonly kind: "fetch";
    /** Tells the fleet the policy. Never throws; what the engine does not take is kept and sent later. */
    publish(policy: OwnPolicy): void;
    /** Tells the fleet that the fetch failed: what may be this host's own fault sends those who wait to look. */
    publishFailure(failure: FleetFailure): void;
    /** Gives the lease back without a result. */
    release(): void;
  }
  /** Another host's fetch ended first, or its entry was there with the grant. */
  | { readonly kind: "learned"; readonly policy: FleetPolicy }
  | { readonly kind: "failed"; readonly failure: FleetFailure };

/** A policy that this host fetched, as it is published. */
export type OwnPolicy = Pick<FleetPolicy, "domain" | "id" | "text" | "fetchedAt" | "expiresAt">;

/** What the resolver sees of the fleet. No call throws, rejects, or waits longer than its bound. */
export interface Exchange {
  /** Whether the engine could be asked at this moment; while it cannot, absences are not to be remembered for long. */
  readonly isReachable: boolean;
  /**
   * Asks what the fleet knows of a domain.
   *
   * @returns `undefined` if the engine cannot be asked, or has not answered after `cache.shared.timeout`.
   */
  ask(domain: string): Promise<FleetKnowledge | undefined>;
  /**
   * Asks for the right to fetch a policy, and waits for another host's fetch up to `cache.shared.wait`. Without an
   * engine the right is given at once.
   *
   * @param request `id` of the own TXT record: an entry with another id, or one not newer than `newerThan` (ms), does
   *   not count as learned. `isForced` is the operator's wish: existing entries do not count.
   */
  claim(domain: string, request: ClaimRequest): Promise<FleetClaim>;
  /** Asks for the MX and DANE view of a next hop, like {@link ask}. */
  askView(nextHop: string): Promise<FleetView | undefined>;
  /** Tells the fleet a view. */
  publishView(view: FleetView): void;
  /**
   * Has all hosts forget a domain.
   *
   * @returns How many other hosts received it, as far as engine or heartbeats say; `undefined` if the engine has
   *   not taken it yet, which is tried again, or if entries are not signed: then only this host forgets. Either way it
   *   takes no older entry of the domain for an hour.
   */
  purge(domain: string): Promise<number | undefined>;
  /** Has `listener` called with news until the function that is returned is called. It must not throw. */
  onNews(listener: (news: FleetNews) => void): () => void;
}

/** What a claim is for. */
export interface ClaimRequest {
  /** The `id` of the own TXT record, or of the held policy without one. */
  readonly id: string;
  /** `fetchedAt` of the held policy, ms; 0 without one. */
  readonly newerThan: number;
  /**
   * The text of the held policy; `undefined` without one. An entry that is not signed never counts as learned
   * where it would replace a held policy by another text.
   */
  readonly heldText: string | undefined;
  /** The operator wants a fetch of this host's own. */
  readonly isForced: boolean;
}

/** A part of the policies that this host holds, by domain; `PolicyLists.listPolicies` of the store is one. */
export type ListOwnPolicies = (query: { readonly after: string; readonly limit: number }) => {
  readonly entries: readonly OwnPolicy[];
  /** Where the next part begins; `undefined` at the end. */
  readonly next: string | undefined;
};

/** Kinds of entries: policy, failure, tombstone of a purge, MX view. */
export type EntryKind = "p" | "f" | "t" | "x";

/** Where an entry is. */
export interface EntryKey {
  /** What it says of the name. */
  readonly kind: EntryKind;
  /** A domain in lower-case A-labels; a next hop for a view. */
  readonly name: string;
}

/** An entry as the engine keeps it. */
export interface Entry extends EntryKey {
  /** Sealed text, printable ASCII, see `entry.ts`. */
  readonly sealed: string;
  /** When it was made, ms in the engine's time; PostgreSQL keeps the newest. */
  readonly at: number;
  /** The engine may drop it from here on, ms in its own time. */
  readonly expiresAt: number;
}

/** What a driver got for a claim. */
export interface LeaseReply {
  /** The lease is this host's now. */
  readonly isGranted: boolean;
  /** The token of who has it; changes with each renewal. */
  readonly holder: string | undefined;
  /** The domain's policy, read after the claim. */
  readonly policy: string | undefined;
  /** Its failure. */
  readonly failure: string | undefined;
  /** The tombstone of its purge. */
  readonly tombstone: string | undefined;
}

/** Why a call of a driver failed; `text` is the engine's word, cut and printable. */
export class EngineError extends Error {
  /** The name of the class, for the log. */
  override readonly name = "EngineError";

  /**
   * Creates the error.
   *
   * @param kind `unreachable`: refused, lost, late; `refused`: the engine does not take writes (read-only, full, no
   *   right); `wrong`: the key holds something else, or the statement is wrong for this engine.
   * @param text One line for the operator.
   */
  constructor(readonly kind: "unreachable" | "refused" | "wrong", text: string) {
    super(text);
  }
}

/**
 * A driver. Each call may reject with an {@link EngineError}, and with nothing else; deadlines are the exchange's,
 * which stops listening to a late call. A driver connects by itself and again after a loss. A call made before the
 * first attempt to connect has ended waits for that attempt; without a connection later on, calls reject at once.
 */
export interface Engine {
  /** What it is and where, without password: `redis://10.0.0.5:6379/2`. */
  readonly label: string;
  /**
   * Reads entries, in one round trip. Where the other program's cache is read too, its entry stands for a policy that
   * is absent, in the form of `sealForeign` (`entry.ts`).
   *
   * @returns Sealed texts in the order of the keys.
   */
  read(keys: readonly EntryKey[]): Promise<readonly (string | undefined)[]>;
  /** Takes the lease of a domain if it is free, for `ttl` ms, and reads the domain's entries after that. */
  claim(
    domain: string,
    lease: { readonly token: string; readonly ttl: number },
  ): Promise<LeaseReply>;
  /** Puts `next` in the place of the own token `token`, for `ttl` ms. @returns Whether the lease was still ours. */
  renew(
    domain: string,
    lease: { readonly token: string; readonly next: string; readonly ttl: number },
  ): Promise<boolean>;
  /**
   * Stores entries and announces each on the channel; a policy ends the failure of its domain, and a tombstone all
   * its other entries. `released` are the leases that end in the same step. `isFilling`: only where no entry is,
   * and nothing is announced; this fills an engine that was emptied.
   *
   * @returns How many others heard of it, without this host, where the engine knows; else `undefined`.
   */
  publish(
    entries: readonly Entry[],
    options?: {
      readonly released?: readonly { readonly domain: string; readonly token: string }[];
      readonly isFilling?: boolean;
    },
  ): Promise<number | undefined>;
  /** Ends a lease if it still has this token. */
  release(domain: string, token: string): Promise<void>;
  /** Sends a message on the channel, such as a heartbeat. */
  announce(message: string): Promise<void>;
  /**
   * Hears the channel: entries as `publish` sealed them, and messages of `announce`. `onOpen` is called whenever
   * hearing begins, also again after a loss. @returns Stops it.
   */
  listen(listener: { onMessage(message: string): void; onOpen(): void }): () => void;
  /** A part of all entries of a kind, in no particular order; `cursor` is that of the part before, or `undefined`. */
  list(
    kind: EntryKind,
    cursor: string | undefined,
  ): Promise<{ readonly sealed: readonly string[]; readonly cursor: string | undefined }>;
  /** The engine's time, ms. */
  time(): Promise<number>;
  /** Sets the mark that shows that the engine was not emptied. @returns Whether this call has set it. */
  mark(): Promise<boolean>;
  /** Drops all connections at once and makes new ones: nothing else ends those to a host that has vanished. */
  reconnect(): void;
  /** Ends all connections. */
  close(): Promise<void>;
}
