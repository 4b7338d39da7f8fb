/**
 * `publish …`: the commands for the owner of a domain.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { publishInitCommand } from "./publish_init.ts";
import { publishLintCommand } from "./publish_lint.ts";
import { publishRollCommand } from "./publish_roll.ts";
import { publishServeCommand } from "./publish_serve.ts";

/** The commands, in the order in which a domain needs them. */
export const PUBLISH_COMMANDS: readonly Command[] = [
  publishInitCommand,
  publishLintCommand,
  publishServeCommand,
  publishRollCommand,
];
