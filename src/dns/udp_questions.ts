/**
 * Questions to one DNS resolver over UDP.
 *
 * A datagram may be lost, so a question is sent again, soon at first and then less often, with the
 * same id from the same port: a late answer to any copy answers all of them. We read only what comes from the address
 * of the DNS resolver to the right port with the right id (RFC 5452 §9.1); the decoder checks the question in it. The
 * letters of a name keep their case ("0x20" is not used): the small DNS resolvers that speak UDP alone are the ones
 * that would not return it unchanged, and nobody else may be on the path to one whose AD bit counts.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { CLOSED, CROWDED, failure, HEADER_BYTES, MAX_IN_FLIGHT, MAX_QUEUED } from "./exchange.ts";
import type { AskOptions, WireFailure } from "./exchange.ts";
import type { ServerAddress } from "./resolv_conf.ts";
import type { Port } from "./udp_ports.ts";
import { UdpPorts } from "./udp_ports.ts";

/**
 * When a question is sent again, ms after the last time. A loss costs a third of a second, and a DNS resolver that
 * waits for slow name servers gets four datagrams in all.
 */
const REPEAT_MS = [300, 600, 1200];

/** Unused sockets are closed after this, ms. */
const IDLE_TIMEOUT_MS = 20_000;

/** Octet of the header with the TC bit, and the bit. */
const FLAGS_AT = 2;
const TRUNCATED = 0x02;

/** Why there is no answer: as over TCP, or because it was truncated, or because UDP is shut and TCP must be used. */
export type UdpFailure = WireFailure | { readonly kind: "truncated" } | { readonly kind: "shut" };

/** Options of {@link UdpQuestions.ask}. */
export interface UdpAskOptions<T> extends AskOptions<T> {
  /** The question is sent again, and the DNS resolver has sent nothing at all since it was first sent. */
  readonly onQuiet?: (() => void) | undefined;
}

interface Pending {
  readonly message: Uint8Array;
  readonly deadline: number;
  readonly accept: (message: Uint8Array) => void;
  readonly fail: (why: UdpFailure) => void;
  readonly expire: () => void;
  readonly onQuiet: (() => void) | undefined;
  cancelTimer: () => void;
  /** The port and id it was sent with, and how many datagrams had come by then. */
  sent: { readonly port: Port<Pending>; readonly id: number; readonly heard: number } | undefined;
  repeats: number;
}

/** The questions to one DNS resolver. */
export class UdpQuestions {
  readonly #clock: Clock;
  readonly #ports: UdpPorts<Pending>;
  readonly #queue = new Set<Pending>();
  readonly #inFlight = new Set<Pending>();
  /** Datagrams received, whatever was in them. */
  #heard = 0;
  #cancelIdle: (() => void) | undefined;
  #lastUsed = 0;
  #closed = false;

  /** Opens nothing yet. */
  constructor(server: ServerAddress, { clock }: { clock: Clock }) {
    this.#clock = clock;
    const onMessage = (message: Uint8Array, port: Port<Pending>) => this.#receive(message, port);
    this.#ports = new UdpPorts(server, { clock, onMessage });
  }

  /** Datagrams received from the DNS resolver so far. */
  get heard(): number {
    return this.#heard;
  }

