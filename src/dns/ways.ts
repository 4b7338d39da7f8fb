/**
 * UDP and TCP to one DNS resolver: what is known of each, and the search for a sign of life.
 *
 * A sign of life is asked for both ways. If it comes over TCP alone, UDP counts as shut for a while. If it comes
 * only without EDNS, EDNS counts as dropped (RFC 6891 §6.2.2). If none comes, the DNS resolver is down.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { EdnsMemory } from "./edns.ts";
import { failure } from "./exchange.ts";
import { encodeQuestion } from "./message.ts";
import type { Question } from "./message.ts";
import type { ServerAddress } from "./resolv_conf.ts";
import type { WayState } from "./types.ts";
import { UdpQuestions } from "./udp_questions.ts";
import type { UdpAskOptions } from "./udp_questions.ts";
import { WireConnection } from "./wire_connection.ts";

/** Without recursion, this needs nobody else: a DNS resolver answers from memory, or refuses, at once. */
const ROOT: Question = { name: "", type: "NS" };

/** Time for a sign of life over UDP, ms. It is asked for twice within this time. */
const UDP_SIGN_MS = 600;

/** Time for one over UDP without EDNS, ms. It is asked for once, when the one with EDNS is repeated, so none is slower. */
const PLAIN_SIGN_MS = 300;

/** Time for one over TCP, ms, unless the connection is refused: a busy DNS resolver is not down. */
const TCP_SIGN_MS = 1500;

/** A way that was shut is tried again after this, ms, beside the questions. */
const RETRY_MS = 5 * 60_000;

/** What the ways work with, and who hears what they learn. */
export interface WaysOptions {
  /** Bounds every wait, and decides when a way that was shut is tried again. */
  readonly clock: Clock;
  /** TCP alone. */
  readonly usesTcp: boolean;
  /** No sign of life comes. `detail` is one line. */
  onDown(detail: string): void;
  /** UDP or EDNS works no more, or again. */
  onChange(what: "udp" | "edns", works: boolean): void;
}

/** The ways to one DNS resolver. */
export class Ways {
  /** Questions over UDP. */
  readonly udp: UdpQuestions;
  /** Questions over TCP. */
  readonly tcp: WireConnection;
  /** Whether to ask with EDNS. */
  readonly edns: EdnsMemory;
  readonly #server: ServerAddress;
  readonly #options: WaysOptions;
  /** Sockets for signs with and without EDNS, apart, so that they do not count as heard. */
  #signs: UdpQuestions | undefined;
  #udpState: WayState = "unknown";
  #tcpState: WayState = "unknown";
  /** When UDP was last found shut, ms of the clock; `undefined` if it is not. */
  #udpShutAt: number | undefined;
  /** When TCP was last tried, ms of the clock. */
  #tcpTriedAt = -Infinity;
  #looking: Promise<boolean> | undefined;
  #closed = false;

  /** Opens nothing yet. */
  constructor(server: ServerAddress, options: WaysOptions) {
    this.#server = server;
    this.#options = options;
    this.udp = new UdpQuestions(server, options);
    const nudge = () => encodeQuestion(ROOT, { recursionDesired: false, edns: false });
    this.tcp = new WireConnection(server, { ...options, nudge });
    this.edns = new EdnsMemory({
      clock: options.clock,
      onChange: (works) => options.onChange("edns", works),
      retry: () => this.#isHeard({ edns: true }).then((isHeard) => isHeard && this.edns.accept()),
    });
    if (options.usesTcp) this.#udpState = "off";
  }

