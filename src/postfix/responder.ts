/**
 * From a request to its reply: the map name selects the zone, the key becomes a next hop, the
 * resolver decides, and the answer is printed.
 *
 * A map of ready replies by request comes first, so that a repeated query costs one lookup. Nothing
 * has to be removed from it: a ready reply carries the time until which the answer may be repeated,
 * and the resolver's token, which turns invalid if the answer changes earlier.
 *
 * @module
 */

import type { Zone } from "../resolver/zone.ts";
import type { Cell, Metrics } from "../base/metrics.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/clock.ts";
import { stackOf } from "../base/error_text.ts";
import { formatNextHop, type NextHop, readKey } from "../sts/domain.ts";
import { FAILED_REPLY, type Handler } from "./connection.ts";
import { encodeNetstring } from "./netstring.ts";
import { areWords, foldCase, hashOctets, type Octets, toWords, viewOf } from "./octets.ts";
import { formatTemp, NOTFOUND_REPLY, parseRequest } from "./socketmap.ts";
import type { Answer, Resolution } from "../resolver/types.ts";
import { formatAnswer } from "./tls_policy.ts";
import { whyItWaits } from "./why_it_waits.ts";
import type { WhyItWaits } from "./why_it_waits.ts";

/** What the responder needs of a `Resolution`: the answer, and for how long it may be repeated. */
export type Resolved =
  & Pick<Resolution, "answer" | "until" | "token">
  & Partial<Pick<Resolution, "outcome" | "mode" | "exception">>;

/** A reply that is not a ready one, for the log of answers and the record of what is deferred. */
export interface WorkedOutReply {
  /** The next hop in Postfix's form, or the key as received if it is none: unchecked remote text then. */
  readonly key: string;
  /** The policy domain; `undefined` if the key is no next hop. */
  readonly domain: string | undefined;
  /** The zone that the map name selects. */
  readonly zone: Zone;
  /** The payload that Postfix gets. */
  readonly text: string;
  /** What the resolver said; `undefined` if it was not asked, or failed. */
  readonly resolved: Resolved | undefined;
  /** What Postfix asks about; `undefined` if the key is no next hop. */
  readonly nextHop?: NextHop;
  /** Why the mail waits, if it does, as far as that can be known here. */
  readonly waits?: WhyItWaits;
}

/** How often each answer was given for a domain. */
export type Tally = Record<Answer["kind"], number>;

/** A reply that can be sent as it is, as long as its answer may be repeated. */
export interface ReadyReply extends Pick<Resolved, "until" | "token"> {
  /** The request with its key in lower case, as words. */
  readonly request: Int32Array;
  /** The framed reply. */
  readonly bytes: Uint8Array;
  /** Counts the queries with this answer. */
  readonly cell: Cell;
  /** How often it was sent since its uses were last added to the tally of its domain. */
  uses: number;
  /** The answer under which its uses are counted. */
  readonly answer: Answer["kind"];
  /** Of its domain; `undefined` if nobody wants to know. */
  readonly tally: Tally | undefined;
}

/** What {@link createResponder} works with. */
export interface ResponderOptions {
  /** Decides; returns a promise if something has to be looked up first. */
  resolve(nextHop: NextHop, zone: Zone): Resolved | Promise<Resolved>;
  /** The zone of a map name; every name has one. */
  zoneFor(mapName: string): Zone;
  /** The time up to which a ready reply may be used. */
  readonly clock: Pick<Clock, "now">;
  /** Where bugs are logged. */
  readonly log: Log;
  /** Where queries are counted. */
  readonly metrics: Metrics;
  /** The tally of a domain, to be counted in. */
  readonly tallyOf?: (domain: string) => Tally;
  /** A bounded map by the hash of the request. Of two requests with the same hash it holds the later one. */
  readonly readyReplies: {
    get(hash: number): ReadyReply | undefined;
    set(hash: number, reply: ReadyReply): void;
  };
  /** Hears of each reply that is not a ready one, without those for parent domains; must not throw. */
  onReply?(reply: WorkedOutReply): void;
}

