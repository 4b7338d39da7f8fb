/**
 * Questions and answers over one pipelined TCP connection to one resolver (RFC 7766 §6.2.1).
 *
 * The connection is made when there is something to ask and closed when idle. Answers
 * are matched by id, in any order. When a connection ends, its open questions are asked
 * again on a new one, at once: resolvers close connections that were idle, or after a
 * number of questions, whenever they like, or over one question that they do not want to answer. So
 * after a connection that ended without having answered anything, half as many of its questions go on the
 * next, until one that is alone is known to be the cause. It fails, and the others do not.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { failure, HEADER_BYTES, MAX_IN_FLIGHT, MAX_QUEUED } from "./exchange.ts";
import type { AskOptions, WireFailure } from "./exchange.ts";
import { createRandomBits } from "./random_bits.ts";
import type { ServerAddress } from "./resolv_conf.ts";
import { openTcpLink } from "./tcp_link.ts";
import type { TcpLink } from "./tcp_link.ts";

/**
 * Questions given up whose answers may still come. They hold their ids and the resolver's
 * slots, so the connection is replaced when there are more.
 */
const MAX_ABANDONED = 256;

/** A question fails once it was the only one to blame for this many connections; one of these may have been idle. */
const MAX_HANG_UPS = 2;

/** An idle connection is closed after this, ms; Unbound's side does it after 30 s. */
const IDLE_TIMEOUT_MS = 20_000;

/**
 * When nothing at all has come for this long while a question waited, the connection may be dead
 * without a sign (a restart behind a firewall) and is replaced, ms. Being wrong costs little.
 */
const SILENCE_MS = 1000;

/**
 * A resolver with Nagle's algorithm on, as most have it, holds a small answer back until the one before is
 * acknowledged, and our system acknowledges only with the next question, or after 40 ms. So when an
 * answer has come, others are due, and nothing was sent for this long, a question that costs nothing is, ms.
 */
const NUDGE_MS = 2;

/**
 * A resolver that hangs up over a question does so when it reads it: one that has been open for so long is not the
 * cause, and those behind it need not wait for its answer, ms.
 */
const CLEARED_MS = 100;

/** A question under way. */
interface Pending {
  readonly query: Uint8Array;
  /** Settles with the answer. @returns Whether it could be read. */
  accept(message: Uint8Array): boolean;
  /** Settles without an answer. */
  fail(failure: WireFailure): void;
  settled: boolean;
  /** Connections that ended without an answer while no other question on them could be the cause. */
  hangUps: number;
  /** It has been open for {@link CLEARED_MS} once: a resolver does not hang up over it. */
  cleared: boolean;
  /** Where and when it was last sent, and how many messages had come by then. */
  sent: { readonly link: Link; readonly at: number; readonly heard: number } | undefined;
}

/** A connection and what was asked on it. */
interface Link {
  readonly tcp: TcpLink;
  /** By id. */
  readonly questions: Map<number, Pending>;
  /** How many of `questions` were given up. */
  abandoned: number;
  /** Messages received, whatever was in them. */
  heard: number;
  /** Messages sent, and how many these were when the last answer came. */
  sent: number;
  sentBefore: number;
  /** Id of the nudge under way, and how many messages were sent when it was. */
  nudge: number | undefined;
  nudgedAt: number;
  /** Something was answered. */
  fruitful: boolean;
}

/** The way to one resolver. */
export class WireConnection {
  readonly #server: ServerAddress;
  readonly #clock: Clock;
  readonly #nudge: (() => Uint8Array) | undefined;
  /** Questions that wait to be sent, in order. */
  #queue = new Set<Pending>();
  #link: Link | undefined;
  /** Uncleared questions that may be open at once: any number, unless connections ended without an answer. */
  #window = MAX_IN_FLIGHT;
  #cancelIdle: (() => void) | undefined;
  #cancelClearing: (() => void) | undefined;
  #cancelNudge: (() => void) | undefined;
  readonly #random = createRandomBits();
  #closed = false;

  /** Does not connect yet. `nudge` makes a question that is answered at once, with its length octets in front. */
  constructor(
    server: ServerAddress,
    options: { clock: Clock; nudge?: (() => Uint8Array) | undefined },
  ) {
    this.#server = server;
    this.#clock = options.clock;
    this.#nudge = options.nudge;
  }

