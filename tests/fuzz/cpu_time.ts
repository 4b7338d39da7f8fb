/**
 * Time as a reader needs it: of the processor, by this process. What
 * else the machine does is not counted.
 *
 * @module
 */

import process from "node:process";

/** Milliseconds so far. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
