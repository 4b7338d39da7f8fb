/**
 * The cache of postfix-mta-sts-resolver in Redis: for each domain a sorted set of one member, under the bare name. The
 * score is the time, the member 16 random octets and a JSON array of id and policy.
 *
 * @module
 */

import type { Redis } from "ioredis";
import type { Clock } from "../base/clock.ts";
import type { RedisAddress, TlsFiles } from "./engine_address.ts";
import { EngineLink } from "./engine_link.ts";
import { createRedisOpener, toRedisError } from "./redis_client.ts";
import {
  entryOf,
  keysOf,
  parseJson,
  readRivalRow,
  type RivalRow,
  type RivalSource,
} from "./rival_entries.ts";

/** Octets in front of the JSON, which keep members apart. */
const SEED_OCTETS = 16;

/** Keys asked for at a time. */
const PART = 500;

/** What is no domain in its database. */
const METADATA = "_metadata";

/** How to read it. */
export interface RivalRedisOptions {
  /** Where the server is. */
  readonly address: RedisAddress;
  /** The contents of the files in `address.tls`. */
  readonly tlsFiles: TlsFiles;
  /** Timers of all waits, and the time by which entries expire. */
  readonly clock: Clock;
}

/** Opens the cache. It connects with the first call. */
export function openRivalRedis({ address, tlsFiles, clock }: RivalRedisOptions): RivalSource {
  const link = new EngineLink({
    open: createRedisOpener({ address, tlsFiles }),
    toError: toRedisError,
    clock,
  });
  return {
    async *list() {
      let cursor: string | undefined = "0";
      while (cursor !== undefined) {
        const [next, keys]: [string, string[]] = await link.run(({ client }) =>
          client.scan(cursor!, "COUNT", PART)
        );
        const domains = keys.filter((key) => key !== METADATA);
        const rows = await link.run(({ client }) => readRivalRows(client, domains));
        yield [...rows.values()].map((row) => readRivalRow(row, clock.now()));
        cursor = next === "0" ? undefined : next;
      }
    },
    read: async (domain) => {
      const rows = await link.run(({ client }) => readRivalRows(client, keysOf(domain)));
      return entryOf(rows, { domain, now: clock.now() });
    },
    close: () => link.close(),
  };
}

/**
 * Reads entries of the other program, in one round trip.
 *
 * @returns By their keys. A key that is not there, or holds something else, is left out.
 * @internal
 */
export async function readRivalRows(
  client: Redis,
  keys: readonly string[],
): Promise<ReadonlyMap<string, RivalRow>> {
  const rows = new Map<string, RivalRow>();
  if (keys.length === 0) return rows;
  const pipeline = client.pipeline();
  for (const key of keys) pipeline.zrevrangeBuffer(key, 0, 0, "WITHSCORES");
  for (const [at, [error, reply]] of (await pipeline.exec() ?? []).entries()) {
    if (error !== null && error.name !== "ReplyError") throw error;
    const row = Array.isArray(reply) ? unpack(keys[at]!, reply as Uint8Array[]) : undefined;
    if (row !== undefined) rows.set(row.key, row);
  }
  return rows;
}

function unpack(key: string, [member, score]: readonly Uint8Array[]): RivalRow | undefined {
  if (member === undefined || score === undefined) return undefined;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const pair = parseJson(decoder.decode(member.subarray(SEED_OCTETS)));
  const [id, body] = Array.isArray(pair) ? pair : [];
  return { key, ts: +decoder.decode(score), id, body };
}
