/**
 * The DNS client of the program.
 *
 * All questions are asked on the wire, where response code, AD bit and TTL can be seen: that a name has
 * no record, as most names do not, is known from there alone, and so is that a record says what it said
 * before. Either is asked once. A TXT record that is news is read with `Deno.resolveDns`. Asked first it would
 * save that second question, but it says the same for "no record" and for every failure, so that all
 * names without a record, the most by far, would be asked for twice: measured, 0.2 ms of CPU time for each
 * instead of 0.04 under load, against 0.15 ms once for each new record. What it does not find in time is taken
 * from the wire.
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
 * How long a record that the wire has shown may take to be read, ms: the resolver has it in its cache, and a
 * packet that is lost is repeated after 5 s only.
 */
const READ_MS = 250;

/** Bounds of the histogram, seconds: from an answer out of a near cache to the usual deadlines. */
const SECONDS_BOUNDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10];

/** The types asked for in operation; their counters exist from the start. */
const COUNTED_TYPES: readonly RecordType[] = ["A", "AAAA", "MX", "TLSA", "TXT"];

/** Options of {@link createDnsClient}. */
export interface DnsClientOptions {
  /** `address:port`, in order of preference; empty: those of resolv.conf. */
  readonly servers: readonly string[];
  /** @default {"/etc/resolv.conf"} */
  readonly resolvConfPath?: string;
  /** What one question may take in all, ms. */
  readonly timeout: number;
  /** The question that shows whether the resolver validates, as `type:name`; the root is `.`. */
  readonly dnssecProbe: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** @default {Deno.resolveDns} */
  readonly resolveTxt?: ResolveTxt;
}

/**
 * Creates the client. Nothing is asked yet.
 *
 * @throws {TypeError} If a server's address or the probe is not of its form.
 */
export function createDnsClient(options: DnsClientOptions): DnsClient {
  const { clock, timeout, resolvConfPath = "/etc/resolv.conf" } = options;
  const { resolveTxt = (name, how) => Deno.resolveDns(name, "TXT", how) } = options;
  const validation = new Validation({
    ...options,
    servers: () => servers.all(),
    question: parseProbe(options.dnssecProbe),
    text: options.dnssecProbe,
  });
  const servers = new ServerList({
    ...options,
    resolvConfPath,
    onRenewed: (server) => validation.renew(server),
  });
  const failover = new Failover(servers, { clock, validation });
  const observe = createObserver(options);
  options.metrics.gaugeFn(
    "mta_sts_dns_resolvers_validating",
    "Resolvers known to validate DNSSEC.",
    () => servers.all().filter((server) => validation.stateOf(server)).length,
  );

  async function ask<T extends RecordType>(
    question: Question<T>,
    { started, signal, validated }: { started: number } & LookupOptions,
  ): Promise<DnsAnswer<RecordData[T]>> {
    const answer = await failover.ask(question, {
      deadline: started + timeout,
      signal,
      validated: validated ?? false,
    });
    observe(question, answer, started);
    return answer;
  }

  async function lookup<T extends RecordType>(
    text: string,
    type: T,
    lookupOptions: LookupOptions = {},
  ): Promise<DnsAnswer<RecordData[T]>> {
    const name = readName(text);
    return name === undefined
      ? IMPOSSIBLE
      : await ask({ name, type }, { ...lookupOptions, started: clock.now() });
  }

  async function lookupTxt(
    text: string,
    { signal, isNews = () => true }: TxtLookupOptions = {},
  ): Promise<DnsAnswer<string>> {
    const name = readName(text);
    if (name === undefined) return IMPOSSIBLE;
    const started = clock.now();
    const question: Question<"TXT"> = { name, type: "TXT" };
    const deadline = started + timeout;
    const shown = await failover.ask(question, { deadline, signal });
    const answer = shown.kind === "found" && isNews(shown.records)
      ? await readTxt(name, shown, { deadline, signal })
      : shown;
    observe(question, answer, started);
    return answer;
  }

  /** @returns The answer with the records that `Deno.resolveDns` finds, or as the wire has shown it. */
  async function readTxt(
    name: string,
    shown: Found,
    { deadline, signal }: Limits,
  ): Promise<DnsAnswer<string>> {
    const [server] = servers.candidates(new Set());
    if (server === undefined) return shown;
    const records = await findTxt(name, {
      resolveTxt,
      server: server.address,
      clock,
      timeout: Math.min(deadline - clock.now(), READ_MS),
      signal,
    });
    return records.length === 0 ? shown : { ...shown, records };
  }

  function resolvers(): readonly ResolverState[] {
    return servers.all().map((server) => ({
      server: server.label,
      ...server.transport.state(),
      validates: validation.stateOf(server),
    }));
  }

  return {
    lookup,
    lookupTxt,
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

type Found = Extract<DnsAnswer<string>, { kind: "found" }>;

/** A name that DNS cannot hold, such as one of more than 253 octets, does not exist. */
const IMPOSSIBLE = { kind: "nxdomain", secure: false, validated: true, ttl: 0 } as const;

/** Declares the metrics. @returns What counts and logs an answer; `started` in ms of the clock. */
function createObserver({ clock, log, metrics }: DnsClientOptions) {
  const results = ["found", "nodata", "nxdomain", ...DNS_FAILURES];
  const questions = metrics.counter(
    "mta_sts_dns_questions_total",
    "Questions to the resolvers, by type and what came of them.",
    ["type", "result"],
  );
  for (const type of COUNTED_TYPES) {
    for (const result of results) questions.cell(type, result);
  }
  const seconds = metrics.histogram(
    "mta_sts_dns_seconds",
    "Time to the answer of a question, all attempts included.",
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

/** Reads the probe in the form Postfix has for it (`dnssec_probe`). */
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
