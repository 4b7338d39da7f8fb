/**
 * `publish serve`: serves policy files.
 *
 * @module
 */

import { createClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { VERSION } from "../base/version.ts";
import { applyOverrides } from "../config/overrides.ts";
import { closest } from "../config/suggest.ts";
import { UsageError } from "../config/usage_error.ts";
import { onReload, waitForStop } from "../daemon/signals.ts";
import { createFiles } from "../base/files.ts";
import { type PublisherOptions, startPublisher } from "../publish/publisher.ts";
import { readAddresses } from "./arguments.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

const HTTPS_DEFAULT = { hostname: "::", port: 443 };

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const options = readOptions(args);
  const config = applyOverrides(readConfig(args.value("config"), io).config, {
    logLevel: args.value("log-level"),
    logFormat: args.value("log-format"),
  });
  const log = createLog({ ...config.log, journal: io.env("JOURNAL_STREAM") !== undefined });
  const publisher = await startPublisher(options, {
    files: createFiles(),
    clock: createClock(),
    log,
    metrics: createMetrics(),
    suggest: closest,
    onReload,
  });
  log.info("started", { version: VERSION, ...publisher.counts });
  log.info("stopping", { signal: await waitForStop() });
  await publisher.stop();
  log.info("stopped");
  return 0;
}

function readOptions(args: CommandArgs): PublisherOptions {
  const policyDirectory = args.value("policies");
  const certificateDirectory = args.value("certs");
  const http = readAddresses(args, "http");
  const named = readAddresses(args, "https");
  const https = named.length === 0 && http.length === 0 ? [HTTPS_DEFAULT] : named;
  if (policyDirectory === undefined) throw new UsageError("--policies DIR is missing");
  if (https.length > 0 && certificateDirectory === undefined) {
    throw new UsageError("HTTPS needs --certs DIR", { hint: "or use --http behind a web server" });
  }
  return {
    policyDirectory,
    certificateDirectory: certificateDirectory ?? "",
    https,
    http,
    metricsAt: readAddresses(args, "metrics"),
  };
}