/** Octets of the longest request with a ready reply: a domain name (253), brackets, port, a short map name. */
const READY_REQUEST_MAX_BYTES = 300;

/**
 * Octets of the longest ready reply: one for a policy with dozens of MX hosts. A longer one is printed
 * each time, so that a huge policy cannot displace the replies for other domains.
 */
const READY_REPLY_MAX_BYTES = 4096;

/** What a ready reply takes beyond its request and its bytes: objects, buffers, its place in the map. */
const READY_REPLY_OVERHEAD_BYTES = 520;

/** Upper bounds of the histogram, seconds: a DNS answer, an HTTPS fetch, the usual deadline. */
const SECONDS_BOUNDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 20];

const SPACE = 0x20;
const DOT = 0x2e;
const NOTFOUND = encodeNetstring(NOTFOUND_REPLY);

/** About how many octets a ready reply takes in memory. */
export function readyReplyOctets({ request, bytes }: ReadyReply): number {
  return READY_REPLY_OVERHEAD_BYTES + request.byteLength + bytes.byteLength;
}

/** Adds the uses of a ready reply to the tally of its domain, once: before it is dropped, or the tally read. */
export function settleUses(ready: ReadyReply): void {
  if (ready.tally !== undefined) ready.tally[ready.answer] += ready.uses;
  ready.uses = 0;
}

/** A request that the resolver has to decide. */
interface Query {
  readonly hash: number;
  /** With its key in lower case, as words; `undefined` if it is too long for a ready reply. */
  readonly request: Int32Array | undefined;
  readonly zone: Zone;
  readonly nextHop: NextHop;
}

/** Creates the handler of Postfix's requests. */
export function createResponder(options: ResponderOptions): Handler {
  const responder = new Responder(options);
  return (request, now) => responder.respond(request, now);
}

