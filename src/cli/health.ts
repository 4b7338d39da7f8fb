/**
 * `health`: checks that the daemon answers and works, for containers and supervisors.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import type { Endpoint } from "../base/address.ts";
import type { HealthCheck, HealthReport } from "../status/health.ts";
import { httpGet } from "../http/client.ts";
import { quoteRemote } from "../base/quote_text.ts";
import { querySocketmap } from "../postfix/client.ts";
import type { CommandArgs, Io } from "./command.ts";
import { daemonAddress } from "./read_config.ts";

/** A healthy daemon answers {@link KEY} at once, because that needs no lookup, ms. */
const QUERY_TIMEOUT_MS = 2000;

/** The daemon's own checks may wait 2.5 seconds for DNS, ms. */
const CHECKS_TIMEOUT_MS = 4000;

/** A parent key: always "not found" (RFC 8461 §3.4). */
const KEY = ".invalid";

const EXIT_UNHEALTHY = 1;

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const { listen: address, http } = daemonAddress(args, io);
  try {
    await querySocketmap(address, "health", [KEY], { timeout: QUERY_TIMEOUT_MS });
    const warnings = http === undefined ? [] : await askChecks(http);
    io.out(`${["ok", ...warnings].join("; ")}\n`);
    return 0;
  } catch (error) {
    io.err(`unhealthy: ${messageOf(error)}`);
    return EXIT_UNHEALTHY;
  }
}

/**
 * Asks for the daemon's own checks.
 *
 * @returns The warnings.
 * @throws {Error} With one line if a check failed, or the daemon gives no report.
 */
async function askChecks(address: Endpoint): Promise<string[]> {
  const { status, body } = await httpGet(address, "/readyz", { timeout: CHECKS_TIMEOUT_MS });
  if (status !== 200 && status !== 503) throw new Error(`status ${status} for /readyz`);
  const { checks } = JSON.parse(body) as HealthReport;
  const tell = (wanted: HealthCheck["status"]) =>
    checks.filter((check) => check.status === wanted)
      .map(({ name, detail }) => `${name}: ${quoteRemote(detail)}`);
  if (status === 503) throw new Error(tell("failed").join("; "));
  return tell("warning");
}