  /**
   * Asks a question.
   *
   * @param query The message behind its two length octets, as for TCP; the id is set here.
   * @param options How to read the answer, and how long to wait for it.
   * @returns What `decode` made of the answer, or why there is none. Never rejects.
   */
  ask<T>(query: Uint8Array, options: UdpAskOptions<T>): Promise<T | UdpFailure> {
    return new Promise((resolve) => {
      const { signal, timeout } = options;
      const settle = (result: T | UdpFailure): void => {
        pending.cancelTimer();
        signal?.removeEventListener("abort", giveUp);
        this.#forget(pending);
        resolve(result);
        this.#pump();
      };
      const pending: Pending = {
        message: query.subarray(2),
        deadline: this.#clock.now() + timeout,
        accept(message) {
          try {
            settle(options.decode(message));
          } catch (error) {
            settle(failure("malformed", messageOf(error)));
          }
        },
        fail: settle,
        expire: () => settle(failure("timeout", `no answer within ${Math.round(timeout)} ms`)),
        onQuiet: options.onQuiet,
        cancelTimer: () => {},
        sent: undefined,
        repeats: 0,
      };
      const giveUp = () => settle(failure("timeout", "the caller gave up"));
      if (signal?.aborted) return giveUp();
      if (this.#closed) return settle(CLOSED);
      if (this.#queue.size >= MAX_QUEUED) return settle(CROWDED);
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#queue.add(pending);
      this.#pump();
      if (pending.sent === undefined) this.#arm(pending);
    });
  }

  /** Settles all questions under way with this failure. */
  failAll(why: UdpFailure): void {
    for (const pending of [...this.#inFlight, ...this.#queue]) pending.fail(why);
  }

  /** Closes all sockets. Open questions fail with `unreachable`, and so do later ones. */
  close(): void {
    this.#closed = true;
    this.failAll(CLOSED);
    this.#ports.close();
    this.#cancelIdle?.();
  }

  /** Sends the questions for which there is room. */
  #pump(): void {
    for (const pending of this.#queue) {
      if (this.#inFlight.size >= MAX_IN_FLIGHT || this.#closed) return;
      this.#queue.delete(pending);
      this.#inFlight.add(pending);
      const { port, id } = this.#ports.take(pending);
      pending.message[0] = id >> 8;
      pending.message[1] = id & 0xff;
      pending.sent = { port, id, heard: this.#heard };
      this.#send(pending, port);
    }
  }

  #send(pending: Pending, port: Port<Pending>): void {
    this.#lastUsed = this.#clock.now();
    this.#cancelIdle ??= this.#clock.setTimer(() => this.#closeIdle(), IDLE_TIMEOUT_MS);
    pending.cancelTimer();
    this.#arm(pending);
    port.send(pending.message, () => {
      // UDP does not get there, or not now. TCP will show.
      if (this.#inFlight.has(pending)) pending.fail({ kind: "shut" });
    });
  }

  /** Sets the timer for the next repetition or for the end, whichever comes first. */
  #arm(pending: Pending): void {
    const left = pending.deadline - this.#clock.now();
    const repeat = pending.sent === undefined ? undefined : REPEAT_MS[pending.repeats];
    pending.cancelTimer = repeat === undefined || repeat >= left
      ? this.#clock.setTimer(pending.expire, left)
      : this.#clock.setTimer(() => this.#repeat(pending), repeat);
  }

  #repeat(pending: Pending): void {
    const { sent } = pending;
    if (sent === undefined) return;
    pending.repeats++;
    this.#send(pending, sent.port);
    if (sent.heard === this.#heard) pending.onQuiet?.();
  }

  #receive(message: Uint8Array, port: Port<Pending>): void {
    this.#heard++;
    if (message.length < HEADER_BYTES) return;
    const pending = port.questions.get(message[0]! << 8 | message[1]!);
    if (pending === undefined) return;
    if ((message[FLAGS_AT]! & TRUNCATED) !== 0) pending.fail({ kind: "truncated" });
    else pending.accept(message);
  }

  #forget(pending: Pending): void {
    this.#queue.delete(pending);
    this.#inFlight.delete(pending);
    if (pending.sent !== undefined) this.#ports.release(pending.sent.port, pending.sent.id);
  }

  #closeIdle(): void {
    const idle = this.#clock.now() - this.#lastUsed;
    if (this.#inFlight.size === 0 && idle >= IDLE_TIMEOUT_MS) {
      this.#cancelIdle = undefined;
      return this.#ports.close();
    }
    const wait = Math.max(IDLE_TIMEOUT_MS - idle, 1000);
    this.#cancelIdle = this.#clock.setTimer(() => this.#closeIdle(), wait);
  }
}
