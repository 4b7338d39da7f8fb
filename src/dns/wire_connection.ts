/**
 * Questions and answers over one pipelined TCP connection to one DNS resolver (RFC 7766 §6.2.1).
 *
 * It connects when there is something to ask and closes the connection when it is idle. It matches answers by id,
 * in any order. When a connection ends, it asks the open questions again on a new one, at once: a DNS resolver may
 * close an idle connection, or one that has had its number of questions, or hang up over one
 * question that it does not want to answer. So after a connection without any answer, half as many questions
 * go on the next one, until a question that is alone is known to be the cause. That one fails, and the others do not.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { CLOSED, CROWDED, failure, MAX_IN_FLIGHT, MAX_QUEUED } from "./exchange.ts";
import type { AskOptions, WireFailure } from "./exchange.ts";
import { createRandomBits } from "./random_bits.ts";
import type { ServerAddress } from "./resolv_conf.ts";
import { CLEARED_MS, WireLink } from "./wire_link.ts";
import type { WireQuestion } from "./wire_link.ts";

/**
 * Questions given up whose answers may still come. They hold their ids and slots of the DNS resolver, so more of
 * them than this end the connection.
 */
const MAX_ABANDONED = 256;

/** A question fails after it alone could have ended this many connections; one of these may have been idle. */
const MAX_HANG_UPS = 2;

/** An idle connection is closed after this, ms. Unbound closes its side after 30 s. */
const IDLE_TIMEOUT_MS = 20_000;

/**
 * A connection on which nothing at all came for this long while a question waited is replaced, ms. It may be dead
 * without a sign, after a restart behind a firewall. To be wrong costs little.
 */
const SILENCE_MS = 1000;

/** TCP to one DNS resolver. */
export class WireConnection {
  readonly #server: ServerAddress;
  readonly #clock: Clock;
  readonly #nudge: (() => Uint8Array) | undefined;
  readonly #random = createRandomBits();
  /** Questions that wait to be sent, in order. */
  #queue = new Set<WireQuestion>();
  #link: WireLink | undefined;
  /** Uncleared questions that may be open at once: any number, unless connections ended without an answer. */
  #window = MAX_IN_FLIGHT;
  #cancelIdle: (() => void) | undefined;
  #cancelClearing: (() => void) | undefined;
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
   * @param query The message behind its two length octets; the id is set here.
   * @param options How to read the answer, and how long to wait for it.
   * @returns What `decode` made of the answer, or why there is none. Never rejects.
   */
  ask<T>(query: Uint8Array, options: AskOptions<T>): Promise<T | WireFailure> {
    return new Promise((resolve) => {
      const { signal, timeout } = options;
      const settle = (result: T | WireFailure): void => {
        question.settled = true;
        cancelTimer();
        signal?.removeEventListener("abort", giveUp);
        resolve(result);
      };
      const question: WireQuestion = {
        query,
        accept(message) {
          try {
            settle(options.decode(message));
            return true;
          } catch (error) {
            settle(failure("malformed", messageOf(error)));
            return false;
          }
        },
        fail: settle,
        settled: false,
        hangUps: 0,
        cleared: false,
        sent: undefined,
      };
      const giveUp = () => this.#giveUp(question, "the caller gave up");
      const expire = () => this.#giveUp(question, `no answer within ${Math.round(timeout)} ms`);
      const cancelTimer = this.#clock.setTimer(expire, timeout);
      signal?.addEventListener("abort", giveUp, { once: true });
      if (signal?.aborted) giveUp();
      else this.#enqueue(question);
    });
  }

