/**
 * `config show`: prints the effective configuration.
 *
 * @module
 */

import { formatConfig } from "../config/show.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command } from "./command.ts";
import { readConfig } from "./read_config.ts";

export const configShowCommand: Command = {
  name: "config show",
  operands: "",
  arity: [0, 0],
  summary: "Print the effective configuration",
  description: ["Prints the effective configuration, defaults included, as YAML."],
  options: [CONFIG_OPTION],
  run(args, io) {
    io.out(formatConfig(readConfig(args.value("config"), io).config));
    return Promise.resolve(0);
  },
};