  /**
   * Asks a question.
   *
   * @param query The message with its two length octets in front; the id is set here.
   * @param options How to read the answer, and how long to wait for it.
   * @returns What `decode` made of the answer, or why there is none. Never rejects.
   */
  ask<T>(query: Uint8Array, options: AskOptions<T>): Promise<T | WireFailure> {
    return new Promise((resolve) => {
      const { signal, timeout } = options;
      const settle = (result: T | WireFailure): void => {
        pending.settled = true;
        cancelTimer();
        signal?.removeEventListener("abort", giveUp);
        resolve(result);
      };
      const pending: Pending = {
        query,
        accept(message) {
          try {
            settle(options.decode(message));
            return true;
          } catch (error) {
            settle(failure("malformed", error instanceof Error ? error.message : "unreadable"));
            return false;
          }
        },
        fail: settle,
        settled: false,
        hangUps: 0,
        cleared: false,
        sent: undefined,
      };
      const giveUp = () => this.#giveUp(pending, "the caller gave up");
      const expire = () => this.#giveUp(pending, `no answer within ${Math.round(timeout)} ms`);
      const cancelTimer = this.#clock.setTimer(expire, timeout);
      signal?.addEventListener("abort", giveUp, { once: true });
      if (signal?.aborted) giveUp();
      else this.#enqueue(pending);
    });
  }

  /** Ends the connection; open questions fail with `unreachable`, and so do later ones. */
  close(): void {
    this.#closed = true;
    this.#cancelClearing?.();
    this.#cancelNudge?.();
    const link = this.#detach();
    link?.tcp.close();
    failAll([...link?.questions.values() ?? [], ...this.#queue], CLOSED);
    this.#queue.clear();
  }

  #enqueue(pending: Pending): void {
    if (this.#closed) return pending.fail(CLOSED);
    if (this.#queue.size >= MAX_QUEUED) return pending.fail(CROWDED);
    this.#queue.add(pending);
    this.#pump();
  }

  /** Sends what there is a place for. */
  #pump(): void {
    for (const pending of this.#queue) {
      const link = this.#link ??= this.#open();
      if (inFlight(link) >= MAX_IN_FLIGHT) return;
      if (this.#window < MAX_IN_FLIGHT && uncleared(link) >= this.#window) {
        return this.#clearLater();
      }
      this.#queue.delete(pending);
      this.#send(pending, link);
    }
    if (this.#link === undefined || inFlight(this.#link) > 0) return;
    this.#cancelIdle ??= this.#clock.setTimer(() => this.#detach()?.tcp.close(), IDLE_TIMEOUT_MS);
  }

  /** Sends more when those that are open cannot be the cause of anything. */
  #clearLater(): void {
    this.#cancelClearing ??= this.#clock.setTimer(() => {
      this.#cancelClearing = undefined;
      for (const pending of this.#link?.questions.values() ?? []) this.#clear(pending);
      this.#pump();
    }, CLEARED_MS);
  }

  #clear(pending: Pending): void {
    if (pending.sent === undefined) return;
    pending.cleared ||= this.#clock.now() - pending.sent.at >= CLEARED_MS;
  }

