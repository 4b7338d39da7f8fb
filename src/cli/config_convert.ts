/**
 * `config convert FILE`: converts the configuration of another resolver.
 *
 * @module
 */

import { convertConfig } from "../config/convert.ts";
import { cannotRead } from "../config/load.ts";
import { isTlsrptReporter } from "../config/tlsrpt_reporter.ts";
import { UsageError } from "../config/usage_error.ts";
import type { Command, CommandArgs, Io } from "./command.ts";

export const configConvertCommand: Command = {
  name: "config convert",
  operands: "FILE…",
  arity: [1, 2],
  summary: "Convert the configuration of another program",
  description: [
    "Reads a configuration of postfix-mta-sts-resolver, postfix-tlspol or tlsrpt-reporter (both of its",
    "files at once) and prints the equivalent configuration for this program. Comments mark settings",
    "that have no effect here. FILE is not changed.",
  ],
  options: [],
  examples: [[
    "mta-sts-resolver config convert /etc/mta-sts-daemon.yml >/etc/mta-sts-resolver.yml",
    "Move from postfix-mta-sts-resolver",
  ]],
  run: run,
};

function run(args: CommandArgs, io: Io): Promise<number> {
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
