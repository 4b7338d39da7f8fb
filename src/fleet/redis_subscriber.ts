/**
 * The connection on which a host hears the news of its fleet in Redis: one that subscribes may do nothing else.
 *
 * @module
 */

import { EngineLink, finishOpening } from "./engine_link.ts";
import {
  createRedisOpener,
  type RedisClientOptions,
  type RedisConnection,
  toRedisError,
} from "./redis_client.ts";
import type { Clock } from "../base/clock.ts";
import type { Engine } from "./types.ts";

/** How to subscribe. */
export interface RedisSubscriberOptions extends RedisClientOptions {
  /** What is listened to. */
  readonly channel: string;
  /** Timers of all waits. */
  readonly clock: Clock;
}

/** Creates the connection; it is not started yet. It is open once the channel is heard. */
export function createRedisSubscriber(
  listener: Parameters<Engine["listen"]>[0],
  { channel, clock, ...options }: RedisSubscriberOptions,
): EngineLink<RedisConnection> {
  const open = createRedisOpener(options);
  return new EngineLink<RedisConnection>({
    open: async (signal) => {
      const connection = await open(signal);
      connection.client.on("message", (_: string, text: string) => listener.onMessage(text));
      await finishOpening(connection, signal, {
        step: () => connection.client.subscribe(channel),
      });
      return connection;
    },
    toError: toRedisError,
    clock,
    onOpen: () => listener.onOpen(),
  });
}