  /** Ends the connection. Open questions fail with `unreachable`, and so do later ones. */
  close(): void {
    this.#closed = true;
    this.#cancelClearing?.();
    const link = this.#detach();
    link?.close();
    failAll([...link?.open() ?? [], ...this.#queue], CLOSED);
    this.#queue.clear();
  }

  #enqueue(question: WireQuestion): void {
    if (this.#closed) return question.fail(CLOSED);
    if (this.#queue.size >= MAX_QUEUED) return question.fail(CROWDED);
    this.#queue.add(question);
    this.#pump();
  }

  /** Sends the questions for which there is room. */
  #pump(): void {
    for (const question of this.#queue) {
      const link = this.#link ??= this.#open();
      if (link.inFlight >= MAX_IN_FLIGHT) return;
      if (this.#window < MAX_IN_FLIGHT && link.uncleared >= this.#window) {
        return this.#clearLater();
      }
      this.#queue.delete(question);
      this.#cancelIdle?.();
      this.#cancelIdle = undefined;
      link.send(question);
    }
    if (this.#link === undefined || this.#link.inFlight > 0) return;
    this.#cancelIdle ??= this.#clock.setTimer(() => this.#detach()?.close(), IDLE_TIMEOUT_MS);
  }

  /** Sends more once the open questions cannot be the cause of anything. */
  #clearLater(): void {
    this.#cancelClearing ??= this.#clock.setTimer(() => {
      this.#cancelClearing = undefined;
      this.#link?.clear();
      this.#pump();
    }, CLEARED_MS);
  }

  #open(): WireLink {
    return new WireLink(this.#server, {
      clock: this.#clock,
      random: this.#random,
      nudge: this.#nudge,
      onMessage: (message, link) => this.#receive(message, link),
      onEnd: (why, link) => this.#recover(link, why),
    });
  }

  #receive(message: Uint8Array, link: WireLink): void {
    const taken = link.take(message);
    if (taken === "unasked") return;
    if (taken === "runt") return this.#drop(link, failure("malformed", "Not a DNS message"));
    this.#window = Math.min(this.#window * 2, MAX_IN_FLIGHT);
    if (taken === "unreadable") {
      // The next one may be garbage as well, or look like the answer to another question.
      return this.#drop(link, failure("malformed", "garbage between answers"));
    }
    this.#pump();
  }

  #giveUp(question: WireQuestion, detail: string): void {
    const { sent } = question;
    const silent = sent !== undefined && sent.link.heard === sent.heard &&
      this.#clock.now() - sent.at >= SILENCE_MS;
    question.fail({ ...failure("timeout", detail), silent });
    this.#queue.delete(question);
    const link = sent?.link;
    if (link === undefined || link !== this.#link) return;
    const abandoned = link.abandon();
    if (link.opened && (silent || abandoned > MAX_ABANDONED)) return this.#drop(link);
    this.#pump();
  }

  #drop(link: WireLink, why?: WireFailure): void {
    link.close();
    this.#recover(link, why);
  }

  /**
   * Asks the open questions of a connection that has ended again.
   *
   * @param why What the DNS resolver did, if it did something: a question may then have failed by it.
   */
  #recover(link: WireLink, why?: WireFailure): void {
    this.#detach();
    let open = link.open();
    if (why !== undefined && !link.opened) {
      failAll([...open, ...this.#queue], why);
      return this.#queue.clear();
    }
    if (why !== undefined && !link.hasAnswered) {
      link.clear();
      this.#blame(open, why);
      open = link.open();
    }
    for (const question of open) question.sent = undefined;
    this.#queue = new Set([...open.filter(({ cleared }) => cleared), ...open, ...this.#queue]);
    this.#pump();
  }

  /** After a connection without an answer: narrows down the questions that may be the cause, or fails the only one. */
  #blame(open: readonly WireQuestion[], why: WireFailure): void {
    const suspects = open.filter(({ cleared }) => !cleared);
    const [suspect, another] = suspects;
    if (suspect === undefined) return;
    this.#window = Math.max(1, suspects.length >> 1);
    if (another !== undefined || ++suspect.hangUps < MAX_HANG_UPS) return;
    suspect.fail(why.reason === "malformed" ? why : { ...why, reason: "refused" });
  }

  #detach(): WireLink | undefined {
    const link = this.#link;
    this.#link = undefined;
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    return link;
  }
}

function failAll(questions: readonly WireQuestion[], why: WireFailure): void {
  for (const question of questions) {
    if (!question.settled) question.fail(why);
  }
}
