/**
 * DNS and HTTPS for the length of one command.
 *
 * @module
 */

import { type Clock, createClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import type { Config } from "../config/types.ts";
import { type Network, openNetwork } from "../daemon/network.ts";

/** What a command works with. */
export interface CommandNetwork {
  readonly network: Network;
  readonly clock: Clock;
}

/**
 * Opens the network, runs `use`, and closes the network.
 *
 * The log takes errors only: the command reports everything else itself.
 *
 * @throws {UsageError} If the trust roots cannot be read.
 */
export async function withNetwork<Result>(
  config: Config,
  use: (parts: CommandNetwork) => Promise<Result>,
): Promise<Result> {
  const clock = createClock();
  const log = createLog({ level: "error", format: "text" });
  const network = await openNetwork(config, { log, metrics: createMetrics(), clock });
  try {
    return await use({ network, clock });
  } finally {
    network.close();
  }
}
