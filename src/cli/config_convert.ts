/**
 * `config convert FILE`: converts the configuration of another resolver.
 *
 * @module
 */

import { convertConfig } from "../config/convert.ts";
import { cannotRead } from "../config/load.ts";
import type { Command, CommandArgs, Io } from "./command.ts";

export const configConvertCommand: Command = {
  name: "config convert",
  operands: "FILE",
  arity: [1, 1],
  summary: "Convert the configuration of another resolver",
  description: [
    "Reads a configuration of postfix-mta-sts-resolver or postfix-tlspol and prints the equivalent",
    "configuration for this program. Comments mark settings that have no effect here. FILE is not changed.",
  ],
  options: [],
  examples: [[
    "mta-sts-resolver config convert /etc/mta-sts-daemon.yml >/etc/mta-sts-resolver.yml",
    "Move from postfix-mta-sts-resolver",
  ]],
  run: run,
};

function run(args: CommandArgs, io: Io): Promise<number> {
  const file = args.operands[0]!;
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (error) {
    throw cannotRead(file, error);
  }
  io.out(convertConfig(text, file));
  return Promise.resolve(0);
}
