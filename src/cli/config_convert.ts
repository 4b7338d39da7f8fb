/**
 * `config convert FILE`: converts the configuration of another resolver.
 *
 * @module
 */

import { convertConfig } from "../config/convert.ts";
import { cannotRead } from "../config/load.ts";
import { isTlsrptReporter } from "../config/tlsrpt_reporter.ts";
import { UsageError } from "../config/usage_error.ts";
import type { CommandArgs, Io } from "./command.ts";

/** Runs the command. @returns The exit status. */
export function run(args: CommandArgs, io: Io): Promise<number> {
  const files = args.operands;
  const texts = files.map(readFile);
  if (files.length > 1 && !texts.every(isTlsrptReporter)) {
    throw new UsageError(
      "two files can only be converted together if both belong to tlsrpt-reporter",
    );
  }
  io.out(convertConfig(texts.join("\n"), files.join(" and ")));
  return Promise.resolve(0);
}

function readFile(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    throw cannotRead(file, error);
  }
}