class Responder {
  readonly #options: ResponderOptions;
  readonly #readyReplies: ResponderOptions["readyReplies"];
  readonly #meters: ReturnType<typeof createMeters>;
  /** Postfix keeps the case of a next hop as written; a ready reply answers all spellings. */
  readonly #folded = scratch(READY_REQUEST_MAX_BYTES);

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#readyReplies = options.readyReplies;
    this.#meters = createMeters(options.metrics);
  }

  respond(request: Octets, now: number): Uint8Array | Promise<Uint8Array> {
    const hash = hashOctets(request);
    const ready = this.#findReady(request, hash, now);
    if (ready !== undefined) return ready;
    const start = startOfKey(request);
    if (start < request.to && request.bytes[start] === DOT) {
      this.#meters.parentQueries.value++;
      return NOTFOUND;
    }
    const lower = foldCase(request, { start, into: this.#folded });
    if (lower === undefined) return this.#resolve(request, hash, now);
    const lowerHash = hashOctets(lower);
    return this.#findReady(lower, lowerHash, now) ?? this.#resolve(lower, lowerHash, now);
  }

  #findReady(request: Octets, hash: number, now: number): Uint8Array | undefined {
    const ready = this.#readyReplies.get(hash);
    if (ready === undefined || now >= ready.until || !ready.token.valid) return undefined;
    if (!areWords(request, ready.request)) return undefined;
    ready.cell.value++;
    ready.uses++;
    this.#meters.readyUsed.value++;
    return ready.bytes;
  }

  #resolve(octets: Octets, hash: number, now: number): Uint8Array | Promise<Uint8Array> {
    const { mapName, key } = parseRequest(octets);
    const zone = this.#options.zoneFor(mapName);
    const reading = readKey(key);
    if (reading.kind !== "next-hop") {
      this.#meters.queries.cell(zone.name, "notfound").value++;
      this.#tell({ key, domain: undefined, zone, text: NOTFOUND_REPLY, resolved: undefined });
      return NOTFOUND;
    }
    const isShort = octets.to - octets.from <= READY_REQUEST_MAX_BYTES;
    const request = isShort ? toWords(octets) : undefined;
    const query: Query = { hash, request, zone, nextHop: reading.nextHop };
    try {
      const resolution = this.#options.resolve(query.nextHop, zone);
      return resolution instanceof Promise
        ? this.#wait(resolution, query, now)
        : this.#finish(resolution, query);
    } catch (error) {
      return this.#fail(error, query);
    }
  }

  async #wait(
    resolution: Promise<Resolved>,
    query: Query,
    since: number,
  ): Promise<Uint8Array> {
    try {
      return this.#finish(await resolution, query);
    } catch (error) {
      return this.#fail(error, query);
    } finally {
      this.#meters.seconds.observe((this.#options.clock.now() - since) / 1000);
    }
  }

  #finish(resolved: Resolved, query: Query): Uint8Array {
    const { answer, until, token } = resolved;
    const { hash, request, zone, nextHop } = query;
    const text = formatAnswer(answer, zone);
    const bytes = encodeNetstring(text);
    // An answer that cannot be printed defers the mail, so it counts as deferred.
    const word = text.startsWith("TEMP ") ? "temp" : answer.kind;
    const cell = this.#meters.queries.cell(zone.name, word);
    cell.value++;
    const tally = this.#options.tallyOf?.(nextHop.domain);
    if (tally !== undefined) tally[word]++;
    const waits = whyItWaits(answer, { text, domain: nextHop.domain });
    const key = formatNextHop(nextHop);
    this.#tell({ key, domain: nextHop.domain, nextHop, zone, text, resolved, waits });
    // Not kept ready: every query that makes mail wait must be recorded, with the reason.
    if (waits !== undefined) return bytes;
    const isSmall = bytes.length <= READY_REPLY_MAX_BYTES;
    if (request !== undefined && isSmall && until > this.#options.clock.now()) {
      const replaced = this.#readyReplies.get(hash);
      if (replaced !== undefined) settleUses(replaced);
      const ready = { request, bytes, until, token, cell, uses: 0, answer: word, tally };
      this.#readyReplies.set(hash, ready);
    }
    return bytes;
  }

  #tell(reply: WorkedOutReply): void {
    this.#options.onReply?.(reply);
  }

  /** Answers in spite of a bug: the mail waits until the bug is fixed. */
  #fail(error: unknown, { zone, nextHop }: Query): Uint8Array {
    const { domain } = nextHop;
    this.#options.log.error("query failed", { domain, error: stackOf(error) });
    this.#meters.queries.cell(zone.name, "temp").value++;
    const tally = this.#options.tallyOf?.(domain);
    if (tally !== undefined) tally.temp++;
    const reason = "internal error";
    this.#tell({
      key: formatNextHop(nextHop),
      domain,
      nextHop,
      zone,
      text: formatTemp(reason),
      resolved: undefined,
      waits: { cause: "bug", reason },
    });
    return FAILED_REPLY;
  }
}

function createMeters(metrics: Metrics) {
  return {
    queries: metrics.counter(
      "mta_sts_queries_total",
      "Queries by zone and answer, without those for parent domains.",
      ["zone", "answer"],
    ),
    parentQueries: metrics.counter(
      "mta_sts_parent_queries_total",
      "Queries for parent domains (.example.com), which have no policy by definition.",
    ).cell(),
    readyUsed: metrics.counter(
      "mta_sts_ready_replies_total",
      "Queries answered with a ready reply, without asking the resolver.",
    ).cell(),
    seconds: metrics.histogram(
      "mta_sts_query_seconds",
      "Time to answer queries that had to wait for DNS or HTTPS; the others are answered at once.",
      SECONDS_BOUNDS,
    ),
  };
}

/** Where the key begins, after the first space; the end of the request if it has none. */
function startOfKey({ bytes, from, to }: Octets): number {
  const space = bytes.indexOf(SPACE, from);
  return space < 0 ? to : Math.min(space + 1, to);
}

/** Octets to write into. */
function scratch(length: number): Octets {
  const bytes = new Uint8Array(length);
  return { bytes, view: viewOf(bytes), from: 0, to: length };
}
