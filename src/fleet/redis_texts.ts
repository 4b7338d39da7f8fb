/**
 * Texts and times read from Redis.
 *
 * @module
 */

import type { ChainableCommander, Redis } from "ioredis";
import { SEALED_MAX_LENGTH } from "./envelope.ts";

/**
 * The time of the server, ms.
 *
 * @internal
 */
export async function timeOf(client: Redis): Promise<number> {
  const [seconds, microseconds] = await client.time();
  return +seconds! * 1000 + +microseconds! / 1000;
}

/**
 * Adds the reading of keys to a pipeline, and runs it. No more is read than anybody needs to refuse a text: whoever can
 * write to the engine must not fill the memory of all hosts.
 *
 * @returns In the order of the keys; `undefined` for one that is not there or holds something else.
 * @internal
 */
export async function readTexts(
  pipeline: ChainableCommander,
  keys: readonly string[],
): Promise<readonly (string | undefined)[]> {
  if (keys.length === 0) return [];
  for (const key of keys) pipeline.getrange(key, 0, SEALED_MAX_LENGTH);
  const replies = await pipeline.exec() ?? [];
  const failed = replies.find(([error]) =>
    error !== null && !error.message.startsWith("WRONGTYPE")
  );
  if (failed !== undefined) throw failed[0];
  return replies.slice(-keys.length).map(([, reply]) =>
    typeof reply === "string" && reply !== "" ? reply : undefined
  );
}

/**
 * Runs a transaction.
 *
 * @returns Its replies.
 * @throws The first error among them.
 * @internal
 */
export async function execute<Replies extends readonly unknown[]>(
  multi: ChainableCommander,
): Promise<Replies> {
  const replies = await multi.exec() ?? [];
  for (const [error] of replies) {
    if (error !== null) throw error;
  }
  return replies.map(([, reply]) => reply) as unknown as Replies;
}

/** Writes text so that a pattern of SCAN matches it alone. */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\^]/g, "\\$&");
}
