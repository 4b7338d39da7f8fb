/**
 * The DNS client of the program.
 *
 * It asks all questions on the wire, which shows response code, AD bit and TTL. Only the wire shows that a name has no
 * record, as most names do not, or that a record says the same as before. Either takes one question. A TXT record
 * that is news is read with `Deno.resolveDns`. To ask that first would save the second question, but it says
 * the same for "no record" and for every failure, so every name without a record, and those are by far the most, would
 * take two: measured, 0.2 ms of processor time for each of them instead of 0.04 under load, against 0.15 ms once
 * for each new record. What it does not find in time comes from the wire.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Clock } from "../base/clock.ts";
import { Failover } from "./failover.ts";
import type { Limits } from "./failover.ts";
import { findTxt } from "./find_txt.ts";
import type { ResolveTxt } from "./find_txt.ts";
import type { Question } from "./message.ts";
import { readName, RECORD_READERS } from "./records.ts";
import { ServerList } from "./servers.ts";
import { DNS_FAILURES } from "./types.ts";
import type { DnsAnswer, DnsClient, ResolverState } from "./types.ts";
import type { LookupOptions, RecordData, RecordType, TxtLookupOptions } from "./types.ts";
import { Validation } from "./validation.ts";

/**
 * Time to read a record that the wire has shown, ms. The DNS resolver has it in its cache, and the runtime repeats a
 * lost packet only after 5 s.
 */
const READ_MS = 250;

/** Bounds of the histogram, seconds: from the answer of a near cache to the usual deadlines. */
const SECONDS_BOUNDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10];

/** The types that the daemon asks for. Their counters exist from the start. */
const COUNTED_TYPES: readonly RecordType[] = ["A", "AAAA", "MX", "TLSA", "TXT"];

/** Options of {@link createDnsClient}. */
export interface DnsClientOptions {
  /** `address:port`, in order of preference. If empty, those of resolv.conf are used. */
  readonly servers: readonly string[];
  /** File that names the DNS resolvers if `servers` is empty. @default {"/etc/resolv.conf"} */
  readonly resolvConfPath?: string;
  /** Time limit of one question, all attempts included, ms. */
  readonly timeout: number;
  /** The question that shows whether a DNS resolver validates, as `type:name`; the root is `.`. */
  readonly dnssecProbe: string;
  /** Times questions, and bounds every wait. */
  readonly clock: Clock;
  /** Where changes of a DNS resolver are logged, and at level `debug` each question. */
  readonly log: Log;
  /** Where questions and DNS resolvers that are down are counted. */
  readonly metrics: Metrics;
  /** Reads the TXT records that are news. @default {Deno.resolveDns} */
  readonly resolveTxt?: ResolveTxt;
}

/**
 * Creates the client. Asks nothing yet.
 *
 * @throws {TypeError} If the address of a server or the probe does not have its form.
 */
export function createDnsClient(options: DnsClientOptions): DnsClient {
  const { servers, validation } = createServers(options);
  const lookups = new Lookups(options, { servers, validation });

  function resolvers(): readonly ResolverState[] {
    return servers.all().map((server) => ({
      server: server.label,
      ...server.transport.state(),
      validates: validation.stateOf(server),
    }));
  }

  return {
    lookup: (name, type, how) => lookups.lookup(name, type, how),
    lookupTxt: (name, how) => lookups.lookupTxt(name, how),
    probe: () => validation.probeAll(),
    validates: () => validation.overall(),
    async inspect(): Promise<readonly ResolverState[]> {
      await Promise.all(servers.all().map(({ transport }) => transport.inspect()));
      return resolvers();
    },
    resolvers,
    servers: () => servers.all().map(({ label }) => label),
    close: () => servers.close(),
  };
}

/** The list of DNS resolvers and the probes of them, which need each other. */
interface Servers {
  readonly servers: ServerList;
  readonly validation: Validation;
}

function createServers(options: DnsClientOptions): Servers {
  const validation = new Validation({
    ...options,
    servers: () => servers.all(),
    question: parseProbe(options.dnssecProbe),
    text: options.dnssecProbe,
  });
  const servers = new ServerList({
    ...options,
    resolvConfPath: options.resolvConfPath ?? "/etc/resolv.conf",
    onRenewed: (server) => validation.renew(server),
  });
  options.metrics.gaugeFn(
    "mta_sts_dns_resolvers_validating",
    "DNS resolvers known to validate DNSSEC.",
    () => servers.all().filter((server) => validation.stateOf(server)).length,
  );
  return { servers, validation };
}