  #open(): Link {
    const link: Link = {
      tcp: openTcpLink(this.#server, {
        clock: this.#clock,
        onMessage: (message) => this.#receive(message, link),
        onEnd: (detail) => this.#recover(link, failure("unreachable", detail)),
      }),
      questions: new Map(),
      abandoned: 0,
      heard: 0,
      sent: 0,
      sentBefore: 0,
      nudge: undefined,
      nudgedAt: 0,
      fruitful: false,
    };
    return link;
  }

  #send(pending: Pending, link: Link): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    const id = this.#unusedId(link);
    pending.sent = { link, at: this.#clock.now(), heard: link.heard };
    link.questions.set(id, pending);
    sendWithId(pending.query, id, link);
  }

  /** Random, so that a late answer of an earlier connection cannot be expected (RFC 5452, section 9.2). */
  #unusedId({ questions, nudge }: Link): number {
    let id = this.#random();
    while (questions.has(id) || id === nudge) id = this.#random();
    return id;
  }

  #nudgeLater(link: Link): void {
    link.sentBefore = link.sent;
    if (this.#nudge === undefined || inFlight(link) === 0) return;
    this.#cancelNudge ??= this.#clock.setTimer(() => {
      this.#cancelNudge = undefined;
      const isDue = this.#link === link && inFlight(link) > 0 && link.sentBefore === link.sent;
      if (!isDue || link.nudge !== undefined || this.#nudge === undefined) return;
      link.nudge = this.#unusedId(link);
      sendWithId(this.#nudge(), link.nudge, link);
      link.nudgedAt = link.sent;
    }, NUDGE_MS);
  }

  #receive(message: Uint8Array, link: Link): void {
    link.heard++;
    if (message.length < HEADER_BYTES) {
      return this.#drop(link, failure("malformed", "Not a DNS message"));
    }
    const id = message[0]! << 8 | message[1]!;
    const pending = link.questions.get(id);
    if (pending === undefined) {
      if (id === link.nudge) {
        link.nudge = undefined;
        // What was asked after it may be held back by its answer.
        if (link.sent > link.nudgedAt) this.#nudgeLater(link);
      }
      return;
    }
    link.questions.delete(id);
    link.fruitful = true;
    this.#window = Math.min(this.#window * 2, MAX_IN_FLIGHT);
    if (pending.settled) {
      link.abandoned--;
    } else if (!pending.accept(message)) {
      // Where one answer is garbage the next may be, too, or be taken for another's.
      return this.#drop(link, failure("malformed", "garbage between answers"));
    }
    this.#nudgeLater(link);
    this.#pump();
  }

  #giveUp(pending: Pending, detail: string): void {
    const { sent } = pending;
    const silent = sent !== undefined && sent.link.heard === sent.heard &&
      this.#clock.now() - sent.at >= SILENCE_MS;
    pending.fail({ ...failure("timeout", detail), silent });
    this.#queue.delete(pending);
    const link = sent?.link;
    if (link === undefined || link !== this.#link) return;
    link.abandoned++;
    if (link.tcp.opened && (silent || link.abandoned > MAX_ABANDONED)) {
      return this.#drop(link);
    }
    this.#pump();
  }

  #drop(link: Link, why?: WireFailure): void {
    link.tcp.close();
    this.#recover(link, why);
  }

  /**
   * After the end of a connection: asks its open questions again.
   *
   * @param why What the resolver did, if it did something; then a question can have failed by it.
   */
  #recover(link: Link, why?: WireFailure): void {
    this.#detach();
    let open = [...link.questions.values()].filter((pending) => !pending.settled);
    if (why !== undefined && !link.tcp.opened) {
      failAll([...open, ...this.#queue], why);
      return this.#queue.clear();
    }
    if (why !== undefined && !link.fruitful) {
      this.#blame(open, why);
      open = open.filter((pending) => !pending.settled);
    }
    for (const pending of open) pending.sent = undefined;
    this.#queue = new Set([...open.filter(({ cleared }) => cleared), ...open, ...this.#queue]);
    this.#pump();
  }

  /** A connection has ended without an answer: makes the questions that may be the cause fewer, or ends the only one. */
  #blame(open: readonly Pending[], why: WireFailure): void {
    for (const pending of open) this.#clear(pending);
    const suspects = open.filter(({ cleared }) => !cleared);
    const [suspect, another] = suspects;
    if (suspect === undefined) return;
    this.#window = Math.max(1, suspects.length >> 1);
    if (another !== undefined || ++suspect.hangUps < MAX_HANG_UPS) return;
    suspect.fail(why.reason === "malformed" ? why : { ...why, reason: "refused" });
  }

  #detach(): Link | undefined {
    const link = this.#link;
    this.#link = undefined;
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    return link;
  }
}

const CLOSED = failure("unreachable", "the client is closed");
const CROWDED = failure("timeout", "too many questions wait");

function failAll(questions: readonly Pending[], why: WireFailure): void {
  for (const pending of questions) {
    if (!pending.settled) pending.fail(why);
  }
}

function uncleared({ questions }: Link): number {
  let count = 0;
  for (const { settled, cleared } of questions.values()) if (!settled && !cleared) count++;
  return count;
}

function inFlight({ questions, abandoned }: Link): number {
  return questions.size - abandoned;
}

function sendWithId(query: Uint8Array, id: number, link: Link): void {
  query[2] = id >> 8;
  query[3] = id & 0xff;
  link.sent++;
  link.tcp.send(query);
}
