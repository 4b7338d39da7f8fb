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
 * });
 * ```
 *
 * What the table does not hold does not exist (`nxdomain`).
 *
 * @module
 */

import type { DnsAnswer, DnsClient, DnsFailure, DnssecProbe } from "../../src/dns/types.ts";
import type { LookupOptions, RecordData, RecordType } from "../../src/dns/types.ts";
import type { Clock } from "../../src/base/clock.ts";

/** TTL of answers that name none, seconds. */
const DEFAULT_TTL = 300;

type AnyRecord = RecordData[RecordType];

type Unjudged<A> = A extends { validated: boolean }
  ? Omit<A, "validated"> & { readonly validated?: boolean }
  : A;

/** What an answer is made from. */
export type PromptReply =
  /** Records, insecure, with a TTL of 300 s. */
  | readonly AnyRecord[]
  | {
    readonly records: readonly AnyRecord[];
    readonly secure?: boolean;
    readonly validated?: boolean;
    readonly ttl?: number;
    readonly owner?: string;
  }
  /** Insecure and with a TTL of 300 s; write the answer out for others. */
  | "nxdomain"
  | "nodata"
  | DnsFailure
  /** An answer as it is; `validated` may be left out. */
  | Unjudged<DnsAnswer<AnyRecord>>;

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
  /**
   * What `probe()` says; `validates` to begin with. Answers that do not say for themselves are validated if
   * the resolver does it or the answer is secure, and fail if they must be and are not.
   */
  dnssec: DnssecProbe;
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
      const answer = judge(toAnswer(name, reply), fake.dnssec.kind === "validates");
      if (answer.kind === "failed" || answer.validated || !validated) return answer;
      return { kind: "failed", reason: "unvalidated", detail: "as the table has it" } as const;
    });
    return await untilAborted(answered, signal) as DnsAnswer<RecordData[T]>;
  }

  const fake: FakeDns = {
    table,
    questions,
    dnssec: { kind: "validates" },
    lookup,
    async lookupTxt(name, lookupOptions = {}) {
      const answer = await lookup(name, "TXT", lookupOptions);
      // As the real one does before it reads what is news.
      if (answer.kind === "found") lookupOptions.isNews?.(answer.records);
      return answer;
    },
    probe: () => Promise.resolve(fake.dnssec),
    validates() {
      return fake.dnssec.kind === "unknown" ? undefined : fake.dnssec.kind === "validates";
    },
    inspect: () => Promise.resolve(fake.resolvers()),
    resolvers: () => [{
      server: "127.0.0.1:53",
      udp: "answers",
      tcp: "answers",
      edns: true,
      validates: fake.validates(),
    }],
    servers: () => ["127.0.0.1:53"],
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

function judge(
  answer: Unjudged<DnsAnswer<AnyRecord>>,
  validates: boolean,
): DnsAnswer<AnyRecord> {
  return answer.kind === "failed"
    ? answer
    : { ...answer, validated: answer.validated ?? (answer.secure || validates) };
}

function toAnswer(name: string, reply: PromptReply): Unjudged<DnsAnswer<AnyRecord>> {
  if (typeof reply === "string") {
    return reply === "nxdomain" || reply === "nodata"
      ? { kind: reply, secure: false, ttl: DEFAULT_TTL }
      : { kind: "failed", reason: reply, detail: "as the table has it" };
  }
  if ("kind" in reply) return reply;
  const found = "records" in reply ? reply : { records: reply };
  return { kind: "found", secure: false, ttl: DEFAULT_TTL, owner: name, ...found };
}