  /** What is known of UDP, TCP and EDNS. */
  state(): { readonly udp: WayState; readonly tcp: WayState; readonly edns: boolean } {
    return { udp: this.#udpState, tcp: this.#tcpState, edns: this.edns.works };
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether to ask over UDP. If it was shut for long enough, looks beside the questions whether it still is. */
  speaksUdp(): boolean {
    if (this.#options.usesTcp) return false;
    if (this.#udpShutAt === undefined) return true;
    const now = this.#options.clock.now();
    if (now - this.#udpShutAt < RETRY_MS) return false;
    this.#udpShutAt = now;
    this.#look("udp");
    return false;
  }

  /** Whether TCP is known to work. If that is not known, looks beside the questions. */
  knowsTcp(): boolean {
    if (this.#tcpState === "answers") return true;
    const now = this.#options.clock.now();
    if (now - this.#tcpTriedAt >= RETRY_MS) {
      this.#tcpTriedAt = now;
      this.#look("tcp");
    }
    return false;
  }

  /** Notes that an answer came over UDP or TCP. */
  noteAnswer(way: "udp" | "tcp"): void {
    if (way === "udp") this.#udpState = "answers";
    else this.#tcpState = "answers";
  }

  /** Notes that TCP failed where UDP may work. It is tried again later. */
  leaveTcp(): void {
    this.#tcpState = "no answer";
    this.#tcpTriedAt = this.#options.clock.now();
  }

  /** Looks for a sign of life, both ways. @returns Whether one came. Never rejects. */
  look(): Promise<boolean> {
    return this.#looking ??= this.#lookNow().finally(() => this.#looking = undefined);
  }

  /** Looks whether UDP works and whether TCP works, and returns when both are known. Never rejects. */
  async inspect(): Promise<void> {
    const [overUdp, overTcp] = await Promise.all([this.#look("udp"), this.#look("tcp")]);
    if (overUdp !== undefined && overTcp === undefined) this.shutUdp();
  }

  /** Notes that only TCP answers; what was asked over UDP is asked over TCP. */
  shutUdp(): void {
    if (this.#options.usesTcp) return;
    if (this.#udpShutAt === undefined) this.#options.onChange("udp", false);
    this.#udpShutAt = this.#options.clock.now();
    this.udp.failAll({ kind: "shut" });
  }

  /** Notes that neither way works. `detail` is one line. */
  goDown(detail: string): void {
    this.#udpShutAt = undefined;
    this.udp.failAll(failure("unreachable", detail));
    this.#options.onDown(detail);
  }

  /** Closes everything. Open questions fail with `unreachable`, and so do later ones. */
  close(): void {
    this.#closed = true;
    this.udp.close();
    this.tcp.close();
    this.#signs?.close();
  }

  async #lookNow(): Promise<boolean> {
    const { heard } = this.udp;
    const overTcp = this.#look("tcp");
    let plain = Promise.resolve(false);
    const onQuiet = () => {
      if (this.edns.isAsked()) plain = this.#isHeard({ edns: false });
    };
    if (!this.#options.usesTcp && await this.#look("udp", onQuiet) === undefined) return true;
    const why = await overTcp;
    const isPlainHeard = await plain;
    if (this.#closed) return false;
    // It may have come late.
    if (this.udp.heard > heard) return true;
    if (why === undefined) this.shutUdp();
    else if (isPlainHeard) this.#dropEdns();
    else this.goDown(why);
    return why === undefined || isPlainHeard;
  }

  /** Notes that EDNS is dropped both ways; what was asked over UDP with it fails, and is asked again without. */
  #dropEdns(): void {
    this.#openUdp();
    this.edns.drop();
    this.udp.failAll(failure("timeout", "no answer to questions with EDNS"));
  }

  /** Whether a sign of life comes over UDP, asked for once, with or without EDNS. Never rejects. */
  async #isHeard({ edns }: { edns: boolean }): Promise<boolean> {
    if (this.#closed) return false;
    const signs = this.#signs ??= new UdpQuestions(this.#server, this.#options);
    const query = encodeQuestion(ROOT, { recursionDesired: false, edns });
    const outcome = await signs.ask(query, {
      decode: () => "alive" as const,
      timeout: PLAIN_SIGN_MS,
    });
    return outcome === "alive" || outcome.kind === "truncated";
  }

  /** Asks for a sign of life one way; `onQuiet` as in {@link UdpAskOptions}. @returns Why none came; `undefined` if one did. */
  async #look(
    way: "udp" | "tcp",
    onQuiet?: UdpAskOptions<unknown>["onQuiet"],
  ): Promise<string | undefined> {
    if (way === "udp" && this.#options.usesTcp) return undefined;
    const query = encodeQuestion(ROOT, { recursionDesired: false, edns: this.edns.isAsked() });
    const decode = () => "alive" as const;
    const heard = this.udp.heard;
    const outcome = way === "udp"
      ? await this.udp.ask(query, { decode, timeout: UDP_SIGN_MS, onQuiet })
      : await this.tcp.ask(query, { decode, timeout: TCP_SIGN_MS });
    // Over UDP, any datagram is a sign, a truncated one included.
    if (outcome === "alive" || (way === "udp" && this.udp.heard > heard)) {
      if (way === "tcp") this.#tcpState = "answers";
      else this.#openUdp();
      return undefined;
    }
    if (way === "tcp") this.#tcpState = "no answer";
    else this.#udpState = "no answer";
    return "detail" in outcome ? outcome.detail : "no answer over UDP";
  }

  #openUdp(): void {
    this.#udpState = "answers";
    if (this.#udpShutAt === undefined) return;
    this.#udpShutAt = undefined;
    this.#options.onChange("udp", true);
  }
}
