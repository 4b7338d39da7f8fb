/**
 * DNS as a table, for tests of what is decided from its answers.
 *
 * ```ts
 * const dns = createFakeDns({
 *   "TXT _mta-sts.example.com": ["v=STSv1; id=1"],
 *   "MX example.com": { records: [{ preference: 10, exchange: "mx.example.com" }], secure: true },
 *   "TXT _mta-sts.broken.example": "servfail",
 *   "TXT _mta-sts.slow.example": { reply: "nodata", delay: 2000 },
 *   "TXT _mta-sts.held.example": promise, // answered when the test resolves it
 *   "A mx.example.com": { records: ["192.0.2.1"], validated: false }, // by a server that does not validate
 * });
 * ```
 *
 * What the table does not hold does not exist (`nxdomain`).
 *
 * @module
 */

import type { DnsAnswer, DnsClient, DnsFailure, DnssecProbe } from "../../src/dns/types.ts";
import type { LookupOptions, RecordData, RecordType } from "../../src/dns/types.ts";
import type { Clock } from "../../src/resolver/clock.ts";

/** TTL of answers that name none, seconds. */
const DEFAULT_TTL = 300;

type AnyRecord = RecordData[RecordType];

/** An answer that need not say whether it was validated: it was, if the resolver validates. */
type Lenient<T> = T extends { readonly secure: boolean }
  ? Omit<T, "validated"> & { readonly validated?: boolean }
  : T;

/** What an answer is made from. */
export type PromptReply =
  /** Records, insecure, with a TTL of 300 s. */
  | readonly AnyRecord[]
  | {
    readonly records: readonly AnyRecord[];
    readonly secure?: boolean;
    /** @default {true, if it is secure or `probe()` says that the resolver validates} */
    readonly validated?: boolean;
    readonly ttl?: number;
    readonly owner?: string;
  }
  /** Insecure and with a TTL of 300 s; write the answer out for others. */
  | "nxdomain"
  | "nodata"
  | DnsFailure
  /** An answer as it is. */
  | Lenient<DnsAnswer<AnyRecord>>;

/** What the table may hold for one question. */
export type FakeReply =
  | PromptReply
  /** `delay` in milliseconds of the clock that was handed to {@link createFakeDns}. */
  | { readonly reply: PromptReply; readonly delay: number }
  /** Answered when the promise is. */
  | Promise<PromptReply>;

/** The client, with the test's hands on it. */
export interface FakeDns extends DnsClient {
  /** The answers by question, `TYPE name`; may be changed at any time. */
  readonly table: Record<string, FakeReply>;
  /** Every question asked, `TYPE name`, in order; empty it at will. */
  readonly questions: string[];
  /** What `probe()` says; `validates` to begin with. */
  dnssec: DnssecProbe;
  /** Number of calls of `reload()`. */
  reloads: number;
}

/**
 * Creates the client.
 *
 * @param table Answers by question; the object itself is used, not a copy.
 * @param options The clock for `delay` entries.
 */
export function createFakeDns(
  table: Record<string, FakeReply> = {},
  options: { clock?: Clock } = {},
): FakeDns {
  const questions: string[] = [];

  function sleep(ms: number): Promise<void> {
    const { clock } = options;
    if (clock === undefined) throw new TypeError("A delayed reply needs the option 'clock'");
    return new Promise((resolve) => clock.setTimer(resolve, ms));
  }

  async function arrive(reply: FakeReply): Promise<PromptReply> {
    if (reply instanceof Promise) return await reply;
    if (typeof reply === "string" || !("reply" in reply)) return reply;
    await sleep(reply.delay);
    return reply.reply;
  }

  async function lookup<T extends RecordType>(
    name: string,
    type: T,
    { signal, validated = false }: LookupOptions = {},
  ): Promise<DnsAnswer<RecordData[T]>> {
    const question = `${type} ${name}`;
    questions.push(question);
    const answered = arrive(table[question] ?? "nxdomain").then((reply) => {
      const answer = toAnswer(name, reply, fake.dnssec.kind === "validates");
      return validated && answer.kind !== "failed" && !answer.validated ? UNVALIDATED : answer;
    });
    return await untilAborted(answered, signal) as DnsAnswer<RecordData[T]>;
  }

  const fake: FakeDns = {
    table,
    questions,
    dnssec: { kind: "validates" },
    reloads: 0,
    lookup,
    lookupTxt: (name, lookupOptions) => lookup(name, "TXT", lookupOptions),
    probe: () => Promise.resolve(fake.dnssec),
    servers: () => ["127.0.0.1:53"],
    reload() {
      fake.reloads++;
      return Promise.resolve();
    },
    close() {},
  };
  return fake;
}

function untilAborted(
  answered: Promise<DnsAnswer<AnyRecord>>,
  signal: AbortSignal | undefined,
): Promise<DnsAnswer<AnyRecord>> {
  if (signal === undefined) return answered;
  return new Promise((resolve, reject) => {
    const giveUp = () =>
      resolve({ kind: "failed", reason: "timeout", detail: "the caller gave up" });
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
    answered.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}

const UNVALIDATED = {
  kind: "failed",
  reason: "unvalidated",
  detail: "by a server that does not validate",
} as const;

function toAnswer(name: string, reply: PromptReply, validates: boolean): DnsAnswer<AnyRecord> {
  if (typeof reply === "string") {
    return reply === "nxdomain" || reply === "nodata"
      ? { kind: reply, secure: false, validated: validates, ttl: DEFAULT_TTL }
      : { kind: "failed", reason: reply, detail: "as the table has it" };
  }
  if ("kind" in reply) {
    return reply.kind === "failed" ? reply : { validated: reply.secure || validates, ...reply };
  }
  const found = "records" in reply ? reply : { records: reply };
  const { secure = false } = found;
  return {
    kind: "found",
    secure,
    validated: secure || validates,
    ttl: DEFAULT_TTL,
    owner: name,
    ...found,
  };
}