/** Asks questions, and counts what came of them. */
class Lookups {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #resolveTxt: ResolveTxt;
  readonly #servers: ServerList;
  readonly #failover: Failover;
  readonly #observe: ReturnType<typeof createObserver>;

  constructor(options: DnsClientOptions, { servers, validation }: Servers) {
    this.#clock = options.clock;
    this.#timeout = options.timeout;
    this.#resolveTxt = options.resolveTxt ?? ((name, how) => Deno.resolveDns(name, "TXT", how));
    this.#servers = servers;
    this.#failover = new Failover(servers, { clock: options.clock, validation });
    this.#observe = createObserver(options);
  }

  async lookup<T extends RecordType>(
    text: string,
    type: T,
    { signal, validated = false }: LookupOptions = {},
  ): Promise<DnsAnswer<RecordData[T]>> {
    const name = readName(text);
    if (name === undefined) return IMPOSSIBLE;
    const started = this.#clock.now();
    const question: Question<T> = { name, type };
    const deadline = started + this.#timeout;
    const answer = await this.#failover.ask(question, { deadline, signal, validated });
    this.#observe(question, answer, started);
    return answer;
  }

  async lookupTxt(
    text: string,
    { signal, isNews = () => true }: TxtLookupOptions = {},
  ): Promise<DnsAnswer<string>> {
    const name = readName(text);
    if (name === undefined) return IMPOSSIBLE;
    const started = this.#clock.now();
    const question: Question<"TXT"> = { name, type: "TXT" };
    const deadline = started + this.#timeout;
    const shown = await this.#failover.ask(question, { deadline, signal });
    const answer = shown.kind === "found" && isNews(shown.records)
      ? await this.#readTxt(name, shown, { deadline, signal })
      : shown;
    this.#observe(question, answer, started);
    return answer;
  }

  /** @returns The answer with the records that `Deno.resolveDns` finds, or as the wire has shown it. */
  async #readTxt(
    name: string,
    shown: Found,
    { deadline, signal }: Limits,
  ): Promise<DnsAnswer<string>> {
    const [server] = this.#servers.candidates(new Set());
    if (server === undefined) return shown;
    const records = await findTxt(name, {
      resolveTxt: this.#resolveTxt,
      server: server.address,
      clock: this.#clock,
      timeout: Math.min(deadline - this.#clock.now(), READ_MS),
      signal,
    });
    return records.length === 0 ? shown : { ...shown, records };
  }
}

type Found = Extract<DnsAnswer<string>, { kind: "found" }>;

/** A name that DNS cannot hold, such as one of more than 253 octets, does not exist. */
const IMPOSSIBLE = { kind: "nxdomain", secure: false, validated: true, ttl: 0 } as const;

/** Declares the metrics. @returns A function that counts and logs an answer; `started` is in ms of the clock. */
function createObserver({ clock, log, metrics }: DnsClientOptions) {
  const results = ["found", "nodata", "nxdomain", ...DNS_FAILURES];
  const questions = metrics.counter(
    "mta_sts_dns_questions_total",
    "Questions to DNS resolvers, by type and result.",
    ["type", "result"],
  );
  for (const type of COUNTED_TYPES) {
    for (const result of results) questions.cell(type, result);
  }
  const seconds = metrics.histogram(
    "mta_sts_dns_seconds",
    "Time from a question to its answer, all attempts included.",
    SECONDS_BOUNDS,
    ["type"],
  );
  return ({ name, type }: Question, answer: DnsAnswer<unknown>, started: number): void => {
    const ms = clock.now() - started;
    const result = answer.kind === "failed" ? answer.reason : answer.kind;
    questions.cell(type, result).value++;
    seconds.observe(ms / 1000, type);
    if (!log.enabled("debug")) return;
    const detail = answer.kind === "failed" ? answer.detail : undefined;
    log.debug("dns question", { type, name, result, ms: Math.round(ms), detail });
  };
}

/** Reads the probe in the form that Postfix uses for it (`dnssec_probe`). */
function parseProbe(text: string): Question {
  const [, type, owner] = /^([A-Za-z]+):(.+)$/.exec(text) ?? [];
  const name = readName(owner ?? "");
  if (type === undefined || name === undefined || !isRecordType(type.toUpperCase())) {
    throw new TypeError(`Not a question of the form type:name: '${text}'`);
  }
  return { name, type: type.toUpperCase() as RecordType };
}

function isRecordType(text: string): text is RecordType {
  return Object.hasOwn(RECORD_READERS, text);
}
